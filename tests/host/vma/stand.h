/*
 * stand.h - an address space on the host: shapes only, no pages, no tables, no other thread.
 */
#ifndef TESTS_HOST_VMA_STAND_H
#define TESTS_HOST_VMA_STAND_H

#include "mm/file.h"
#include "mm/mm.h"

/* A new space without VMAs, and its end: everything is freed, and nothing may be left over. */
struct mm_struct *stand_begin(void);
void stand_end(struct mm_struct *mm);

/* A file without contents, with one reference: the last fput() frees it. */
struct file *stand_file(void);

/* The @n-th allocation from now on fails, once; negative: none. */
void stand_fail(long n);
/* Did it? */
bool stand_failed(void);

/*
 * stand_check - is @mm sound: tree, ranges, order, counters, chains; no VMA detached or left
 * write-locked in the tree?
 */
void stand_check(struct mm_struct *mm);

/* "W" writable, "r" readable, "." free: the rights of each page of the layout window. */
void stand_rights(struct mm_struct *mm, char *out);

#endif
