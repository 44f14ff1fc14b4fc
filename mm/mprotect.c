/*
 * mprotect.c - change the rights of a range, VMA by VMA.
 *
 * Owns: vm_mprotect. Not here: entries in tables (change_protection.h), merging (vma_merge.c).
 */
#include "mm/mman.h"

#include <errno.h>
#include "mm/change_protection.h"
#include "mm/commit.h"
#include "mm/mm_check.h"
#include "mm/mman_internal.h"
#include "mm/mmap_lock.h"
#include "mm/vma_lock.h"

/*
 * *@flags are what [@pages] of @vma are to have: are they within limits? Memory that becomes
 * writable is charged; what cannot be and has no pages yet needs no charge, told by VM_ACCOUNT.
 */
static int charge_change(const struct vm_area_struct *vma, unsigned long *flags, long pages)
{
	struct mm_struct *mm = vma->vm_mm;
	unsigned long old = vma->vm_flags;

	if (!(*flags & VM_WRITE)) {
		if (!vma->anon_vma)
			*flags &= ~VM_ACCOUNT;
		return 0;
	}
	if (is_data_mapping(*flags) && !is_data_mapping(old) &&
	    mm->data_vm + pages > mm->rlimit_data)
		return -ENOMEM;
	if ((old & VM_ACCOUNT) || !accountable_mapping(*flags))
		return 0;
	*flags |= VM_ACCOUNT;
	return security_vm_enough_memory_mm(mm, pages);
}

/* @part gets @prot; part->vma is then the VMA that holds it. */
static int mprotect_fixup(struct mmu_gather *tlb, struct vma_part *part, unsigned long prot)
{
	struct vm_area_struct *vma = part->vma;
	struct mm_struct *mm = vma->vm_mm;
	unsigned long old = vma->vm_flags;
	unsigned long flags = (old & ~VM_ACCESS_FLAGS) | prot_to_flags(prot);
	long pages = (part->end - part->start) >> PAGE_SHIFT;
	int err;

	if (flags == old)
		return 0;
	err = charge_change(vma, &flags, pages);
	if (err)
		return err;
	err = vma_modify_flags(part, flags);
	if (err) {
		vm_unacct_memory(flags & ~old & VM_ACCOUNT ? pages : 0);
		return err;
	}

	/* ---- nothing below this line can fail ---- */
	vm_flags_reset(part->vma, flags);
	vm_stat_account(mm, old, -pages);
	vm_stat_account(mm, flags, pages);
	vm_unacct_memory(old & ~flags & VM_ACCOUNT ? pages : 0);
	change_protection(tlb, part->vma, part->start, part->end, vm_get_page_prot(old));
	return 0;
}

static int do_mprotect(struct mm_struct *mm, unsigned long start, unsigned long end,
		       unsigned long prot)
{
	VMA_ITERATOR(vmi, mm, start);
	struct vma_part part = {.vmi = &vmi, .vma = vma_find(&vmi, end), .start = start};
	struct ma_state below = vmi.mas;
	struct mmu_gather tlb;
	int err = 0;

	if (!part.vma || part.vma->vm_start > start)
		return -ENOMEM;
	part.prev = mas_prev(&below, 0);
	tlb_gather_mmu(&tlb, &mm->tables, false);
	for (;;) {
		part.end = min(end, part.vma->vm_end);
		err = mprotect_fixup(&tlb, &part, prot);
		if (err)
			break;
		/* The VMA may have been merged with what comes after. */
		part.start = max(part.end, part.vma->vm_end);
		if (part.start >= end)
			break;
		part.prev = part.vma;
		part.vma = vma_lookup(mm, part.start);
		if (!part.vma) {
			err = -ENOMEM;
			break;
		}
		mas_set(&vmi.mas, part.start);
	}
	tlb_finish_mmu(&tlb);
	return err;
}

int vm_mprotect(struct mm_struct *mm, unsigned long start, size_t len, unsigned long prot)
{
	unsigned long end;
	int err;

	if (!IS_ALIGNED(start, PAGE_SIZE) || (prot & ~VM_ACCESS_FLAGS))
		return -EINVAL;
	if (!len)
		return 0;
	if (len > USER_MAX || !range_ok(start, page_len(len)))
		return -ENOMEM;
	end = start + page_len(len);
	err = mmap_write_lock_killable(mm);
	if (err)
		return err;
	err = do_mprotect(mm, start, end, prot);
	mm_check_mutation(mm, start, end);
	mmap_write_unlock(mm);
	return err;
}
