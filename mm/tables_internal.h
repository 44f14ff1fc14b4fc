/*
 * tables_internal.h - reading entries of the upper levels, for the files that walk.
 */
#ifndef MM_TABLES_INTERNAL_H
#define MM_TABLES_INTERNAL_H

#include "kernel/core/once.h"
#include "mm/tables.h"

/* The table an entry of an upper level leads to; the entry is not none. */
static __always_inline void *table_address(u64 entry)
{
	return phys_to_virt(PHYS(entry & PTE_PFN_MASK));
}

static __always_inline struct page *table_page(u64 entry)
{
	return pfn_to_page((entry & PTE_PFN_MASK) >> PAGE_SHIFT);
}

/* Where the entry of level @shift that serves @addr ends, or @end if that is nearer. */
static __always_inline unsigned long entry_end(unsigned long addr, unsigned long end,
					       unsigned shift)
{
	unsigned long next = (addr & ~((1ul << shift) - 1)) + (1ul << shift);

	return next < end ? next : end;
}

/*
 * table_hook - make the upper-level entry at @entry lead to a table, unless it does.
 *
 * Context:  may sleep
 * Returns:  what the entry holds now; 0: no memory
 */
u64 table_hook(struct mm_tables *mt, u64 *entry);

#endif
