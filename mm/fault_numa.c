/*
 * fault_numa.c - an access to a page that NUMA balancing's scan made a hint.
 *
 * Idea: the entry is like one of PROT_NONE, in a VMA that allows access. It gets its rights back.
 *       With one node there is nowhere to move the page to; Linux would decide that here.
 */
#include "kernel/core/events.h"
#include "mm/fault_internal.h"

vm_fault_t do_numa_page(struct vm_fault *vmf)
{
	u64 seen = vmf->orig_pte.pte;
	u64 want = (seen & ~PTE_PROT_MASK) | vmf->vma->vm_page_prot.prot | _PAGE_ACCESSED;

	/* Write goes with being the only one who maps the page; a fault of its own decides. */
	if (!PageAnonExclusive(entry_page(seen)))
		want &= ~_PAGE_RW;
	/* The processor does not touch an entry that is not present. */
	pte_store(vmf->pte, want, true);
	event_count(EV_PTE, 1);
	vmf_unlock(vmf);
	return 0;
}
