/*
 * pageout.c - reclaim what a range maps, whoever used it last.
 *
 * Owns: finding the pages of a range and taking them off their lists.
 * Idea: pages are picked under the lock of their table and worked on after it is dropped; the walk
 *       then goes on behind the last one.
 */
#include <errno.h>

#include "kernel/sched/thread.h"
#include "mm/mm.h"
#include "mm/reclaim.h"
#include "mm/rmap.h"
#include "mm/shrink.h"

struct pick {
	struct page *page[SHRINK_BATCH];
	unsigned nr;
	unsigned long resume; /* where the walk goes on */
	struct page *tried;   /* a folio that was to be split: its frames are looked at again */
	bool shared;
};

/* Isolate what [@addr, @end) maps until there is no room. -EAGAIN: there is more. */
static int pick_table(struct pte_walk *walk, pte_t *pte, unsigned long addr, unsigned long end)
{
	struct pick *pick = walk->arg;

	for (; addr < end; addr += PAGE_SIZE, pte++) {
		pte_t seen = {READ_ONCE(pte->pte)};
		struct page *page;

		if (!pte_present(seen) || pte_special(seen))
			continue;
		if (pick->nr == SHRINK_BATCH) {
			pick->resume = addr;
			return -EAGAIN;
		}
		page = pfn_to_page(pte_pfn(seen));
		if ((!pick->shared && page_mapcount(page) != 1) || page_head(page) == pick->tried ||
		    !folio_isolate_lru(page_head(page)))
			continue;
		pick->page[pick->nr++] = page_head(page);
		if (page->order) {
			pick->tried = page_head(page);
			pick->resume = addr;
			return -EAGAIN;
		}
	}
	return 0;
}

unsigned long reclaim_range(struct vm_area_struct *vma, unsigned long start, unsigned long end,
			    bool shared)
{
	struct pick pick = {.shared = shared};
	struct pte_walk walk = {.mt = &vma->vm_mm->tables, .fn = pick_table, .arg = &pick};
	struct scan_control sc = {.nr_to_reclaim = ~0ul, .may_swap = true, .force = true};
	u32 nested = current->base.flags & TF_RECLAIM;
	bool more;

	current->base.flags |= TF_RECLAIM;
	do {
		pick.nr = 0;
		more = walk_pte_tables(&walk, start, end) == -EAGAIN;
		start = pick.resume;
		shrink_folios(pick.page, pick.nr, this_cpu_ptr(lruvec), &sc);
	} while (more);
	current->base.flags = (current->base.flags & ~TF_RECLAIM) | nested;
	return sc.nr_reclaimed;
}
