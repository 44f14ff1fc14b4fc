/*
 * fault_internal.h - one fault on its way through fault.c, fault_anon.c and fault_wp.c.
 */
#ifndef MM_FAULT_INTERNAL_H
#define MM_FAULT_INTERNAL_H

#include "mm/fault.h"
#include "mm/mm.h"
#include "mm/rmap.h"
#include "mm/tables_internal.h"

struct vm_fault {
	struct vm_area_struct *vma; /* locked as @flags say */
	unsigned long address;	    /* page-aligned */
	unsigned flags;		    /* FAULT_FLAG_ */
	pmd_t *pmd;		    /* leads to the PTE table */
	pte_t orig_pte;		    /* what was there when the fault was looked at */
	pte_t *pte;		    /* its entry, while @ptl is held */
	spinlock_t *ptl;
};

/* The entry is locked: is it still what it was? */
static inline bool vmf_pte_unchanged(const struct vm_fault *vmf)
{
	return READ_ONCE_NOPOINT(vmf->pte->pte) == vmf->orig_pte.pte;
}

/* Lock the entry of @vmf: @pte and @ptl. */
static inline void vmf_lock_pte(struct vm_fault *vmf) NO_LOCK_ANALYSIS
{
	vmf->pte = pte_offset_map_lock(&vmf->vma->vm_mm->tables, vmf->pmd, vmf->address,
				       &vmf->ptl);
}

/*
 * vmf_anon_prepare - the VMA has an anon_vma afterwards.
 *
 * Context:  no PTE lock held; may sleep
 * Returns:  0; VM_FAULT_OOM; VM_FAULT_RETRY with the VMA's read lock dropped
 */
vm_fault_t vmf_anon_prepare(struct vm_fault *vmf);

/* An empty entry: zeros, shared for a read, our own for a write. No lock held here or on return. */
vm_fault_t do_anonymous_page(struct vm_fault *vmf);

/*
 * A write to a present entry that does not allow it, in a VMA that does.
 *
 * Locks: entered with the entry locked and unchanged; returns without
 */
vm_fault_t do_wp_page(struct vm_fault *vmf);

#endif
