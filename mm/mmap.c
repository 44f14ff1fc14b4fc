/*
 * mmap.c - new mappings: where they go, and putting them there.
 *
 * Owns: vm_mmap, the choice of an address, mapping over what is there.
 * Not here: munmap's phases (munmap.c), merging with neighbours (vma_merge.c).
 * Idea: mapping over others is one store: the new VMA (or the neighbour that grows) overwrites the
 *       gathered ones in the tree, so no reader ever finds a hole, and failure before it restores
 *       them.
 */
#include "mm/mman.h"

#include <errno.h>
#include "mm/mm_check.h"
#include "mm/mman_internal.h"
#include "mm/mmap_lock.h"
#include "mm/vma.h"

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

/* A VMA of its own for the range of @m. */
static int map_new(struct vma_iterator *vmi, const struct vma_merge *m)
{
	struct vm_area_struct *vma = vm_area_alloc(m->mm);
	int err;

	if (!vma)
		return -ENOMEM;
	vma->vm_start = m->start;
	vma->vm_end = m->end;
	vma->vm_pgoff = m->pgoff;
	vm_flags_reset(vma, m->flags);
	err = vma_link(vmi, vma);
	if (err)
		vm_area_free(vma);
	return err;
}

/* Into a neighbour, or on its own, in the place of @nr_gone VMAs. */
static int map_range(struct vma_iterator *vmi, struct vma_merge *m, int nr_gone)
{
	struct vm_area_struct *merged;
	int err = vma_merge_range(vmi, m, &merged);

	if (err)
		return err;
	if (!merged && m->mm->map_count - nr_gone >= (long)sysctl_max_map_count)
		return -ENOMEM;
	if (!merged)
		return map_new(vmi, m);
	vm_stat_account(m->mm, m->flags, (m->end - m->start) >> PAGE_SHIFT);
	return 0;
}

int mmap_region(struct mm_struct *mm, unsigned long start, unsigned long len, unsigned long flags)
{
	unsigned long end = start + len;
	VMA_ITERATOR(vmi, mm, start);
	struct vma_munmap vms;
	struct vma_merge m;
	int err = munmap_gather(&vms, &vmi, mm, start, end);

	if (err)
		return err;
	m = (struct vma_merge){
		.mm = mm,
		.prev = vms.prev,
		.next = vms.next,
		.start = start,
		.end = end,
		.pgoff = start >> PAGE_SHIFT,
		.flags = flags,
	};
	err = map_range(&vmi, &m, vms.nr);
	if (err)
		munmap_abort(&vms);
	else
		munmap_complete(&vms);
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

unsigned long vm_mmap(struct mm_struct *mm, unsigned long addr, size_t len, unsigned long prot,
		      unsigned long flags)
{
	const unsigned long must = MAP_PRIVATE | MAP_ANONYMOUS;
	int err;

	if (!len || (prot & ~VM_ACCESS_FLAGS) || (flags & must) != must ||
	    (flags & ~(must | MAP_FIXED | MAP_FIXED_NOREPLACE)))
		return -EINVAL;
	if (len > USER_MAX)
		return -ENOMEM;
	len = page_len(len);
	err = mmap_write_lock_killable(mm);
	if (err)
		return err;
	addr = choose_address(mm, addr, len, flags);
	if (!mm_is_err(addr)) {
		err = mmap_region(mm, addr, len, prot_to_flags(prot));
		mm_check_mutation(mm, addr, addr + len);
		if (err)
			addr = err;
	}
	mmap_write_unlock(mm);
	return addr;
}
