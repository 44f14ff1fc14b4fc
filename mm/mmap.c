/*
 * mmap.c - new mappings: where they go, and putting them there.
 *
 * Owns: vm_mmap, the choice of an address, mapping over what is there.
 * Not here: munmap's phases (munmap.c), merging with neighbours (vma_merge.c).
 * Idea: mapping over others is one store: the new VMA (or the neighbour that grows) overwrites the
 *       gathered ones in the tree, so no reader ever finds a hole. It is the last thing that can
 *       fail; what was there is unmapped after it, while all VMAs are write-locked. (Where a
 *       driver's mmap may fail after the old pages are gone, a hole is left; nobody here may.)
 */
#include "mm/mman.h"

#include <errno.h>
#include "mm/commit.h"
#include "mm/filemap.h"
#include "mm/i_mmap.h"
#include "mm/mm_check.h"
#include "mm/mman_internal.h"
#include "mm/mmap_lock.h"
#include "mm/vma_internal.h"
#include "mm/vma_lock.h"

static bool is_free(struct mm_struct *mm, unsigned long start, unsigned long len)
{
	struct vm_area_struct *vma = find_vma(mm, start);

	return !vma || vma->vm_start >= start + len;
}

unsigned long get_unmapped_area(struct mm_struct *mm, unsigned long hint, unsigned long len)
{
	MA_STATE(mas, &mm->mm_mt, 0, 0);

	hint = ALIGN_DOWN(hint, PAGE_SIZE);
	if (hint >= USER_MIN && range_ok(hint, len) && is_free(mm, hint, len))
		return hint;
	if (!mas_empty_area_rev(&mas, USER_MIN, MM_MMAP_BASE - 1, len))
		return mas.last + 1 - len;
	mas_reset(&mas);
	if (!mas_empty_area(&mas, MM_MMAP_BASE, USER_MAX - 1, len))
		return mas.index;
	return -ENOMEM;
}

/* A VMA of its own for the range of @m, in the place of what @vms has gathered. */
static int map_new(const struct vma_merge *m, struct vma_munmap *vms)
{
	struct mm_struct *mm = m->mm;
	struct vm_area_struct *vma;
	int err;

	if (mm->map_count - vms->nr >= (long)sysctl_max_map_count)
		return -ENOMEM;
	err = munmap_make_upper(vms);
	if (err)
		return err;
	vma = vm_area_alloc(mm);
	if (!vma)
		return -ENOMEM;
	vma->vm_start = m->start;
	vma->vm_end = m->end;
	vma->vm_pgoff = m->pgoff;
	vm_flags_reset(vma, m->flags);
	if (m->file) {
		vma->vm_file = m->file;
		vma->vm_ops = &file_vm_ops;
		vma_open(vma);
	}
	vma_attach_new(vma);
	err = munmap_store(vms, vma);
	if (err) {
		vma_mark_detached(vma);
		vma_close(vma);
		vm_area_free(vma);
		return err;
	}
	mm->map_count++;
	vma_account(vma, 1);
	vma_link_file(vma);
	munmap_complete(vms);
	return 0;
}

/* The range joins a neighbour, or two. */
static int map_merged(const struct vma_merge *m, const struct vma_change *c, struct vma_munmap *vms)
{
	VMA_ITERATOR(vmi, m->mm, m->start);
	struct mmu_gather tlb;
	int err = vma_change_store(&vmi, c);

	if (err)
		return err;
	if (munmap_has_work(vms)) {
		tlb_gather_mmu(&tlb, &m->mm->tables, false);
		munmap_zap(vms, &tlb);
		munmap_cut(vms, c->grows, c->vanishes[1]);
	}
	vma_change_commit(c);
	if (munmap_has_work(vms))
		munmap_finish(vms, &tlb);
	vm_stat_account(m->mm, m->flags, (m->end - m->start) >> PAGE_SHIFT);
	return 0;
}

static int map_range(struct vma_munmap *vms, struct vma_merge *m)
{
	struct vma_change change;

	if (vma_change_choose(m, &change))
		return map_merged(m, &change, vms);
	return map_new(m, vms);
}

/* What the mapping costs in promises beyond those of what it replaces; 0 or -ENOMEM. */
static int charge_mapping(struct vma_munmap *vms, unsigned long *flags, long pages, long *charged)
{
	int err;

	if (!may_expand_vm(vms->mm, *flags, pages - vms->nr_pages))
		return -ENOMEM;
	*charged = 0;
	if (!accountable_mapping(*flags))
		return 0;
	err = security_vm_enough_memory_mm(vms->mm, pages - vms->nr_accounted);
	if (err)
		return err;
	*charged = pages - vms->nr_accounted;
	vms->nr_accounted = 0;
	*flags |= VM_ACCOUNT;
	return 0;
}

int mmap_region(struct mm_struct *mm, unsigned long start, unsigned long len, unsigned long flags,
		struct file *file, unsigned long pgoff)
{
	struct vma_munmap vms;
	struct vma_merge m;
	long charged = 0;
	int err = munmap_gather(&vms, mm, start, start + len);

	if (err)
		return err;
	err = charge_mapping(&vms, &flags, len >> PAGE_SHIFT, &charged);
	if (err)
		goto undo_gather;
	m = (struct vma_merge){
		.mm = mm,
		.prev = vms.prev,
		.next = vms.next,
		.start = start,
		.end = start + len,
		.pgoff = file ? pgoff : start >> PAGE_SHIFT,
		.flags = flags,
		.file = file,
	};
	err = map_range(&vms, &m);
	if (err)
		goto undo_charge;
	return 0;

undo_charge:
	vm_unacct_memory(charged);
undo_gather:
	munmap_abort(&vms);
	return err;
}

/* With mmap_lock: where, or a negative errno. */
static unsigned long choose_address(struct mm_struct *mm, unsigned long addr, unsigned long len,
				    unsigned long flags)
{
	if (!(flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)))
		return get_unmapped_area(mm, addr, len);
	if (!IS_ALIGNED(addr, PAGE_SIZE))
		return -EINVAL;
	if (!range_ok(addr, len))
		return -ENOMEM;
	if (addr < USER_MIN)
		return -EPERM;
	if ((flags & MAP_FIXED_NOREPLACE) && !is_free(mm, addr, len))
		return -EEXIST;
	return addr;
}

static unsigned long reserve_flag(unsigned long flags)
{
	bool never = sysctl_overcommit_memory == OVERCOMMIT_NEVER;

	return (flags & MAP_NORESERVE) && !never ? VM_NORESERVE : 0;
}

/* Checked: one of shared and private, a file or MAP_ANONYMOUS, nothing unknown. */
static unsigned long do_mmap(struct mm_struct *mm, unsigned long addr, size_t len,
			     unsigned long prot, unsigned long flags, struct file *file,
			     unsigned long pgoff)
{
	unsigned long vm_flags =
		prot_to_flags(prot) | reserve_flag(flags) | (flags & MAP_SHARED ? VM_SHARED : 0);
	int err;

	if (len > USER_MAX)
		return -ENOMEM;
	len = page_len(len);
	err = mmap_write_lock_killable(mm);
	if (err)
		return err;
	addr = choose_address(mm, addr, len, flags);
	if (!mm_is_err(addr)) {
		err = mmap_region(mm, addr, len, vm_flags, file, pgoff);
		mm_check_mutation(mm, addr, addr + len);
		if (err)
			addr = err;
	}
	mmap_write_unlock(mm);
	return addr;
}

/* What may come with any type of mapping. */
#define MAP_MORE (MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_NORESERVE)

unsigned long vm_mmap(struct mm_struct *mm, unsigned long addr, size_t len, unsigned long prot,
		      unsigned long flags)
{
	const unsigned long type = MAP_PRIVATE | MAP_ANONYMOUS;

	if (!len || (prot & ~VM_ACCESS_FLAGS) || (flags & ~MAP_MORE) != type)
		return -EINVAL;
	return do_mmap(mm, addr, len, prot, flags, NULL, 0);
}

unsigned long vm_mmap_file(struct mm_struct *mm, unsigned long addr, size_t len, unsigned long prot,
			   unsigned long flags, struct file *file, u64 offset)
{
	unsigned long type = flags & ~MAP_MORE;

	if (!len || (prot & ~VM_ACCESS_FLAGS) || (type != MAP_SHARED && type != MAP_PRIVATE) ||
	    !IS_ALIGNED(offset, PAGE_SIZE))
		return -EINVAL;
	if (offset > FILE_SIZE_MAX || len > FILE_SIZE_MAX)
		return -EOVERFLOW;
	return do_mmap(mm, addr, len, prot, flags, file, offset >> PAGE_SHIFT);
}
