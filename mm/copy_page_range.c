/*
 * copy_page_range.c - share one VMA's pages with its copy.
 *
 * Owns: the pass over tables, growing the child's, what memory an entry may want.
 * Not here: what becomes of an entry (copy_entries.c).
 * Idea: a table that the child does not have is filled before anybody can find it, and hooked while
 *       the parent's is still locked: who has looked at the parent's entries finds the child's.
 * Locks: the child's table, or the lock for hooking it, then the parent's (nested); others are let
 *        in between bursts.
 */
#include "mm/copy_page_range.h"

#include <errno.h>
#include "kernel/core/bug.h"
#include "kernel/core/events.h"
#include "kernel/core/fault.h"
#include "mm/copy_internal.h"
#include "mm/mm.h"
#include "mm/page_alloc.h"
#include "mm/swap.h"
#include "mm/tables_internal.h"

FAULT_SITE(F18, "fork: a page table of the child");
FAULT_SITE(F19, "fork: room for a larger count of a swap slot");
FAULT_SITE(F20, "fork: a page for the copy of one that may be pinned");

/* ---- the child's tables ---- */

/* Served by no table. */
#define NEAR_NONE (~0ul)

/* The table below @entry of the child; 0: no memory. */
static __always_inline u64 dst_table(struct mm_tables *dst, u64 *entry)
{
	u64 found = READ_ONCE(*entry);

	return likely(found) ? found : FAULT_SITE_CALL(F18, table_hook(dst, entry));
}

/* A table to fill, for @hook. False: no memory. */
static bool dst_new_table(struct copy_walk *c, u64 *hook)
{
	if (!c->fresh)
		c->fresh = FAULT_SITE_CALL(F18, table_alloc(false));
	if (!c->fresh)
		return false;
	c->table = page_address(c->fresh);
	c->hook = hook;
	c->dst_ptl = &c->mm->tables.page_table_lock;
	return true;
}

/* The child's table that serves @addr and what locks it. False: no memory. */
static noinline bool dst_find(struct copy_walk *c, unsigned long addr)
{
	struct mm_tables *mt = &c->mm->tables;
	u64 table = dst_table(mt, &mt->pgd[pgd_index(addr)].pgd);
	u64 *pmd;

	if (table)
		table = dst_table(mt, &((pud_t *)table_address(table))[pud_index(addr)].pud);
	if (!table)
		return false;
	pmd = &((pmd_t *)table_address(table))[pmd_index(addr)].pmd;
	table = READ_ONCE(*pmd);
	if (table) {
		c->table = table_address(table);
		c->dst_ptl = table_ptl(mt, table);
	} else if (!dst_new_table(c, pmd)) {
		return false;
	}
	c->near = addr;
	return true;
}

/* The new table is filled from @first to before @end: nothing else is in it. */
static noinline void hook_new_table(struct copy_walk *c, pte_t *first, pte_t *end)
{
	struct mm_tables *mt = &c->mm->tables;

	clear_entries(c->table, first - c->table);
	clear_entries(end, c->table + PTRS_PER_TABLE - end);
	table_hook_filled(mt, c->hook, c->fresh);
	c->dst_ptl = table_page_ptl(mt, c->fresh);
	c->hook = NULL;
	c->fresh = NULL;
}

/* ---- the pass ---- */

static spinlock_t *ptl_of(struct mm_tables *mt, pte_t *pte)
{
	return table_page_ptl(mt, phys_to_page(direct_to_phys(pte)));
}

/* What a stop was for, unless it was for others, is got with no lock held. 0 or -ENOMEM. */
static int get_memory(struct copy_walk *c)
{
	swp_entry_t full = c->full;

	if (full.val) {
		c->full = (swp_entry_t){0};
		return FAULT_SITE_CALL(F19, add_swap_count_continuation(full, GFP_KERNEL));
	}
	if (!c->wants_spare)
		return 0;
	c->wants_spare = false;
	c->spare = FAULT_SITE_CALL(F20, alloc_page(GFP_KERNEL | GFP_FOR(FK_ANON)));
	return c->spare ? 0 : -ENOMEM;
}

static __always_inline pte_t *copy_entries_by(struct copy_walk *c, pte_t *src, pte_t *end,
					      pte_t *dst)
{
	if (static_branch_unlikely(&lock_slow_key) || unlikely(c->may_be_pinned))
		return copy_entries_watched(c, src, end, dst);
	return copy_entries(c, src, end, dst);
}

/* A walker's fault has made the table that @c is about to fill: that one is taken. */
static __always_inline bool dst_lost_race(struct copy_walk *c)
{
	if (!READ_ONCE(*c->hook))
		return false;
	c->hook = NULL;
	c->near = NEAR_NONE;
	return true;
}

/* Both locked; neither table goes. */
static pte_t *copy_locked(struct copy_walk *c, pte_t *src, pte_t *end, pte_t *dst) NO_LOCK_ANALYSIS
{
	spinlock_t *dst_ptl = c->dst_ptl;
	pte_t *at = src;

	spin_lock(dst_ptl);
	if (likely(!c->hook) || !dst_lost_race(c)) {
		spin_lock_nested(c->src_ptl);
		at = copy_entries_by(c, src, end, dst);
		if (c->hook)
			hook_new_table(c, dst, dst + (at - src));
		spin_unlock(c->src_ptl);
	}
	spin_unlock(dst_ptl);
	return at;
}

static int copy_pte_range(struct pte_walk *walk, pte_t *src, unsigned long addr, unsigned long end)
{
	struct copy_walk *c = walk->arg;
	pte_t *last = src + ((end - addr) >> PAGE_SHIFT), *at;

	c->src_ptl = ptl_of(walk->mt, src);
	for (;;) {
		if ((addr ^ c->near) >= PMD_SIZE && !dst_find(c, addr))
			return -ENOMEM;
		at = copy_locked(c, src, last, c->table + pte_index(addr));
		if (at == last)
			return 0;
		if (get_memory(c))
			return -ENOMEM;
		addr += (at - src) * PAGE_SIZE;
		src = at;
	}
}

void copy_pages_begin(struct copy_walk *c, struct mm_struct *mm, struct mm_struct *oldmm)
{
	*c = (struct copy_walk){
		.walk = {.mt = &oldmm->tables, .fn = copy_pte_range, .arg = c, .unlocked = true},
		.near = NEAR_NONE,
		.mm = mm,
		.oldmm = oldmm,
		.may_be_pinned = test_bit(MMF_HAS_PINNED, &oldmm->flags),
	};
}

int copy_page_range(struct copy_walk *c, struct vm_area_struct *dst, struct vm_area_struct *src)
{
	c->vma = dst;
	return walk_pte_tables(&c->walk, src->vm_start, src->vm_end);
}

/* What was counted goes to the child. */
static void settle_counts(const struct copy_walk *c)
{
	if (c->nr_anon)
		add_mm_counter(c->mm, MM_ANONPAGES, c->nr_anon);
	if (c->nr_file)
		add_mm_counter(c->mm, MM_FILEPAGES, c->nr_file);
	if (c->nr_swap)
		add_mm_counter(c->mm, MM_SWAPENTS, c->nr_swap);
	event_count(EV_PTE, 2 * (c->nr_anon + c->nr_file + c->nr_swap + c->nr_others));
}

void copy_pages_end(struct copy_walk *c)
{
	if (c->fresh)
		free_page(c->fresh);
	if (c->spare)
		put_page(c->spare);
	settle_counts(c);
}
