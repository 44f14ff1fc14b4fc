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

#endif
