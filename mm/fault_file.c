/*
 * fault_file.c - the first touch of a page of a file, and the first write to a shared one.
 *
 * Owns: read, private write and shared write of an empty entry; a write to a shared page that was
 *       mapped for reading only.
 * Not here: finding the page and its contents (vm_ops->fault), copying what is mapped (fault_wp.c).
 * Idea: vm_ops->fault hands the page over locked, so it is the file's until the entry is stored.
 *       Shared pages are mapped without the right to write until they are written, so that a page
 *       some entry allows to be written is known to be dirty.
 */
#include "kernel/core/events.h"
#include "mm/fault_internal.h"
#include "mm/filemap.h"
#include "mm/folio_lock.h"
#include "mm/page_alloc.h"

static vm_fault_t fault_page(struct vm_fault *vmf)
{
	vmf->pgoff = linear_page_index(vmf->vma, vmf->address);
	return vmf->vma->vm_ops->fault(vmf);
}

static void page_done(struct page *page)
{
	folio_unlock(page);
	put_page(page);
}

/* Map vmf->page, which is locked, with @rights, if the entry is still empty. */
static vm_fault_t map_file_page(struct vm_fault *vmf, u64 rights) NO_LOCK_ANALYSIS
{
	struct page *page = vmf->page;

	spin_lock(vmf->ptl);
	if (likely(vmf_pte_unchanged(vmf))) {
		get_page(page);
		folio_add_file_rmap_pte(page);
		pte_store(vmf->pte, page_to_phys(page).v | rights, true);
		event_count(EV_PTE, 1);
		inc_mm_counter(vmf->vma->vm_mm, MM_FILEPAGES);
	}
	vmf_unlock(vmf);
	return 0;
}

static vm_fault_t do_read_fault(struct vm_fault *vmf)
{
	vm_fault_t ret = fault_page(vmf);

	if (unlikely(ret))
		return ret;
	ret = map_file_page(vmf, (vmf->vma->vm_page_prot.prot & ~_PAGE_RW) | _PAGE_ACCESSED);
	page_done(vmf->page);
	return ret;
}

static vm_fault_t do_shared_fault(struct vm_fault *vmf)
{
	vm_fault_t ret = fault_page(vmf);

	if (unlikely(ret))
		return ret;
	folio_mark_dirty(vmf->page);
	ret = map_file_page(vmf, vmf->vma->vm_page_prot.prot | _PAGE_ACCESSED | _PAGE_DIRTY);
	page_done(vmf->page);
	return ret;
}

/* Map the private copy @new if the entry is still empty: true. */
static bool map_copy(struct vm_fault *vmf, struct page *new, vm_fault_t *ret) NO_LOCK_ANALYSIS
{
	struct vm_area_struct *vma = vmf->vma;
	u64 rights = vma->vm_page_prot.prot | _PAGE_ACCESSED | _PAGE_DIRTY;
	bool mapped = false;

	spin_lock(vmf->ptl);
	*ret = check_stable_address_space(vma->vm_mm);
	if (likely(!*ret && vmf_pte_unchanged(vmf))) {
		folio_add_new_anon_rmap(new, vma, vmf->address, 1);
		pte_store(vmf->pte, page_to_phys(new).v | rights, true);
		event_count(EV_PTE, 1);
		inc_mm_counter(vma->vm_mm, MM_ANONPAGES);
		mapped = true;
	}
	vmf_unlock(vmf);
	return mapped;
}

static vm_fault_t do_cow_fault(struct vm_fault *vmf)
{
	vm_fault_t ret = vmf_anon_prepare(vmf);
	struct page *new;
	bool mapped = false;

	if (unlikely(ret))
		return ret;
	new = alloc_page(GFP_KERNEL | GFP_FOR(FK_ANON));
	if (unlikely(!new))
		return VM_FAULT_OOM;
	ret = fault_page(vmf);
	if (likely(!ret)) {
		copy_user_page(new, vmf->page);
		event_count(EV_COPY_PAGE, 1);
		mapped = map_copy(vmf, new, &ret);
		page_done(vmf->page);
	}
	if (unlikely(!mapped))
		put_page(new);
	return ret;
}

vm_fault_t do_fault(struct vm_fault *vmf)
{
	if (!(vmf->flags & FAULT_FLAG_WRITE))
		return do_read_fault(vmf);
	if (vmf->vma->vm_flags & VM_SHARED)
		return do_shared_fault(vmf);
	return do_cow_fault(vmf);
}

vm_fault_t wp_page_shared(struct vm_fault *vmf, struct page *page) NO_LOCK_ANALYSIS
{
	get_page(page);
	vmf_unlock(vmf);
	folio_lock(page);
	/* Cut from the file meanwhile: then the entry has changed too, or is about to. */
	if (likely(READ_ONCE(page->mapping))) {
		folio_mark_dirty(page);
		spin_lock(vmf->ptl);
		if (likely(vmf_pte_unchanged(vmf)))
			wp_page_reuse(vmf);
		else
			vmf_unlock(vmf);
	}
	page_done(page);
	return 0;
}
