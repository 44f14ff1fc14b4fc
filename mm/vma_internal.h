/*
 * vma_internal.h - what vma.c and vma_merge.c share: the steps of one change of shape.
 *
 * mmap_lock is held for write throughout.
 */
#ifndef MM_VMA_INTERNAL_H
#define MM_VMA_INTERNAL_H

#include "mm/vma.h"

/* Nodes for storing @vma at [@start, @end), which @vmi is set to. 0 or -ENOMEM. */
int __must_check vma_iter_prealloc(struct vma_iterator *vmi, struct vm_area_struct *vma,
				   unsigned long start, unsigned long end);
/* That store; @vma has the range by now. @vmi stands on @vma afterwards. */
void vma_iter_store(struct vma_iterator *vmi, struct vm_area_struct *vma);

/*
 * Around a change of the ranges of @a and, unless NULL, @b: rmap walkers wait, and find the new
 * ranges afterwards. begin returns the anon_vma it locked, or NULL, for end.
 */
struct anon_vma *vma_range_begin(struct vm_area_struct *a, struct vm_area_struct *b);
void vma_range_end(struct anon_vma *locked, struct vm_area_struct *a, struct vm_area_struct *b);

#endif
