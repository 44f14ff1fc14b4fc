/*
 * fault_wp.c - a write to a page that may only be read: reuse it, or copy it.
 *
 * Owns: when a page is this mm's alone, and the order of a copy.
 * Idea: a page marked exclusive is ours, whatever its counts say. One that is not marked is ours
 *       after all if our entry holds its only reference: then it is marked and taken over.
 * Copy: allocate and copy with nothing locked, under a reference to the old page; lock, compare;
 *       old entry out, flush, new entry in. No CPU can read the old page after another has written
 *       the new one.
 */
#include "kernel/core/events.h"
#include "mm/fault_internal.h"
#include "mm/filemap.h"
#include "mm/folio_lock.h"
#include "mm/page_alloc.h"
#include "mm/swap.h"
#include "mm/tlb.h"

vm_fault_t wp_page_reuse(struct vm_fault *vmf) NO_LOCK_ANALYSIS
{
	u64 seen = vmf->orig_pte.pte;

	/* Only accessed and dirty can change below us. */
	while (!pte_try_replace(vmf->pte, &seen, seen | _PAGE_RW | _PAGE_ACCESSED | _PAGE_DIRTY,
				true))
		;
	event_count(EV_PTE, 1);
	vmf_unlock(vmf);
	return 0;
}

/* Does our entry, which is locked, hold the only reference to @page? The swap cache's may go. */
static bool wp_can_reuse_anon_folio(struct page *page)
{
	if (page->kind != FK_ANON || page->order)
		return false;
	if (folio_test_swapcache(page) && page_count(page) == 2 && folio_trylock(page)) {
		folio_free_swap(page);
		folio_unlock(page);
	}
	return page_count(page) == 1;
}

/* Put @new in place of @old (NULL: the zero page), whose entry is locked and unchanged. */
static void wp_replace(struct vm_fault *vmf, struct page *old, struct page *new)
{
	struct vm_area_struct *vma = vmf->vma;
	u64 prot = vma->vm_page_prot.prot | _PAGE_ACCESSED | _PAGE_DIRTY;

	pte_take(vmf->pte, vmf->orig_pte.pte, false, true);
	flush_tlb_page(&vma->vm_mm->tables.tlb, vmf->address);
	folio_add_new_anon_rmap(new, vma, vmf->address, 1);
	pte_store(vmf->pte, page_to_phys(new).v | prot, true);
	event_count(EV_PTE, 2);
	if (old)
		folio_remove_rmap_pte(old);
	if (old && folio_test_file(old))
		add_mm_counter(vma->vm_mm, MM_FILEPAGES, -1);
	if (!old || folio_test_file(old))
		inc_mm_counter(vma->vm_mm, MM_ANONPAGES);
}

/* @old: the caller's reference to it, taken under the entry's lock, is dropped here. */
static vm_fault_t wp_page_copy(struct vm_fault *vmf, struct page *old) NO_LOCK_ANALYSIS
{
	vm_fault_t ret = vmf_anon_prepare(vmf);
	struct page *new = NULL;
	bool replaced;

	if (!ret) {
		new = alloc_page(GFP_KERNEL | GFP_FOR(FK_ANON) | (old ? 0 : __GFP_ZERO));
		if (!new)
			ret = VM_FAULT_OOM;
	}
	if (unlikely(ret))
		goto out;
	if (old)
		copy_user_page(new, old);
	event_count(EV_COPY_PAGE, 1);

	spin_lock(vmf->ptl);
	replaced = vmf_pte_unchanged(vmf);
	if (replaced)
		wp_replace(vmf, old, new);
	vmf_unlock(vmf);
	if (unlikely(!replaced))
		put_page(new);
	else if (old) {
		free_swap_cache(old);
		put_page(old); /* the entry's */
	}
out:
	if (old)
		put_page(old);
	return ret;
}

vm_fault_t do_wp_page(struct vm_fault *vmf) NO_LOCK_ANALYSIS
{
	struct page *page = NULL;

	if (!pte_special(vmf->orig_pte)) {
		page = pfn_to_page(pte_pfn(vmf->orig_pte));
		if (likely(PageAnonExclusive(page)))
			return wp_page_reuse(vmf);
		if (folio_test_file(page) && (vmf->vma->vm_flags & VM_SHARED))
			return wp_page_shared(vmf, page);
		if (wp_can_reuse_anon_folio(page)) {
			folio_move_anon_rmap(page, vmf->vma);
			return wp_page_reuse(vmf);
		}
		get_page(page);
	}
	vmf_unlock(vmf);
	return wp_page_copy(vmf, page);
}
