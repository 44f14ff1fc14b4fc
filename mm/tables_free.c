/*
 * tables_free.c - unhook tables that serve nothing any more.
 *
 * Owns: which tables may go.
 * Idea: an entry of level @shift leads to a table that serves 2^shift bytes. The table goes when
 *       all of them lie between the neighbours, floor and ceiling: nobody else can need it then.
 *
 *	      floor      start            end      ceiling
 *	 -------|----------[===============]---------|------
 *	    | 2 MiB  |  2 MiB  |  2 MiB  |  2 MiB  |  2 MiB
 *	     stays     freed     freed     freed     stays
 */
#include "kernel/core/bug.h"
#include "kernel/core/once.h"
#include "mm/mmu_gather.h"
#include "mm/tables.h"
#include "mm/tables_internal.h"

struct free_range {
	struct mmu_gather *tlb;
	unsigned long floor;
	unsigned long last; /* ceiling - 1, so that 0 means the top */
	unsigned long nr_freed;
};

static void check_empty(const u64 *table, unsigned long base, unsigned shift)
{
	unsigned i = table_next_used(table, 0, PTRS_PER_TABLE);

	if (i < PTRS_PER_TABLE)
		BUGF("freeing the table of [%#lx, +%#lx) whose entry %u is %#lx", base,
		     1ul << shift, i, (unsigned long)table[i]);
}

static void unhook(struct free_range *range, u64 *entry, unsigned long base, unsigned shift)
{
	u64 found = *entry;

	if (static_branch_unlikely(&checks_key))
		check_empty(table_address(found), base, shift);
	WRITE_ONCE(*entry, 0);
	tlb_remove_table(range->tlb, table_page(found), base, base + (1ul << shift));
	range->nr_freed++;
}

/* Entries of one table, each serving 2^@shift bytes, that lie under [@addr, @end). */
static void free_below(struct free_range *range, u64 *table, unsigned shift, unsigned long addr,
		       unsigned long end)
{
	while (addr < end) {
		unsigned long next = entry_end(addr, end, shift);
		unsigned long base = addr & ~((1ul << shift) - 1);
		u64 *entry = &table[addr >> shift & (PTRS_PER_TABLE - 1)];

		if (*entry) {
			if (shift > PMD_SHIFT)
				free_below(range, table_address(*entry), shift - 9, addr, next);
			if (base >= range->floor && base + (1ul << shift) - 1 <= range->last)
				unhook(range, entry, base, shift);
		}
		addr = next;
	}
}

void free_pgd_range(struct mmu_gather *tlb, unsigned long start, unsigned long end,
		    unsigned long floor, unsigned long ceiling)
{
	struct free_range range = {.tlb = tlb, .floor = floor, .last = ceiling - 1};
	unsigned long base = start & ~(PMD_SIZE - 1);

	/* Small holes in large mappings are many: no table is all between the neighbours. */
	if (base < floor)
		base += PMD_SIZE;
	if (base >= end || base + PMD_SIZE - 1 > range.last)
		return;
	free_below(&range, (u64 *)tlb->mt->pgd, PGDIR_SHIFT, start, end);
	if (range.nr_freed)
		atomic_long_sub(range.nr_freed * PAGE_SIZE, &tlb->mt->pgtables_bytes);
}
