/*
 * split_folio.c - a folio is its head's counts and its tails' words; a split writes all of them.
 *
 * Idea: a reference to a folio comes from an entry, from the LRU, or from somebody who had one. If
 *       all entries lie in one table, whose lock is held, if the LRU does not have it, and if the
 *       counted references are those entries and ours, then nobody else can look at it.
 * Invariant: before and after, each frame's references are its entries and its other users.
 */
#include "mm/split_folio.h"

#include "kernel/core/bug.h"
#include "mm/folio_lock.h"
#include "mm/page_alloc.h"
#include "mm/rmap.h"
#include "mm/tables_internal.h"

struct split {
	bool may_use;
	bool used;
	bool done;
};

static bool maps(u64 entry, const struct page *page)
{
	return (entry & PTE_MAPS_MASK) && !(entry & _PAGE_SPECIAL) &&
	       pte_pfn(__pte(entry)) == page_to_pfn(page);
}

/* How many of the entries map the folio's frames from @head on; *@used: one was. */
static unsigned count_entries(pte_t *pte, unsigned nr, struct page *head, bool *used)
{
	unsigned mapped = 0;

	for (unsigned i = 0; i < nr; i++) {
		u64 seen = READ_ONCE(pte[i].pte);

		if (!maps(seen, head + i))
			continue;
		mapped++;
		while (seen & _PAGE_ACCESSED) {
			*used = true;
			if (pte_try_replace(pte + i, &seen, seen & ~_PAGE_ACCESSED, true))
				break;
		}
	}
	return mapped;
}

/* Nobody else can look at the folio: write its frames as single ones. */
static void make_single(struct page *head)
{
	unsigned nr = 1u << head->order;

	for (unsigned i = 0; i < nr; i++) {
		struct page *page = head + i;
		int mapped = page_mapcount_nopoint(page);

		page->mapping = head->mapping;
		page->index = head->index + i;
		page->private = 0;
		/* Mapped: its entry's. Not mapped, or the head: ours. */
		WRITE_ONCE(page->_refcount.counter, mapped + (i == 0 || !mapped));
		WRITE_ONCE(page->state_aux, (u64)FK_ANON);
	}
	for (unsigned i = 1; i < nr; i++) {
		if (page_mapcount_nopoint(head + i))
			folio_add_lru(head + i);
		else
			put_page(head + i);
	}
}

static bool split_one(struct page *head, struct vm_area_struct *vma, unsigned long addr, void *arg)
{
	unsigned long end = min(addr + (PAGE_SIZE << head->order), vma->vm_end);
	struct mm_tables *mt = &vma->vm_mm->tables;
	pmd_t *pmd = pmd_walk(mt, addr);
	struct split *split = arg;
	unsigned mapped;
	spinlock_t *ptl;
	pte_t *pte = pmd ? pte_offset_map_lock(mt, pmd, addr, &ptl) : NULL;

	if (!pte)
		return true;
	mapped = count_entries(pte, (entry_end(addr, end, PMD_SHIFT) - addr) >> PAGE_SHIFT, head,
			       &split->used);
	if (mapped + 1 == (unsigned)page_count(head) && (split->may_use || !split->used)) {
		make_single(head);
		split->done = true;
	}
	pte_unmap_unlock(pte, ptl);
	return !split->done;
}

bool split_anon_folio(struct page *head, bool may_use)
{
	struct split split = {.may_use = may_use};

	ASSERT(folio_test_locked(head));
	return rmap_walk_try(head, split_one, &split) && split.done;
}
