/*
 * madvise.c - what is going to be done with a range.
 *
 * Owns: vm_madvise. Not here: dropping pages (zap.h), merging (vma_merge.c).
 * Idea: the mapped parts of the range are advised one VMA after the other (vma_parts.c); a hole
 *       makes the result -ENOMEM but stops nothing.
 */
#include "mm/mman.h"

#include <errno.h>
#include "mm/mm_check.h"
#include "mm/mman_internal.h"
#include "mm/mmap_lock.h"
#include "mm/reclaim.h"
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

static int advise_part(struct vma_part *part, void *arg)
{
	int advice = *(int *)arg, err;
	unsigned long flags = advised_flags(part->vma->vm_flags, advice);

	/* What a file holds cannot be wiped for one process. */
	if (advice == MADV_WIPEONFORK && part->vma->vm_file)
		return -EINVAL;
	if (flags == part->vma->vm_flags)
		return 0;
	err = vma_modify_flags(part, flags);
	if (!err)
		vm_flags_reset(part->vma, flags);
	return err;
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
	err = vma_for_each_part(mm, start, end, advise_part, &advice);
	mm_check_mutation(mm, start, end);
	mmap_write_unlock(mm);
	return err;
}
