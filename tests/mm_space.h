/*
 * mm_space.h - an address space with bare frames, for the tests and benches of page tables.
 */
#ifndef TESTS_MM_SPACE_H
#define TESTS_MM_SPACE_H

#include "mm/mmu_gather.h"
#include "mm/page_alloc.h"
#include "mm/tables.h"

#define SPACE_BASE 0x40000000ul

/*
 * space_map - map @nr fresh frames from @start on, the i-th at @start + i * @stride.
 *
 * Returns:  0, or -ENOMEM with what was mapped so far in place (space_end() takes it)
 */
int __must_check space_map(struct mm_tables *mt, unsigned long start, unsigned long nr,
			   unsigned long stride);

/* Unmap and free everything from @start to @end, tables included. */
void space_clear(struct mm_tables *mt, unsigned long start, unsigned long end);

/* space_clear() of all, then the directory. Nobody uses @mt. */
void space_end(struct mm_tables *mt, unsigned long start, unsigned long end);

#endif
