/*
 * swapoff.c - bring every page of one swap device back into the mms that own it.
 *
 * Owns: the pass over mmlist, the walk of one mm's tables, the retry rule.
 * Not here: slot lifetime (swap_slots.c), reading one page (swap_cache.c), choosing victims.
 * Idea: look without the lock, read with nothing locked but mmap_lock, take the PTE lock, compare,
 *       install. If the PTE changed meanwhile somebody else won: drop our page and go on.
 * Retry: an mm that cannot be pinned is being torn down by somebody else, and its slots vanish by
 *        themselves; one that is skipped as unstable likewise. So passes are repeated until no slot
 *        is in use, or a fatal signal comes.
 * Cost: linear in the tables of the mms on the list, never in slots, but for the last scan.
 */
#include <errno.h>

#include "kernel/base/err.h"
#include "kernel/core/bug.h"
#include "kernel/core/events.h"
#include "kernel/sched/thread.h"
#include "mm/anon_vma.h"
#include "mm/folio_lock.h"
#include "mm/mm_walk.h"
#include "mm/mmap_lock.h"
#include "mm/page_alloc.h"
#include "mm/rmap.h"
#include "mm/swap_internal.h"
#include "mm/tables_internal.h"
#include "mm/walkers/walker.h"

static long walk(struct walk *w);

WALKER(swapoff, "brings pages back before a swap device goes", .walk = walk, .flags = WALK_SWAP);
WALKER_CHECK(swapoff, stable, "skip an mm whose contents may be gone (MMF_UNSTABLE)");

struct unuse_walk {
	struct swap_info_struct *si;
	struct vm_area_struct *vma;
	unsigned long resume; /* address of the entry that was found */
	pte_t found;
};

/* ---- one entry ---- */

/*
 * Put @page where @seen is, if it is still there; NULL: the contents are lost, a marker says so.
 *
 * Locks:    mmap_lock, and the folio's if there is a page
 */
static void unuse_pte(struct vm_area_struct *vma, unsigned long addr, pte_t seen,
		      struct page *page) NO_LOCK_ANALYSIS
{
	struct mm_tables *mt = &vma->vm_mm->tables;
	swp_entry_t entry = pte_to_swp_entry(seen);
	pte_t want = make_pte_marker(PTE_MARKER_POISONED);
	bool exclusive = pte_swp_exclusive(seen);
	spinlock_t *ptl;
	pte_t *pte = pte_offset_map_lock(mt, pmd_walk(mt, addr), addr, &ptl);

	if (READ_ONCE_NOPOINT(pte->pte) != seen.pte) {
		pte_unmap_unlock(pte, ptl);
		return;
	}
	if (page) {
		u64 prot = vma->vm_page_prot.prot & ~(exclusive ? 0 : _PAGE_RW);

		want = __pte(page_to_phys(page).v | prot);
		get_page(page); /* the entry's: it may be zapped at once */
		folio_add_anon_rmap_swap(page, vma, addr, exclusive);
		add_mm_counter(vma->vm_mm, MM_ANONPAGES, 1);
	}
	pte_store(pte, want.pte, true);
	event_count(EV_PTE, 1);
	add_mm_counter(vma->vm_mm, MM_SWAPENTS, -1);
	pte_unmap_unlock(pte, ptl);
	swap_free(entry);
}

/* Bring back what @seen at @addr names. 0, or -ENOMEM. No PTE lock held. */
static int unuse_entry(struct vm_area_struct *vma, unsigned long addr, pte_t seen)
{
	struct page *page = read_swap_cache(pte_to_swp_entry(seen));

	if (IS_ERR(page)) {
		switch (PTR_ERR(page)) {
		case -EAGAIN: return 0;
		case -ENOMEM: return -ENOMEM;
		default: unuse_pte(vma, addr, seen, NULL); return 0;
		}
	}
	folio_wait_writeback(page);
	unuse_pte(vma, addr, seen, page);
	folio_free_swap(page);
	folio_unlock(page);
	put_page(page);
	return 0;
}

/* ---- one mm ---- */

/* The first entry from @pte on that may be a swap entry, in strides; at least @end if none is. */
static pte_t *skip_others(pte_t *pte, pte_t *end)
{
	const volatile u64 *at;

	for (;;) {
		pte = skip_none(pte, end);
		at = &pte->pte;
		while (end - pte >= 4 && at[0] & at[1] & at[2] & at[3] & _PAGE_PRESENT) {
			pte += 4;
			at += 4;
		}
		if (pte >= end || !(*at & PTE_MAPS_MASK))
			break;
		pte++;
	}
	return pte;
}

/* No lock: the first entry of the device in this stretch of a table ends the walk. */
static int find_swap_pte(struct pte_walk *walk, pte_t *pte, unsigned long addr, unsigned long end)
{
	struct unuse_walk *unuse = walk->arg;
	pte_t *first = pte, *last = pte + ((end - addr) >> PAGE_SHIFT);

	for (;; pte++) {
		pte_t seen;

		/* Somebody watches: every look at an entry is told. */
		if (!static_branch_unlikely(&lock_slow_key))
			pte = skip_others(pte, last);
		if (pte >= last)
			return 0;
		seen = __pte(READ_ONCE(pte->pte));
		if (!is_swap_pte(seen) || pte_is_marker(seen) ||
		    swp_type(pte_to_swp_entry(seen)) != unuse->si->type)
			continue;
		unuse->found = seen;
		unuse->resume = addr + ((pte - first) << PAGE_SHIFT);
		return -EAGAIN;
	}
}

/* @vma as it was found in @mm. */
static int unuse_vma(struct swap_info_struct *si, struct mm_struct *mm, struct vm_area_struct *vma)
{
	struct unuse_walk unuse = {.si = si, .vma = vma};
	struct pte_walk walk = {
		.mt = &vma->vm_mm->tables,
		.fn = find_swap_pte,
		.arg = &unuse,
		.unlocked = true,
	};
	unsigned long start = vma->vm_start;

	while (start < vma->vm_end && walk_pte_tables(&walk, start, vma->vm_end) == -EAGAIN) {
		int err = unuse_entry(vma, unuse.resume, unuse.found);

		if (err)
			return err;
		walker_reached(&walker_swapoff, mm, WALKER_PTE, vma);
		start = unuse.resume + PAGE_SIZE;
	}
	return 0;
}

/* The caller holds mm_users. 0, or -ENOMEM. */
static int unuse_mm(struct swap_info_struct *si, struct mm_struct *mm)
{
	VMA_ITERATOR(vmi, mm, 0);
	struct vm_area_struct *vma;
	int err = 0;

	mmap_read_lock(mm);
	walker_reached(&walker_swapoff, mm, WALKER_MM, NULL);
	if (walker_check_on(&walker_check_swapoff_stable) && test_bit(MMF_UNSTABLE, &mm->flags))
		goto out;
	for_each_vma(vmi, vma)
	{
		bool anonymous = READ_ONCE(vma->anon_vma);

		walker_reached(&walker_swapoff, mm, WALKER_VMA, vma);
		if (!anonymous)
			continue;
		err = unuse_vma(si, mm, vma);
		if (err)
			break;
	}
out:
	mmap_read_unlock(mm);
	return err;
}

/* ---- all of them ---- */

static bool in_use(struct swap_info_struct *si)
{
	return atomic_long_read(&si->nr_used) != 0;
}

/*
 * The mm behind @prev on the list (NULL: the first) that may be entered, held; NULL: the end.
 * A @prev that has left the list, which one that we pin does not, leads to the first again.
 */
static struct mm_struct *next_mm(struct mm_struct *prev)
{
	struct list_head *node;
	struct mm_struct *mm = NULL;

	spin_lock(&mmlist_lock);
	node = &mmlist;
	if (prev && test_bit(MMF_ON_MMLIST, &prev->flags))
		node = &prev->mmlist;
	for (node = node->next; node != &mmlist; node = node->next) {
		mm = container_of(node, struct mm_struct, mmlist);
		if (mm_walk_get(mm))
			break;
		mm = NULL;
	}
	spin_unlock(&mmlist_lock);
	if (mm)
		walker_reached(&walker_swapoff, mm, WALKER_PIN, NULL);
	return mm;
}

/* One pass over the list. 0, -EINTR or -ENOMEM. */
static int unuse_all(struct swap_info_struct *si)
{
	struct mm_struct *prev = NULL, *mm = next_mm(NULL);
	int err = 0;

	while (mm) {
		/* May be the last: then all of it is torn down here. */
		if (prev)
			mm_walk_put(prev);
		prev = mm;
		err = unuse_mm(si, mm);
		if (!err && fatal_signal_pending(current))
			err = -EINTR;
		if (err || !in_use(si))
			break;
		yield();
		mm = next_mm(mm);
	}
	if (prev)
		mm_walk_put(prev);
	return err;
}

int try_to_unuse(struct swap_info_struct *si)
{
	int err;

	while (in_use(si)) {
		err = unuse_all(si);
		if (err)
			return err;
		swap_reclaim_cached(si);
		if (!in_use(si))
			break;
		if (fatal_signal_pending(current))
			return -EINTR;
		walker_reached(&walker_swapoff, NULL, WALKER_WAIT, NULL);
		/* Others free what is left; who runs on this vCPU may be one of them. */
		yield();
		spin_wait_turn(&si->nr_used);
	}
	return 0;
}

/* The device is in use all the while. */
static long walk_one(struct walk *w)
{
	for (unsigned type = 0; type < MAX_SWAPFILES; type++) {
		if (swap_info[type].bdev == w->swap && swap_info[type].state != SWAP_OFF)
			return unuse_mm(&swap_info[type], w->mm);
	}
	return -EINVAL;
}

static long walk(struct walk *w)
{
	return w->mm ? walk_one(w) : swapoff(w->swap);
}
