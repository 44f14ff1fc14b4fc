/*
 * fault_swap.c - an access to a page that is on a swap device.
 *
 * Owns: the way from a swap entry to a mapped page; when the page is this mm's alone.
 * Not here: reading the page (swap_cache.c), swapoff's way (walkers/swapoff.c).
 * Idea: read with no PTE lock held, then lock the entry and compare: if it changed, somebody else
 *       was first. The page's lock is held all the while, so that it cannot leave the cache.
 * Exclusive: the entry says so, or ours is the only entry that names the slot and nobody maps the
 *       page. Such a page gets its VMA's rights at once, any other is mapped for reading.
 * Order: the slot's count goes down after the page is mapped; a page that will be written gives
 *        its slot back, one that was read keeps it while there are enough: it need not be written
 *        again.
 * Failure: what cannot be read is SIGBUS for this access; slot and entry stay as they are.
 */
#include "kernel/base/err.h"
#include "kernel/core/bug.h"
#include "kernel/core/events.h"
#include "mm/fault_internal.h"
#include "mm/page_alloc.h"
#include "mm/swap_internal.h"

/* The entry is as it was: @fault is what the access gets; else it is tried again. */
static vm_fault_t fault_if_unchanged(struct vm_fault *vmf, vm_fault_t fault) NO_LOCK_ANALYSIS
{
	spin_lock(vmf->ptl);
	if (!vmf_pte_unchanged(vmf))
		fault = 0;
	vmf_unlock(vmf);
	return fault;
}

static vm_fault_t read_failed(struct vm_fault *vmf, long err)
{
	switch (err) {
	case -EAGAIN: return 0;
	case -ENOMEM: return fault_if_unchanged(vmf, VM_FAULT_OOM);
	default: return fault_if_unchanged(vmf, VM_FAULT_SIGBUS);
	}
}

/* Does the entry, locked and naming @entry, have the page to itself? */
static bool swap_exclusive(const struct vm_fault *vmf, struct page *page, swp_entry_t entry)
{
	return pte_swp_exclusive(vmf->orig_pte) || (swap_count(entry) == 1 && !page_mapped(page));
}

/* The entry is locked and unchanged: map @page there. */
static void swap_map(struct vm_fault *vmf, struct page *page, bool exclusive)
{
	struct vm_area_struct *vma = vmf->vma;
	u64 value = page_to_phys(page).v | vma->vm_page_prot.prot | _PAGE_ACCESSED;

	if (!exclusive)
		value &= ~_PAGE_RW;
	else if (vmf->flags & FAULT_FLAG_WRITE)
		value |= _PAGE_DIRTY;
	folio_add_anon_rmap_swap(page, vma, vmf->address, exclusive);
	pte_store(vmf->pte, value, true);
	event_count(EV_PTE, 1);
	add_mm_counter(vma->vm_mm, MM_ANONPAGES, 1);
	add_mm_counter(vma->vm_mm, MM_SWAPENTS, -1);
}

vm_fault_t do_swap_page(struct vm_fault *vmf) NO_LOCK_ANALYSIS
{
	swp_entry_t entry = pte_to_swp_entry(vmf->orig_pte);
	struct page *page;
	bool mapped;

	if (pte_is_marker(vmf->orig_pte))
		return fault_if_unchanged(vmf, VM_FAULT_SIGBUS);
	ASSERT(vmf->vma->anon_vma);
	page = read_swap_cache(entry);
	if (unlikely(IS_ERR(page)))
		return read_failed(vmf, PTR_ERR(page));

	spin_lock(vmf->ptl);
	mapped = vmf_pte_unchanged(vmf);
	if (likely(mapped)) {
		swap_map(vmf, page, swap_exclusive(vmf, page, entry));
		swap_free_mapped(page, entry, !(vmf->flags & FAULT_FLAG_WRITE));
	} else {
		folio_free_swap(page);
	}
	/* Our reference is the entry's now: behind its lock the page may be gone at once. */
	folio_unlock(page);
	vmf_unlock(vmf);
	if (unlikely(!mapped))
		put_page(page);
	return 0;
}
