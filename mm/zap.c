/*
 * zap.c - take the pages of VMAs out of their tables.
 *
 * Owns: the loop over the entries of one table, for anonymous pages; the pass over VMAs.
 * Not here: unhooking tables (free_pgtables.c).
 * Idea: the loop exists in three forms from one source: bare, for the last user alone, and watched
 *       (schedule points). Its short way is an entry that maps a single frame; runs of a folio go
 *       out together, with one reference and one slot of the gather. What is counted is counted
 *       once per table.
 * Invariant: a page's reference is dropped by the gather, after the flush. Of a run of n entries
 *            of a folio n - 1 references go at once: the last one keeps it.
 */
#include "mm/zap.h"

#include <errno.h>
#include "kernel/core/bug.h"
#include "kernel/core/events.h"
#include "mm/filemap.h"
#include "mm/mm.h"
#include "mm/rmap.h"
#include "mm/swap.h"
#include "mm/tables_internal.h"
#include "mm/tlb.h"
#include "mm/unmap_flush.h"

struct zap_walk {
	struct mmu_gather *tlb;
	unsigned long resume; /* where a walk that ended early goes on */
	long nr_anon;	      /* entries of anonymous pages unmapped */
	long nr_file;	      /* entries of pages of files unmapped */
	long nr_swap;	      /* swap entries dropped */
	bool flush;	      /* before the lock is let go: one of them could be written */
	unsigned long nr_entries;
};

static __always_inline void unmap_count(struct page *page, bool watched)
{
	if (watched)
		folio_remove_rmap_pte(page);
	else
		__atomic_fetch_sub(&page->_mapcount.counter, 1, __ATOMIC_RELAXED);
}

/* An anonymous page: what the hardware noted of it goes with it. */
static __always_inline void zap_one(pte_t *pte, struct page *page, bool exclusive, bool watched)
{
	pte_drop(pte, exclusive, watched);
	unmap_count(page, watched);
}

/*
 * An entry of a page of a file: what the hardware noted goes to the page. If the entry allowed
 * writing, some CPU may still write without anyone's notice until it is flushed; who cleans the
 * page takes this lock before it believes that nobody can.
 */
static noinline void zap_file(struct zap_walk *zap, pte_t *pte, u64 seen, struct page *page,
			      bool exclusive, bool watched)
{
	seen = pte_take(pte, seen, exclusive, watched);
	if (seen & _PAGE_DIRTY)
		folio_mark_dirty(page);
	if (seen & _PAGE_ACCESSED)
		page_flag_set(page, PG_referenced);
	if ((seen & _PAGE_RW) && !exclusive)
		zap->flush = true;
	folio_remove_rmap_pte(page);
	zap->nr_file++;
}

#define RUN_STEP 8

/*
 * Do RUN_STEP entries from @pte on hold @expect and its followers, to the bit? Each is looked at
 * once, and the hardware may set accessed and dirty all the same: plain reads will do.
 */
static __always_inline bool run_goes_on(const u64 *pte, u64 expect)
{
#pragma GCC unroll 8
	for (unsigned i = 0; i < RUN_STEP; i++) {
		if (pte[i] != expect + i * PAGE_SIZE)
			return false;
	}
	return true;
}

/*
 * Entries from @pte on, up to @end, that map frames of one folio one after the other; @expect is
 * the first. Most equal their predecessor but for the frame, and go out eight at a time.
 */
static __always_inline unsigned zap_run(pte_t *pte, pte_t *end, u64 expect, struct page *page,
					bool exclusive, bool watched)
{
	struct page *head = page_head(page);
	unsigned room = (1u << page->order) - page->tail, nr;
	pte_t *first = pte;

	if (end - pte > room)
		end = pte + room;
	do {
		u64 seen = *(volatile u64 *)&pte->pte;

		/* Accessed and dirty may differ. */
		if ((seen ^ expect) & (PTE_PFN_MASK | PTE_MAPS_MASK | _PAGE_SPECIAL))
			break;
		expect = seen;
		while (end - pte >= RUN_STEP && run_goes_on(&pte->pte, expect)) {
#pragma GCC unroll 8
			for (unsigned i = 0; i < RUN_STEP; i++)
				zap_one(pte + i, page + i, exclusive, watched);
			pte += RUN_STEP;
			page += RUN_STEP;
			expect += RUN_STEP * PAGE_SIZE;
		}
		if (pte < end && *(volatile u64 *)&pte->pte == expect) {
			zap_one(pte, page, exclusive, watched);
			pte++;
			page++;
			expect += PAGE_SIZE;
		}
	} while (pte < end);
	nr = pte - first;
	if (nr > 1)
		atomic_sub(nr - 1, &head->_refcount);
	return nr;
}

/*
 * Drop the swap entry or marker at @pte, and the entries up to @end that name the slots behind it:
 * their counts go down together. Returns how many entries are empty now.
 */
static noinline unsigned zap_swap_run(struct zap_walk *zap, pte_t *pte, pte_t *end)
{
	pte_t seen = __pte(pte_take(pte, 0, false, true));
	swp_entry_t entry = pte_to_swp_entry(seen);
	unsigned nr = 1;

	if (pte_is_marker(seen))
		return 1;
	while (pte + nr < end &&
	       pte_to_swp_entry(__pte(READ_ONCE_NOPOINT(pte[nr].pte))).val ==
		       entry.val + nr * SWP_OFFSET_ONE) {
		pte_take(pte + nr, 0, false, true);
		nr++;
	}
	swap_free_nr(entry, nr);
	zap->nr_swap += nr;
	return nr;
}

/* Of pages that are not mapped any more, those that only the swap cache would keep. */
static noinline void zap_swap_cached(struct page **slots, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		free_swap_cache(page_head(slots[i]));
}

/* Unmap the entries [@pte, @end) into @slots, of which there are enough. Returns slots used. */
static __always_inline unsigned zap_entries(struct zap_walk *zap, pte_t *pte, pte_t *end,
					    struct page **slots, bool exclusive, bool watched)
{
	struct page **slot = slots;
	unsigned extra = 0, others = 0;
	long files = zap->nr_file;

	while (pte < end) {
		u64 value = *(volatile u64 *)&pte->pte;
		struct page *page;

		if (unlikely((value & (PTE_MAPS_MASK | _PAGE_SPECIAL)) != _PAGE_PRESENT)) {
			if (!value) {
				pte = skip_none(pte, end);
				continue;
			}
			if (value & _PAGE_SPECIAL) {
				pte_take(pte, value, exclusive, watched);
				others++;
				pte++;
				continue;
			}
			if (!(value & PTE_MAPS_MASK)) {
				unsigned nr = zap_swap_run(zap, pte, end);

				others += nr;
				pte += nr;
				continue;
			}
		}
		page = entry_page(value);
		*slot++ = page;
		if (likely(page->state == FK_ANON)) {
			zap_one(pte, page, exclusive, watched);
			pte++;
		} else if (page->kind == FK_FILE) {
			zap_file(zap, pte, value, page, exclusive, watched);
			pte++;
		} else {
			unsigned nr = zap_run(pte, end, value, page, exclusive, watched);

			extra += nr - 1;
			pte += nr;
		}
	}
	zap->nr_anon += slot - slots + extra - (zap->nr_file - files);
	zap->nr_entries += slot - slots + extra + others;
	return slot - slots;
}

/* Each with registers of its own. */
static noinline unsigned zap_watched(struct zap_walk *zap, pte_t *pte, pte_t *end,
				     struct page **slots)
{
	return zap_entries(zap, pte, end, slots, false, true);
}

static noinline unsigned zap_alone(struct zap_walk *zap, pte_t *pte, pte_t *end,
				   struct page **slots)
{
	return zap_entries(zap, pte, end, slots, true, false);
}

static noinline unsigned zap_bare(struct zap_walk *zap, pte_t *pte, pte_t *end,
				  struct page **slots)
{
	return zap_entries(zap, pte, end, slots, false, false);
}

static unsigned zap_entries_by(struct zap_walk *zap, pte_t *pte, pte_t *end, struct page **slots)
{
	if (static_branch_unlikely(&lock_slow_key))
		return zap_watched(zap, pte, end, slots);
	if (zap->tlb->fullmm)
		return zap_alone(zap, pte, end, slots);
	return zap_bare(zap, pte, end, slots);
}

static int zap_pte_range(struct pte_walk *walk, pte_t *pte, unsigned long addr, unsigned long end)
{
	struct zap_walk *zap = walk->arg;
	struct mmu_gather *tlb = zap->tlb;
	unsigned long start = addr, before = zap->nr_entries;
	int err = 0;

	flush_tlb_batched_pending(tlb->mt);
	do {
		unsigned want = (end - addr) >> PAGE_SHIFT, nr, used;
		struct page **slots;

		nr = tlb_reserve(tlb, want, &slots);
		if (!nr) {
			err = -EAGAIN;
			break;
		}
		used = zap_entries_by(zap, pte, pte + nr, slots);
		if (unlikely(atomic_long_read_nopoint(&nr_swapcache_pages)))
			zap_swap_cached(slots, used);
		tlb_commit(tlb, used);
		pte += nr;
		addr += nr * PAGE_SIZE;
	} while (addr < end);
	if (zap->nr_entries != before) {
		event_count(EV_PTE, zap->nr_entries - before);
		if (unlikely(zap->flush)) {
			flush_tlb_range(&tlb->mt->tlb, start, addr, false);
			zap->flush = false;
		} else {
			tlb_note_range(tlb, start, addr);
		}
	}
	zap->resume = addr;
	return err;
}

/* What was counted goes to @mm. */
static void settle_counts(const struct zap_walk *zap, struct mm_struct *mm)
{
	if (zap->nr_anon)
		add_mm_counter(mm, MM_ANONPAGES, -zap->nr_anon);
	if (zap->nr_swap)
		add_mm_counter(mm, MM_SWAPENTS, -zap->nr_swap);
	if (zap->nr_file)
		add_mm_counter(mm, MM_FILEPAGES, -zap->nr_file);
}

static __always_inline void zap_range(struct zap_walk *zap, struct pte_walk *walk,
				      unsigned long start, unsigned long end)
{
	/* A full gather: flush with no lock held and go on where it ended. */
	while (walk_pte_tables(walk, start, end) == -EAGAIN) {
		tlb_flush_mmu(zap->tlb);
		start = zap->resume;
	}
}

unsigned long zap_vma_range(struct mmu_gather *tlb, struct vm_area_struct *vma,
			    unsigned long start, unsigned long end)
{
	struct zap_walk zap = {.tlb = tlb};
	struct pte_walk walk = {.mt = tlb->mt, .fn = zap_pte_range, .arg = &zap};

	zap_range(&zap, &walk, start, end);
	settle_counts(&zap, vma->vm_mm);
	return zap.nr_entries;
}

unsigned long zap_page_range_single(struct vm_area_struct *vma, unsigned long start,
				    unsigned long end)
{
	struct mmu_gather tlb;
	unsigned long nr;

	tlb_gather_mmu(&tlb, &vma->vm_mm->tables, false);
	nr = zap_vma_range(&tlb, vma, start, end);
	tlb_finish_mmu(&tlb);
	return nr;
}

void unmap_vmas(struct mmu_gather *tlb, struct unmap_desc *desc)
{
	struct vm_area_struct *vma = desc->first;
	struct zap_walk zap = {.tlb = tlb};
	struct pte_walk walk = {.mt = tlb->mt, .fn = zap_pte_range, .arg = &zap};

	do {
		unsigned long start = max(vma->vm_start, desc->vma_start);
		unsigned long end = min(vma->vm_end, desc->vma_end);

		if (start < end)
			zap_range(&zap, &walk, start, end);
		vma = unmap_next(desc, vma);
	} while (vma);
	settle_counts(&zap, desc->first->vm_mm);
}

void unmap_region(struct unmap_desc *desc)
{
	struct mmu_gather tlb;

	tlb_gather_mmu(&tlb, &desc->first->vm_mm->tables, false);
	unmap_vmas(&tlb, desc);
	mas_set(desc->mas, desc->tree_reset);
	free_pgtables(&tlb, desc);
	tlb_finish_mmu(&tlb);
}
