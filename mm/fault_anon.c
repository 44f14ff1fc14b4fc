/*
 * fault_anon.c - the first touch of anonymous memory.
 *
 * Owns: the zero page for reads, frames and folios for writes, `anon_order`.
 * Idea: everything that may sleep or fail comes before the entry's lock. Under it only this is
 *       left: is the place still empty, are the contents still promised, store.
 * Folio: 2^anon_order frames, aligned in memory and in addresses, if all of it lies in the VMA and
 *        none of it is mapped; else the next smaller order that fits.
 */
#include "kernel/core/events.h"
#include "kernel/core/setting.h"
#include "mm/fault_internal.h"
#include "mm/page_alloc.h"

unsigned anon_order;

static u64 anon_order_get(void)
{
	return anon_order;
}

static int anon_order_set(u64 value)
{
	anon_order = value;
	return 0;
}
SETTING_U64(anon_order, "a first write allocates 2^N frames at once", 0, ANON_ORDER_MAX,
	    anon_order_get, anon_order_set);

static vm_fault_t map_zero_page(struct vm_fault *vmf) NO_LOCK_ANALYSIS
{
	struct vm_area_struct *vma = vmf->vma;
	u64 prot = vma->vm_page_prot.prot & ~_PAGE_RW;
	u64 entry = virt_to_phys(zero_page).v | prot | _PAGE_SPECIAL | _PAGE_ACCESSED;
	vm_fault_t ret;

	spin_lock(vmf->ptl);
	ret = check_stable_address_space(vma->vm_mm);
	if (!ret && vmf_pte_unchanged(vmf)) {
		pte_store(vmf->pte, entry, true);
		event_count(EV_PTE, 1);
	}
	vmf_unlock(vmf);
	return ret;
}

/* ---- a page of our own ---- */

/* @nr entries from @pte on, all of one table, are empty. */
static bool pte_range_none(const pte_t *pte, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++) {
		if (READ_ONCE_NOPOINT(pte[i].pte))
			return false;
	}
	return true;
}

/* Where the aligned folio of @order that holds @vmf's address begins. */
static unsigned long folio_start(const struct vm_fault *vmf, unsigned order)
{
	return vmf->address & ~((PAGE_SIZE << order) - 1);
}

/* May a folio of @order be mapped around the address? Asked again under the lock. */
static bool folio_fits(const struct vm_fault *vmf, unsigned order)
{
	unsigned long start = folio_start(vmf, order);
	const pte_t *first = vmf->pte - ((vmf->address - start) >> PAGE_SHIFT);

	return start >= vmf->vma->vm_start &&
	       start + (PAGE_SIZE << order) <= vmf->vma->vm_end &&
	       pte_range_none(first, 1u << order);
}

static noinline struct page *alloc_large_folio(const struct vm_fault *vmf, unsigned order)
{
	for (; order; order--) {
		struct page *head;

		if (!folio_fits(vmf, order))
			continue;
		head = alloc_pages(GFP_KERNEL | __GFP_NOWARN | __GFP_COMP | __GFP_ZERO |
					   GFP_FOR(FK_ANON),
				   order);
		if (head)
			return head;
	}
	return NULL;
}

/* A zeroed folio for the address, of anon_order or the largest smaller order there is room for. */
static struct page *alloc_anon_folio(const struct vm_fault *vmf)
{
	unsigned order = READ_ONCE_NOPOINT(anon_order);
	struct page *head = order ? alloc_large_folio(vmf, order) : NULL;

	return head ? head : alloc_page(GFP_KERNEL | __GFP_ZERO | GFP_FOR(FK_ANON));
}

/*
 * Map @nr frames from @head on, of which we hold the reference, if their entries are still empty
 * and contents still promised.
 */
static __always_inline vm_fault_t map_anon_folio(struct vm_fault *vmf, struct page *head,
						 unsigned nr) NO_LOCK_ANALYSIS
{
	struct vm_area_struct *vma = vmf->vma;
	unsigned long skip = (vmf->address >> PAGE_SHIFT) & (nr - 1);
	u64 entry = page_to_phys(head).v | vma->vm_page_prot.prot | _PAGE_ACCESSED | _PAGE_DIRTY;
	pte_t *pte = vmf->pte - skip;
	vm_fault_t ret;

	event_count(EV_COPY_PAGE, nr);
	event_count(EV_PTE, nr);
	spin_lock(vmf->ptl);
	ret = check_stable_address_space(vma->vm_mm);
	if (likely(!ret && pte_range_none(pte, nr))) {
		folio_add_new_anon_rmap(head, vma, vmf->address - skip * PAGE_SIZE, nr);
		for (unsigned i = 0; i < nr; i++)
			pte_store(pte + i, entry + i * PAGE_SIZE, true);
		vmf_unlock(vmf);
		add_mm_counter(vma->vm_mm, MM_ANONPAGES, nr);
		return 0;
	}
	vmf_unlock(vmf);
	put_page(head);
	return ret;
}

/*
 * The owner of the VMA's context provides it, or nobody. Whoever moves or changes an entry may
 * leave it empty for a moment, but not when its lock is free: only then is it known to be missing.
 */
static noinline vm_fault_t userfault_missing(struct vm_fault *vmf) NO_LOCK_ANALYSIS
{
	vm_fault_t ret;

	spin_lock(vmf->ptl);
	ret = vmf_pte_unchanged(vmf) ? VM_FAULT_SIGBUS : 0;
	vmf_unlock(vmf);
	return ret;
}

vm_fault_t do_anonymous_page(struct vm_fault *vmf)
{
	struct page *head;
	vm_fault_t ret;

	if (unlikely(vmf->vma->vm_userfaultfd_ctx))
		return userfault_missing(vmf);
	if (!(vmf->flags & FAULT_FLAG_WRITE))
		return map_zero_page(vmf);
	ret = vmf_anon_prepare(vmf);
	if (unlikely(ret))
		return ret;
	head = alloc_anon_folio(vmf);
	if (unlikely(!head))
		return VM_FAULT_OOM;
	if (likely(!head->order))
		return map_anon_folio(vmf, head, 1);
	return map_anon_folio(vmf, head, 1u << head->order);
}
