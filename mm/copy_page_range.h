/*
 * copy_page_range.h - what a parent's VMA maps is mapped by its child's too.
 */
#ifndef MM_COPY_PAGE_RANGE_H
#define MM_COPY_PAGE_RANGE_H

#include "mm/vma.h"

/*
 * copy_page_range - share the pages of @src with @dst, its copy in a child, for copy-on-write.
 *
 * Every page gets one mapping more and is nobody's alone any more; entries of both sides lose
 * write. The parent's translations are the caller's to flush, before its lock goes.
 * Locks:    mmap_lock of both for write, @src write-locked
 * Context:  may sleep (tables)
 * Returns:  0; -ENOMEM with a part copied, which counters and rmap know of
 */
int __must_check copy_page_range(struct vm_area_struct *dst, struct vm_area_struct *src);

#endif
