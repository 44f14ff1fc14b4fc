/*
 * fault.c - find out whose fault it is and which kind.
 *
 * Owns: the way from the trap to the VMA, its lock, what is allowed, telling one kind of fault from
 *       another.
 * Not here: filling an empty entry (fault_anon.c), a write to what is not writable (fault_wp.c).
 * Idea: look at the entry without its lock, decide, lock it, compare: if it changed, somebody else
 *       was first, and the access is simply tried again.
 */
#include "mm/fault.h"

#include <errno.h>
#include "kernel/core/bug.h"
#include "kernel/core/events.h"
#include "kernel/sched/thread.h"
#include "kernel/x86/trap.h"
#include "mm/fault_internal.h"
#include "mm/vma_lock.h"

const u8 zero_page[PAGE_SIZE] __aligned(PAGE_SIZE);

vm_fault_t vmf_anon_prepare_slow(struct vm_fault *vmf) NO_LOCK_ANALYSIS
{
	struct vm_area_struct *vma = vmf->vma;
	bool vma_locked = vmf->flags & FAULT_FLAG_VMA_LOCK;
	vm_fault_t ret = 0;

	/* Neighbours are looked at, and their locks are not ours. */
	if (vma_locked && !mmap_read_trylock(vma->vm_mm)) {
		vma_end_read(vma);
		return VM_FAULT_RETRY;
	}
	if (__anon_vma_prepare(vma))
		ret = VM_FAULT_OOM;
	if (vma_locked)
		mmap_read_unlock(vma->vm_mm);
	return ret;
}

/* A present entry that allows what is wanted, or nearly: note that it was used. */
static vm_fault_t mark_used(struct vm_fault *vmf)
{
	u64 seen = vmf->orig_pte.pte;
	u64 want = seen | _PAGE_ACCESSED | (vmf->flags & FAULT_FLAG_WRITE ? _PAGE_DIRTY : 0);

	if (want != seen)
		pte_try_replace(vmf->pte, &seen, want, true);
	vmf_unlock(vmf);
	return 0;
}

/* Find the entry and its lock; tables that are missing are made. False: no memory. */
static __always_inline bool vmf_find_pte(struct vm_fault *vmf)
{
	struct mm_tables *mt = &vmf->vma->vm_mm->tables;
	pmd_t *pmd = pmd_find(mt, vmf->address);
	u64 table = pmd ? READ_ONCE(pmd->pmd) : 0;

	if (unlikely(!table)) {
		pmd = pmd_alloc(mt, vmf->address);
		if (!pmd || pte_alloc(mt, pmd))
			return false;
		table = READ_ONCE(pmd->pmd);
	}
	vmf->pte = (pte_t *)table_address(table) + pte_index(vmf->address);
	vmf->ptl = table_ptl(mt, table);
	return true;
}

static __always_inline vm_fault_t handle_pte_fault(struct vm_fault *vmf) NO_LOCK_ANALYSIS
{
	if (unlikely(!vmf_find_pte(vmf)))
		return VM_FAULT_OOM;
	vmf->orig_pte = __pte(READ_ONCE(vmf->pte->pte));
	if (pte_none(vmf->orig_pte))
		return unlikely(vmf->vma->vm_ops) ? do_fault(vmf) : do_anonymous_page(vmf);
	if (unlikely(is_swap_pte(vmf->orig_pte)))
		return do_swap_page(vmf);

	spin_lock(vmf->ptl);
	if (unlikely(!vmf_pte_unchanged(vmf))) {
		vmf_unlock(vmf);
		return 0;
	}
	/* The VMA allows an access, so its entries deny all of them only as a hint. */
	if (unlikely(!(vmf->orig_pte.pte & _PAGE_PRESENT)))
		return do_numa_page(vmf);
	if ((vmf->flags & FAULT_FLAG_WRITE) && !pte_write(vmf->orig_pte))
		return do_wp_page(vmf);
	return mark_used(vmf);
}

static bool access_allowed(const struct vm_area_struct *vma, unsigned flags)
{
	unsigned long rights = vma->vm_flags;

	if (flags & FAULT_FLAG_WRITE)
		return rights & VM_WRITE;
	if (flags & FAULT_FLAG_INSTRUCTION)
		return rights & VM_EXEC;
	return rights & VM_ACCESS_FLAGS;
}

static __always_inline vm_fault_t handle_fault(struct vm_area_struct *vma, unsigned long addr,
					       unsigned flags)
{
	struct vm_fault vmf;

	/* The rest is set where it is known. */
	vmf.vma = vma;
	vmf.address = addr & ~(PAGE_SIZE - 1);
	vmf.flags = flags;
	if (unlikely(!access_allowed(vma, flags)))
		return VM_FAULT_SIGSEGV;
	return handle_pte_fault(&vmf);
}

vm_fault_t handle_mm_fault(struct vm_area_struct *vma, unsigned long addr, unsigned flags)
{
	return handle_fault(vma, addr, flags);
}

/* ---- the way here ---- */

static int fault_errno(vm_fault_t fault)
{
	if (likely(!(fault & VM_FAULT_ERROR)))
		return 0;
	if (fault & VM_FAULT_OOM)
		return -ENOMEM;
	return fault & VM_FAULT_SIGBUS ? -EIO : -EFAULT;
}

/* With mmap_lock: whatever the VMA's own lock could not do. */
static noinline int fault_mmap_locked(struct mm_struct *mm, unsigned long addr,
				      unsigned flags) NO_LOCK_ANALYSIS
{
	struct vm_area_struct *vma;
	vm_fault_t fault = VM_FAULT_SIGSEGV;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	vma = vma_lookup(mm, addr);
	if (vma)
		fault = handle_mm_fault(vma, addr, flags);
	mmap_read_unlock(mm);
	return fault_errno(fault);
}

static __always_inline int fault_vma_locked(struct mm_struct *mm, unsigned long addr,
					    unsigned flags)
{
	struct vm_area_struct *vma = lock_vma_under_rcu(mm, addr);
	vm_fault_t fault;

	event_count(EV_FAULT, 1);
	if (unlikely(!vma))
		return fault_mmap_locked(mm, addr, flags);
	fault = handle_fault(vma, addr, flags | FAULT_FLAG_VMA_LOCK);
	if (unlikely(fault & VM_FAULT_RETRY))
		return fault_mmap_locked(mm, addr, flags);
	vma_end_read(vma);
	return fault_errno(fault);
}

int mm_user_fault(struct mm_struct *mm, unsigned long addr, unsigned flags)
{
	return fault_vma_locked(mm, addr, flags);
}

static int user_fault(struct trap_frame *frame, unsigned long addr, u64 error)
{
	struct mm_struct *mm = current->mm;
	int err;

	if (unlikely(!mm || error & PF_RSVD))
		return -EFAULT;
	err = fault_vma_locked(mm, addr, error & (FAULT_FLAG_WRITE | FAULT_FLAG_INSTRUCTION));
	/* The access comes again now: a step of its own, since others may have run meanwhile. */
	if (likely(!err))
		point(PT_USER, (const volatile void *)addr, 0, MO_RELAXED, error & PF_WRITE);
	return err;
}

void mm_fault_world_init(void)
{
	user_fault_hook = user_fault;
}
