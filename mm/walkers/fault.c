/*
 * fault.c - faults in another's address space (get_user_pages_remote): under the VMA's lock.
 *
 * Owns: trying one page after the other. Not here: the fault itself (mm/fault.c).
 * Idea: the VMA is found without any lock, by RCU, and locked. What is found in a tree that is
 *       being made or unmade may be a VMA of another mm: since 2025-07 the finder asks whose it is.
 */
#include <errno.h>

#include "mm/fault.h"
#include "mm/vma_lock.h"
#include "mm/walkers/walker.h"

static long fault_in_pages(struct mm_struct *mm, struct walk *w);

WALKER(fault, "makes pages of an mm present, under the locks of VMAs", .walk_mm = fault_in_pages,
       .flags = WALK_NO_LOCK);
WALKER_CHECK(fault, owner, "ask whose the VMA is that was found without a lock (2025-07)");

/* 1: the page is there now, or was. 0: not this way. -ENOMEM */
static long fault_one(struct mm_struct *mm, unsigned long addr)
{
	struct vm_area_struct *vma = lock_vma_under_rcu(mm, addr);
	vm_fault_t fault;

	if (!vma)
		return 0;
	if (walker_check_on(&walker_check_fault_owner) && vma->vm_mm != mm) {
		vma_end_read(vma);
		return 0;
	}
	walker_reached(&walker_fault, mm, WALKER_VMA, vma);
	fault = handle_mm_fault(vma, addr, FAULT_FLAG_VMA_LOCK);
	if (fault & VM_FAULT_RETRY)
		return 0;
	if (!(fault & VM_FAULT_ERROR))
		walker_reached(&walker_fault, mm, WALKER_PTE, vma);
	vma_end_read(vma);
	return fault & VM_FAULT_OOM ? -ENOMEM : !(fault & VM_FAULT_ERROR);
}

static long fault_in_pages(struct mm_struct *mm, struct walk *w)
{
	unsigned long addr = w->addr;
	long nr, all = 0;

	for (unsigned long i = 0; i < w->nr; i++, addr += w->step) {
		nr = fault_one(mm, addr);
		if (nr < 0)
			return nr;
		all += nr;
	}
	walker_linger(&walker_fault, mm, w);
	return all;
}
