/*
 * madvise.c - what is going to be done with a range.
 *
 * Owns: vm_madvise. Not here: dropping pages (zap.h), merging (vma_merge.c).
 * Idea: the mapped parts of the range are advised one VMA after the other; a hole makes the result
 *       -ENOMEM but stops nothing.
 */
#include "mm/mman.h"

#include <errno.h>
#include "mm/mm_check.h"
#include "mm/mman_internal.h"
#include "mm/mmap_lock.h"
#include "mm/reclaim.h"
#include "mm/vma_lock.h"
#include "mm/zap.h"

/* The flags @advice leads to from @flags. */
static unsigned long advised_flags(unsigned long flags, int advice)
{
	switch (advice) {
	case MADV_DONTFORK:
		return flags | VM_DONTCOPY;
	case MADV_DOFORK:
		return flags & ~VM_DONTCOPY;
	case MADV_WIPEONFORK:
		return flags | VM_WIPEONFORK;
	default:
		return flags & ~VM_WIPEONFORK;
	}
}

/*
 * Contents of [@start, @end) go, or are put away. mmap_lock held for read: the range stays mapped
 * as it is.
 */
static int madvise_contents(struct mm_struct *mm, unsigned long start, unsigned long end,
			    int advice)
{
	VMA_ITERATOR(vmi, mm, start);
	struct vm_area_struct *vma;
	unsigned long at = start;
	int err = 0;

	for_each_vma_range(vmi, vma, end) {
		if (vma->vm_start > at)
			err = -ENOMEM;
		if (advice == MADV_PAGEOUT)
			reclaim_range(vma, max(start, vma->vm_start), min(end, vma->vm_end), false);
		else
			zap_page_range_single(vma, max(start, vma->vm_start),
					      min(end, vma->vm_end));
		at = vma->vm_end;
	}
	return at < end ? -ENOMEM : err;
}

/* VMAs of the range get the flags of @advice. mmap_lock held for write. */
static int madvise_flags(struct mm_struct *mm, unsigned long start, unsigned long end, int advice)
{
	VMA_ITERATOR(vmi, mm, start);
	struct vm_area_struct *vma = vma_find(&vmi, end), *prev = NULL;
	struct ma_state below = vmi.mas;
	unsigned long at = start;
	int hole = 0;

	if (vma)
		prev = mas_prev(&below, 0);
	while (vma) {
		unsigned long from = max(start, vma->vm_start), to = min(end, vma->vm_end);
		unsigned long flags = advised_flags(vma->vm_flags, advice);
		int err;

		if (from > at)
			hole = -ENOMEM;
		/* What a file holds cannot be wiped for one process. */
		if (advice == MADV_WIPEONFORK && vma->vm_file)
			return -EINVAL;
		if (flags != vma->vm_flags) {
			err = vma_modify_flags(&vmi, prev, vma, from, to, flags, &vma);
			if (err)
				return err;
			vm_flags_reset(vma, flags);
		}
		at = max(to, vma->vm_end);
		prev = vma;
		mas_set(&vmi.mas, at);
		vma = at < end ? vma_find(&vmi, end) : NULL;
	}
	return at < end ? -ENOMEM : hole;
}

static bool advice_known(int advice)
{
	return advice == MADV_DONTNEED || advice == MADV_PAGEOUT || advice == MADV_DONTFORK ||
	       advice == MADV_DOFORK || advice == MADV_WIPEONFORK || advice == MADV_KEEPONFORK;
}

int vm_madvise(struct mm_struct *mm, unsigned long start, size_t len, int advice)
{
	unsigned long end = start + page_len(len);
	int err;

	if (!advice_known(advice) || !IS_ALIGNED(start, PAGE_SIZE) || len > USER_MAX)
		return -EINVAL;
	if (!len)
		return 0;
	if (!range_ok(start, page_len(len)))
		return -EINVAL;
	if (advice == MADV_DONTNEED || advice == MADV_PAGEOUT) {
		err = mmap_read_lock_killable(mm);
		if (err)
			return err;
		err = madvise_contents(mm, start, end, advice);
		mmap_read_unlock(mm);
		return err;
	}
	err = mmap_write_lock_killable(mm);
	if (err)
		return err;
	err = madvise_flags(mm, start, end, advice);
	mm_check_mutation(mm, start, end);
	mmap_write_unlock(mm);
	return err;
}
