/*
 * tables.c - make, grow and walk the tables of an address space.
 *
 * Owns: hooking tables in, the locks of PTE tables, the walk over ranges.
 * Not here: what is done to entries of a range (tables_range.c), unhooking (tables_free.c).
 * Idea: a table is filled, mostly with zeros, before its address is published by one ordered store,
 *       so a walker without a lock finds either nothing or a whole table.
 */
#include "mm/tables.h"

#include <errno.h>
#include "kernel/core/bug.h"
#include "kernel/core/events.h"
#include "kernel/core/setting.h"
#include "kernel/x86/kmap.h"
#include "mm/page_alloc.h"
#include "mm/tables_internal.h"
#include "mm/tlb.h"

bool tables_split_ptl = true;

static u64 split_ptl_get(void)
{
	return tables_split_ptl;
}

static int split_ptl_set(u64 value)
{
	tables_split_ptl = value;
	return 0;
}
SETTING_BOOL(split_ptl, "new address spaces have a lock per PTE table", split_ptl_get,
	     split_ptl_set);

int tables_init(struct mm_tables *mt)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO | GFP_FOR(FK_TABLE));

	if (!page)
		return -ENOMEM;
	event_count(EV_TABLE_PAGE, 1);
	mt->pgd = page_address(page);
	kmap_fill_pgd((u64 *)mt->pgd);
	tlb_ctx_init(&mt->tlb, page_to_phys(page));
	atomic_long_set(&mt->pgtables_bytes, 0);
	spin_lock_init(&mt->page_table_lock, LC_PGD);
	mt->split_ptl = tables_split_ptl;
	return 0;
}

void tables_destroy(struct mm_tables *mt)
{
	if (static_branch_unlikely(&checks_key)) {
		unsigned i = table_next_used((const u64 *)mt->pgd, 0, USER_PGD_PTRS);

		if (i < USER_PGD_PTRS)
			BUGF("freeing a directory whose entry %u leads to %#lx", i,
			     (unsigned long)mt->pgd[i].pgd);
		ASSERT_EQ(atomic_long_read_nopoint(&mt->pgtables_bytes), 0);
	}
	tlb_ctx_evict(&mt->tlb);
	event_count(EV_TABLE_PAGE, 1);
	free_page(virt_to_page(mt->pgd));
	mt->pgd = NULL;
}

/* A table is mostly empty: lines of nothing are passed by as a whole. */
unsigned table_next_used(const u64 *table, unsigned i, unsigned end)
{
	const u64 *e = &table[i], *stop = &table[end];

	for (;; e++) {
		while ((unsigned long)e % 64 == 0 && stop - e >= 8 &&
		       !(e[0] | e[1] | e[2] | e[3] | e[4] | e[5] | e[6] | e[7]))
			e += 8;
		if (e >= stop || READ_ONCE_NOPOINT(*e))
			break;
	}
	return (unsigned)(e - table);
}

/* ---- growing ---- */

struct page *table_alloc(bool zero)
{
	gfp_t gfp = GFP_KERNEL | GFP_FOR(FK_TABLE);
	struct page *table = alloc_page(zero ? gfp | __GFP_ZERO : gfp);

	if (!table)
		return NULL;
	spin_lock_init(&table->ptl, LC_PTL);
	table->private = 0;
	return table;
}

void table_hook_filled(struct mm_tables *mt, u64 *entry, struct page *table)
{
	rcu_assign_pointer(*entry, page_to_phys(table).v | TABLE_ENTRY_BITS);
	event_count(EV_TABLE_PAGE, 1);
	atomic_long_add(PAGE_SIZE, &mt->pgtables_bytes);
}

u64 table_hook(struct mm_tables *mt, u64 *entry)
{
	u64 found = READ_ONCE(*entry);
	struct page *table;

	if (likely(found))
		return found;
	table = table_alloc(true);
	if (!table)
		return 0;
	spin_lock(&mt->page_table_lock);
	found = READ_ONCE(*entry);
	if (!found) {
		table_hook_filled(mt, entry, table);
		found = READ_ONCE_NOPOINT(*entry);
		table = NULL;
	}
	spin_unlock(&mt->page_table_lock);
	if (table)
		free_page(table);
	return found;
}

pmd_t *pmd_alloc(struct mm_tables *mt, unsigned long addr)
{
	u64 entry = table_hook(mt, &mt->pgd[pgd_index(addr)].pgd);
	pud_t *pud;

	if (!entry)
		return NULL;
	pud = (pud_t *)table_address(entry) + pud_index(addr);
	entry = table_hook(mt, &pud->pud);
	return entry ? (pmd_t *)table_address(entry) + pmd_index(addr) : NULL;
}

int pte_alloc(struct mm_tables *mt, pmd_t *pmd)
{
	return table_hook(mt, &pmd->pmd) ? 0 : -ENOMEM;
}

/* ---- walking to one entry ---- */

pmd_t *pmd_walk(struct mm_tables *mt, unsigned long addr)
{
	return pmd_find(mt, addr);
}

pte_t *pte_walk(struct mm_tables *mt, unsigned long addr)
{
	pmd_t *pmd = pmd_find(mt, addr);
	u64 entry;

	if (unlikely(!pmd))
		return NULL;
	entry = READ_ONCE(pmd->pmd);
	if (unlikely(!entry))
		return NULL;
	return (pte_t *)table_address(entry) + pte_index(addr);
}

spinlock_t *pte_lockptr(struct mm_tables *mt, pmd_t pmd)
{
	return table_ptl(mt, pmd.pmd);
}

pte_t *pte_offset_map_lock(struct mm_tables *mt, pmd_t *pmd, unsigned long addr, spinlock_t **ptl)
	NO_LOCK_ANALYSIS
{
	pmd_t entry = {READ_ONCE(pmd->pmd)};

	if (!entry.pmd)
		return NULL;
	*ptl = pte_lockptr(mt, entry);
	spin_lock(*ptl);
	return (pte_t *)table_address(entry.pmd) + pte_index(addr);
}

pte_t *pte_alloc_map_lock(struct mm_tables *mt, unsigned long addr, spinlock_t **ptl)
{
	pmd_t *pmd = pmd_alloc(mt, addr);

	if (!pmd || pte_alloc(mt, pmd))
		return NULL;
	return pte_offset_map_lock(mt, pmd, addr, ptl);
}

/* ---- walking over a range ---- */

static __always_inline int walk_table(struct pte_walk *walk, u64 entry, unsigned long addr,
				      unsigned long end)
{
	pte_t *pte = (pte_t *)table_address(entry) + pte_index(addr);
	spinlock_t *ptl;
	int err;

	if (walk->unlocked)
		return walk->fn(walk, pte, addr, end);
	ptl = pte_lockptr(walk->mt, (pmd_t){entry});
	spin_lock(ptl);
	err = walk->fn(walk, pte, addr, end);
	spin_unlock(ptl);
	return err;
}

/* The table below @entry, grown if the walk may; 0: skip. *@err: no memory. */
static __always_inline u64 walk_entry(struct pte_walk *walk, u64 *entry, int *err)
{
	u64 found = READ_ONCE(*entry);

	if (unlikely(!found) && walk->alloc) {
		found = table_hook(walk->mt, entry);
		if (!found)
			*err = -ENOMEM;
	}
	return found;
}

static int walk_pmd(struct pte_walk *walk, pmd_t *pmd, unsigned long addr, unsigned long end)
{
	int err = 0;

	for (; addr < end && !err; pmd++) {
		unsigned long next = entry_end(addr, end, PMD_SHIFT);
		u64 entry = walk_entry(walk, &pmd->pmd, &err);

		if (entry)
			err = walk_table(walk, entry, addr, next);
		addr = next;
	}
	return err;
}

static int walk_pud(struct pte_walk *walk, pud_t *pud, unsigned long addr, unsigned long end)
{
	int err = 0;

	for (; addr < end && !err; pud++) {
		unsigned long next = entry_end(addr, end, PUD_SHIFT);
		u64 entry = walk_entry(walk, &pud->pud, &err);

		if (entry)
			err = walk_pmd(walk, (pmd_t *)table_address(entry) + pmd_index(addr), addr,
				       next);
		addr = next;
	}
	return err;
}

static noinline int walk_pgd(struct pte_walk *walk, unsigned long start, unsigned long end)
{
	pgd_t *pgd = walk->mt->pgd + pgd_index(start);
	unsigned long addr = start;
	int err = 0;

	for (; addr < end && !err; pgd++) {
		unsigned long next = entry_end(addr, end, PGDIR_SHIFT);
		u64 entry = walk_entry(walk, &pgd->pgd, &err);

		if (entry)
			err = walk_pud(walk, (pud_t *)table_address(entry) + pud_index(addr), addr,
				       next);
		addr = next;
	}
	return err;
}

/* The one table that serves all of a range: most VMAs are small. */
static int walk_one_table(struct pte_walk *walk, unsigned long start, unsigned long end)
{
	if (!walk->near_entry || (start ^ walk->near) >= PMD_SIZE) {
		pmd_t *pmd = pmd_find(walk->mt, start);

		walk->near = start;
		walk->near_entry = pmd ? READ_ONCE(pmd->pmd) : 0;
	}
	return walk->near_entry ? walk_table(walk, walk->near_entry, start, end) : 0;
}

int walk_pte_tables(struct pte_walk *walk, unsigned long start, unsigned long end)
{
	ASSERT(end <= USER_MAX);
	if (start < end && (start ^ (end - 1)) < PMD_SIZE && !walk->alloc)
		return walk_one_table(walk, start, end);
	return walk_pgd(walk, start, end);
}
