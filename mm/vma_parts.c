/*
 * vma_parts.c - one VMA after the other of a range that begins and ends anywhere.
 *
 * Owns: the way from one to the next while they are split and merged. What is done to each is the
 *       caller's (madvise.c, mempolicy.c).
 */
#include <errno.h>

#include "mm/mman_internal.h"

bool vma_range_is_mapped(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	VMA_ITERATOR(vmi, mm, start);
	struct vm_area_struct *vma;

	for_each_vma_range(vmi, vma, end) {
		if (vma->vm_start > start)
			return false;
		start = vma->vm_end;
	}
	return start >= end;
}

int vma_for_each_part(struct mm_struct *mm, unsigned long start, unsigned long end,
		      int (*change)(struct vma_part *part, void *arg), void *arg)
{
	VMA_ITERATOR(vmi, mm, start);
	struct vma_part part = {.vmi = &vmi, .vma = vma_find(&vmi, end)};
	struct ma_state below = vmi.mas;
	unsigned long at = start;
	int err, hole = 0;

	if (part.vma)
		part.prev = mas_prev(&below, 0);
	while (part.vma) {
		part.start = max(start, part.vma->vm_start);
		part.end = min(end, part.vma->vm_end);
		if (part.start > at)
			hole = -ENOMEM;
		err = change(&part, arg);
		if (err)
			return err;
		/* It may have been merged with what comes after. */
		at = max(part.end, part.vma->vm_end);
		part.prev = part.vma;
		mas_set(&vmi.mas, at);
		part.vma = at < end ? vma_find(&vmi, end) : NULL;
	}
	return at < end ? -ENOMEM : hole;
}
