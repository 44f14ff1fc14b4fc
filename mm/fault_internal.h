/*
 * fault_internal.h - one fault on its way through fault.c, fault_anon.c and fault_wp.c.
 */
#ifndef MM_FAULT_INTERNAL_H
#define MM_FAULT_INTERNAL_H

#include "mm/fault.h"
#include "mm/mm.h"
#include "mm/rmap.h"
#include "mm/swap_entry.h"
#include "mm/tables_internal.h"

struct vm_fault {
	struct vm_area_struct *vma; /* locked as @flags say */
	unsigned long address;	    /* page-aligned */
	unsigned flags;		    /* FAULT_FLAG_ */
	pte_t *pte;		    /* its entry, in a table that stays */
	spinlock_t *ptl;	    /* guards it */
	pte_t orig_pte;		    /* what was there when the fault was looked at */
	unsigned long pgoff;	    /* of a file: which page is wanted */
	struct page *page;	    /* what vm_ops->fault found: locked, with a reference */
};

/* The entry is locked: is it still what it was? */
static inline bool vmf_pte_unchanged(const struct vm_fault *vmf)
{
	return READ_ONCE_NOPOINT(vmf->pte->pte) == vmf->orig_pte.pte;
}

static inline void vmf_unlock(struct vm_fault *vmf) NO_LOCK_ANALYSIS
{
	spin_unlock(vmf->ptl);
}

/* The VMA has no anon_vma yet. */
vm_fault_t vmf_anon_prepare_slow(struct vm_fault *vmf);

/*
 * vmf_anon_prepare - the VMA has an anon_vma afterwards.
 *
 * Context:  no PTE lock held; may sleep
 * Returns:  0; VM_FAULT_OOM; VM_FAULT_RETRY with the VMA's read lock dropped
 */
static __always_inline vm_fault_t vmf_anon_prepare(struct vm_fault *vmf)
{
	if (likely(smp_load_acquire(&vmf->vma->anon_vma)))
		return 0;
	return vmf_anon_prepare_slow(vmf);
}

/* Contents may have been taken away: what is found in their place would be a lie. */
static inline vm_fault_t check_stable_address_space(struct mm_struct *mm)
{
	return unlikely(test_bit(MMF_UNSTABLE, &mm->flags)) ? VM_FAULT_SIGBUS : 0;
}

static inline void copy_user_page(struct page *to, struct page *from)
{
	void *dst = page_address(to), *src = page_address(from);
	unsigned long n = PAGE_SIZE / 8;

	__asm__ volatile("rep movsq" : "+D"(dst), "+S"(src), "+c"(n) : : "memory");
}

/* An empty entry: zeros, shared for a read, our own for a write. No lock held here or on return. */
vm_fault_t do_anonymous_page(struct vm_fault *vmf);

/* A swap entry: its page, read in if need be. No lock held here or on return. */
vm_fault_t do_swap_page(struct vm_fault *vmf);

/*
 * A write to a present entry that does not allow it, in a VMA that does.
 *
 * Locks: entered with the entry locked and unchanged; returns without
 */
vm_fault_t do_wp_page(struct vm_fault *vmf);

/* An entry without access in a VMA that allows it: a hint of NUMA balancing's. As do_wp_page(). */
vm_fault_t do_numa_page(struct vm_fault *vmf);

/* The same, to a page of a file in a shared VMA. Locks as above. */
vm_fault_t wp_page_shared(struct vm_fault *vmf, struct page *page);

/* The entry, locked, becomes writable in place; unlocks. */
vm_fault_t wp_page_reuse(struct vm_fault *vmf);

/* An empty entry of a VMA that maps a file. No lock held here or on return. */
vm_fault_t do_fault(struct vm_fault *vmf);

#endif
