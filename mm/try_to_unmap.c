/*
 * try_to_unmap.c - take a page away from those who map it, or ask whether they use it.
 *
 * Order for an anonymous page, under the entry's lock: count of the slot, mm on mmlist, entry. So
 * whoever finds a counted slot finds the mm that names it, and a swapoff that has seen the whole
 * list has missed no entry.
 */
#include "mm/try_to_unmap.h"

#include <errno.h>
#include "kernel/core/bug.h"
#include "kernel/core/events.h"
#include "mm/folio_lock.h"
#include "mm/gup.h"
#include "mm/page_alloc.h"
#include "mm/rmap.h"
#include "mm/swap.h"
#include "mm/tables_internal.h"
#include "mm/tlb.h"
#include "mm/unmap_flush.h"
#include "mm/walkers/walker.h"

/* ---- was it used? ---- */

static bool referenced_one(struct page *page, struct vm_area_struct *vma, unsigned long addr,
			   void *arg)
{
	spinlock_t *ptl;
	pte_t *pte = page_vma_mapped(page, vma, addr, &ptl);
	u64 seen;

	if (!pte)
		return true;
	seen = READ_ONCE_NOPOINT(pte->pte);
	while (seen & _PAGE_ACCESSED) {
		if (pte_try_replace(pte, &seen, seen & ~_PAGE_ACCESSED, true)) {
			++*(int *)arg;
			break;
		}
	}
	pte_unmap_unlock(pte, ptl);
	return true;
}

int page_referenced(struct page *page)
{
	int nr = 0;

	return rmap_walk_try(page, referenced_one, &nr) ? nr : REFERENCED_UNKNOWN;
}

/* ---- out of every table ---- */

struct unmap {
	struct unmap_batch *batch;
	bool no_count; /* a slot's count had no room for another entry */
};

/* What takes the place of an entry that maps @page; *@ok is false if it may not be taken out. */
static u64 entry_instead(struct page *page, bool *ok)
{
	swp_entry_t entry;
	pte_t pte;

	*ok = true;
	if (page->kind != FK_ANON)
		return 0;
	entry = page_swap_entry(page);
	*ok = swap_duplicate(entry) == 0;
	pte = swp_entry_to_pte(entry);
	return PageAnonExclusive(page) ? pte_swp_mkexclusive(pte).pte : pte.pte;
}

static void unmap_account(struct page *page, struct mm_struct *mm)
{
	if (page->kind == FK_ANON) {
		ClearPageAnonExclusive(page);
		add_mm_counter(mm, MM_ANONPAGES, -1);
		add_mm_counter(mm, MM_SWAPENTS, 1);
	} else {
		add_mm_counter(mm, MM_FILEPAGES, -1);
	}
	event_count(EV_PTE, 1);
}

/* Its owner would get another frame for it, once it is not its alone. The entry is locked. */
static bool is_pinned(struct page *page)
{
	return page->kind == FK_ANON && PageAnonExclusive(page) && page_maybe_dma_pinned(page);
}

static bool unmap_one(struct page *page, struct vm_area_struct *vma, unsigned long addr, void *arg)
{
	struct unmap *unmap = arg;
	struct mm_struct *mm = vma->vm_mm;
	spinlock_t *ptl;
	pte_t *pte = page_vma_mapped(page, vma, addr, &ptl);
	bool ok, later;
	u64 seen, instead;

	walker_reached(&walker_rmap_unmap, mm, WALKER_VMA, vma);
	if (!pte)
		return true;
	if (is_pinned(page)) {
		pte_unmap_unlock(pte, ptl);
		return false;
	}
	instead = entry_instead(page, &ok);
	if (!ok) {
		pte_unmap_unlock(pte, ptl);
		unmap->no_count = true;
		return false;
	}
	if (instead)
		mmlist_add(mm);
	later = unmap_batch_note(unmap->batch, mm, addr);
	seen = READ_ONCE_NOPOINT(pte->pte);
	while (!pte_try_replace(pte, &seen, instead, true))
		; /* accessed or dirty was set meanwhile */
	if (!later)
		flush_tlb_page(&mm->tables.tlb, addr);
	if (seen & _PAGE_DIRTY)
		page_flag_set(page, PG_dirty);
	walker_reached(&walker_rmap_unmap, mm, WALKER_PTE, vma);
	unmap_account(page, mm);
	folio_remove_rmap_pte(page);
	pte_unmap_unlock(pte, ptl);
	put_page(page);
	return true;
}

bool try_to_unmap(struct page *page, struct unmap_batch *batch)
{
	struct unmap unmap = {.batch = batch};

	ASSERT(folio_test_locked(page));
	ASSERT_EQ(page->order, 0);
	do {
		unmap.no_count = false;
		if (!rmap_walk_try(page, unmap_one, &unmap))
			return false;
	} while (unmap.no_count &&
		 add_swap_count_continuation(page_swap_entry(page), GFP_NOWAIT) == 0);
	return !page_mapped(page);
}
