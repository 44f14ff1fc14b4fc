/*
 * file_internal.h - what file.c, truncate.c and file_store.c share: the stored pages.
 */
#ifndef MM_FILE_INTERNAL_H
#define MM_FILE_INTERNAL_H

#include "mm/file.h"

extern const struct address_space_operations store_ops;

/*
 * file_store_grow - frames of zeros for the pages [@from, @to).
 *
 * Locks:    file->lock, or nobody knows the file
 * Returns:  0, or -ENOMEM with the store as before
 */
int __must_check file_store_grow(struct file *file, unsigned long from, unsigned long to);

/* Frames of [@from, @to) go. No page of the range is cached or under write-back. */
void file_store_cut(struct file *file, unsigned long from, unsigned long to);

#endif
