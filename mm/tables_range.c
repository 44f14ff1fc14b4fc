/*
 * tables_range.c - map, protect and unmap whole ranges of bare frames.
 *
 * Owns: the loops over the entries of one table.
 * Idea: each loop exists twice from one source, by a constant argument: bare, for when nobody
 *       watches, and watched, with a schedule point before every entry and the counts that checked
 *       runs keep. Which one runs is decided once per table, so the bare loop holds no test and no
 *       nop of it.
 * Bare frames carry no reverse mapping. In checked runs their mapcount says how many entries map
 * them, so that freeing a mapped frame is noticed.
 */
#include "mm/tables.h"

#include <errno.h>
#include "kernel/core/bug.h"
#include "kernel/core/events.h"
#include "kernel/core/once.h"
#include "mm/mmu_gather.h"
#include "mm/tables_internal.h"

/* Frames of checked runs: how many entries map this one. */
static __always_inline void count_mapping(struct page *page, int n)
{
	if (static_branch_unlikely(&checks_key) &&
	    (n > 0 || atomic_read_nopoint(&page->_mapcount) > 0))
		atomic_add(n, &page->_mapcount);
}

/* ---- mapping ---- */

struct map_range {
	u64 next;	     /* entry to store: frame and rights */
	struct page **pages; /* NULL: consecutive frames from @next on */
};

static __always_inline void map_entries(struct map_range *map, pte_t *pte, unsigned long nr,
					bool watched)
{
	u64 value = map->next;

	for (pte_t *end = pte + nr; pte < end; pte++) {
		if (watched) {
			if (pte->pte)
				BUGF("mapping over entry %#lx", (unsigned long)pte->pte);
			count_mapping(pfn_to_page(pte_pfn(__pte(value))), 1);
		}
		pte_store(pte, value, watched);
		value += PAGE_SIZE;
	}
	map->next = value;
}

static __always_inline void map_entries_of(struct map_range *map, pte_t *pte, unsigned long nr,
					   bool watched)
{
	struct page **pages = map->pages;

	for (pte_t *end = pte + nr; pte < end; pte++) {
		struct page *page = *pages++;

		if (watched) {
			if (pte->pte)
				BUGF("mapping over entry %#lx", (unsigned long)pte->pte);
			count_mapping(page, 1);
		}
		pte_store(pte, page_to_phys(page).v | map->next, watched);
	}
	map->pages = pages;
}

static int map_table(struct pte_walk *walk, pte_t *pte, unsigned long addr, unsigned long end)
{
	struct map_range *map = walk->arg;
	unsigned long nr = (end - addr) >> PAGE_SHIFT;

	event_count(EV_PTE, nr);
	if (static_branch_unlikely(&lock_slow_key)) {
		if (map->pages)
			map_entries_of(map, pte, nr, true);
		else
			map_entries(map, pte, nr, true);
	} else if (map->pages) {
		map_entries_of(map, pte, nr, false);
	} else {
		map_entries(map, pte, nr, false);
	}
	return 0;
}

static int no_work(struct pte_walk *walk, pte_t *pte, unsigned long addr, unsigned long end)
{
	return 0;
}

int tables_populate(struct mm_tables *mt, unsigned long start, unsigned long end)
{
	struct pte_walk walk = {.mt = mt, .fn = no_work, .alloc = true, .unlocked = true};

	return walk_pte_tables(&walk, start, end);
}

static int map_all(struct mm_tables *mt, unsigned long start, unsigned long nr,
		   struct map_range *map)
{
	struct pte_walk walk = {.mt = mt, .fn = map_table, .arg = map};
	unsigned long end = start + nr * PAGE_SIZE;
	int err = tables_populate(mt, start, end);

	if (err)
		return err;

	/* ---- nothing below this line can fail ---- */
	return walk_pte_tables(&walk, start, end);
}

int tables_map_range(struct mm_tables *mt, unsigned long start, unsigned long pfn, unsigned long nr,
		     pgprot_t prot)
{
	struct map_range map = {.next = pfn_pte(pfn, prot).pte};

	return map_all(mt, start, nr, &map);
}

int tables_map_pages(struct mm_tables *mt, unsigned long start, struct page **pages,
		     unsigned long nr, pgprot_t prot)
{
	struct map_range map = {.next = prot.prot, .pages = pages};

	return map_all(mt, start, nr, &map);
}

/* ---- protecting ---- */

struct protect_range {
	struct mmu_gather *tlb;
	pgprot_t prot;
	unsigned long nr_changed;
};

/*
 * Returns how many entries changed. Accessed and dirty bits set meanwhile by the hardware survive.
 */
static __always_inline unsigned long protect_entries(pte_t *pte, pte_t *end, pgprot_t prot,
						     bool watched)
{
	unsigned long changed = 0;

	for (; pte < end; pte++) {
		u64 seen = *(volatile u64 *)&pte->pte, want;

		if (unlikely(!(seen & PTE_MAPS_MASK)))
			continue;
		do {
			want = pte_modify(__pte(seen), prot).pte;
			if (want == seen)
				break;
		} while (!pte_try_replace(pte, &seen, want, watched));
		changed += want != seen;
	}
	return changed;
}

static int protect_table(struct pte_walk *walk, pte_t *pte, unsigned long addr, unsigned long end)
{
	struct protect_range *range = walk->arg;
	pte_t *last = pte + ((end - addr) >> PAGE_SHIFT);
	unsigned long changed;

	if (static_branch_unlikely(&lock_slow_key))
		changed = protect_entries(pte, last, range->prot, true);
	else
		changed = protect_entries(pte, last, range->prot, false);
	event_count(EV_PTE, changed);
	if (changed) {
		range->nr_changed += changed;
		tlb_note_range(range->tlb, addr, end);
	}
	return 0;
}

unsigned long tables_protect_range(struct mmu_gather *tlb, unsigned long start, unsigned long end,
				   pgprot_t prot)
{
	struct protect_range range = {.tlb = tlb, .prot = prot};
	struct pte_walk walk = {.mt = tlb->mt, .fn = protect_table, .arg = &range};

	walk_pte_tables(&walk, start, end);
	return range.nr_changed;
}

/* ---- unmapping ---- */

struct zap_range {
	struct mmu_gather *tlb;
	unsigned long resume; /* where a walk that ended early goes on */
	unsigned long nr_zapped;
};

/* Unmap the entries [@pte, @end) into @slots, of which there are enough. Returns how many. */
static __always_inline unsigned zap_entries(pte_t *pte, pte_t *end, struct page **slots,
					    bool exclusive, bool watched)
{
	struct page **slot = slots;
	char *map = (char *)mem_map;

	while (pte < end) {
		u64 value = *(volatile u64 *)&pte->pte;

		if (unlikely(!(value & PTE_MAPS_MASK))) {
			pte = value ? pte + 1 : skip_none(pte, end);
			continue;
		}
		value = pte_take(pte, value, exclusive, watched);
		*slot = (struct page *)(map + (value & PTE_PFN_MASK) / PAGES_SHARE);
		if (watched)
			count_mapping(*slot, -1);
		slot++;
		pte++;
	}
	return slot - slots;
}

static unsigned zap_entries_by(struct mmu_gather *tlb, pte_t *pte, pte_t *end, struct page **slots)
{
	if (static_branch_unlikely(&lock_slow_key))
		return zap_entries(pte, end, slots, false, true);
	if (tlb->fullmm)
		return zap_entries(pte, end, slots, true, false);
	return zap_entries(pte, end, slots, false, false);
}

static int zap_table(struct pte_walk *walk, pte_t *pte, unsigned long addr, unsigned long end)
{
	struct zap_range *range = walk->arg;
	struct mmu_gather *tlb = range->tlb;
	unsigned long start = addr;
	int err = 0;

	while (addr < end) {
		unsigned want = (end - addr) >> PAGE_SHIFT, nr, zapped;
		struct page **slots;

		nr = tlb_reserve(tlb, want, &slots);
		if (!nr) {
			err = -EAGAIN;
			break;
		}
		zapped = zap_entries_by(tlb, pte, pte + nr, slots);
		tlb_commit(tlb, zapped);
		range->nr_zapped += zapped;
		event_count(EV_PTE, zapped);
		if (zapped)
			tlb_note_range(tlb, start, addr + nr * PAGE_SIZE);
		pte += nr;
		addr += nr * PAGE_SIZE;
	}
	range->resume = addr;
	return err;
}

unsigned long tables_zap_range(struct mmu_gather *tlb, unsigned long start, unsigned long end)
{
	struct zap_range range = {.tlb = tlb};
	struct pte_walk walk = {.mt = tlb->mt, .fn = zap_table, .arg = &range};

	/* A full gather: flush with no lock held and go on where it ended. */
	while (walk_pte_tables(&walk, start, end) == -EAGAIN) {
		tlb_flush_mmu(tlb);
		start = range.resume;
	}
	return range.nr_zapped;
}
