/*
 * vma_internal.h - the steps of one change of shape, for the files that change shapes.
 *
 * Order: what takes memory, objects and ties to anon_vmas, then the store into the tree, which is
 * the last that can fail; then ranges. Until a VMA has its new range it is write-locked, so that
 * who finds it by the tree looks no further.
 * mmap_lock is held for write throughout.
 */
#ifndef MM_VMA_INTERNAL_H
#define MM_VMA_INTERNAL_H

#include "mm/vma.h"

struct address_space;

/* What is locked between the two: either may be NULL. */
struct vma_range {
	struct address_space *mapping;
	struct anon_vma *anon;
};

/*
 * Around a change of the ranges of @a and, unless NULL, @b: rmap walkers wait, those that come from
 * pages and those that come from a file, and find the new ranges afterwards.
 */
struct vma_range vma_range_begin(struct vm_area_struct *a, struct vm_area_struct *b);
void vma_range_end(struct vma_range locked, struct vm_area_struct *a, struct vm_area_struct *b);

/* @vma gets another range, under the lock of its anon_vma. It is write-locked. */
void vma_set_range(struct vm_area_struct *vma, unsigned long start, unsigned long end,
		   unsigned long pgoff);

/*
 * vma_split_half - a detached VMA for one half of @vma, tied to its anon_vmas and its file
 * with that half's range. NULL: no memory.
 *
 *	    at               below             otherwise
 *	AAAA|AAAA   -->      BBBBAAAA          AAAABBBB
 */
struct vm_area_struct *vma_split_half(struct vm_area_struct *vma, unsigned long at, bool below);

/* One case of merging: vma_merge.c. */
struct vma_change {
	struct vm_area_struct *grows; /* to [start, end) with this offset */
	unsigned long start;
	unsigned long end;
	unsigned long pgoff;
	struct vm_area_struct *shrinks; /* up to start or from end on; NULL: none does */
	struct vm_area_struct *vanishes[2];
};

/* Which case is it? False: no neighbour is alike. */
bool vma_change_choose(const struct vma_merge *m, struct vma_change *c);
/* All of it that can fail, the store into the tree included: 0, or -ENOMEM with nothing changed. */
int __must_check vma_change_store(struct vma_iterator *vmi, const struct vma_change *c);
/* The rest. VMAs that vanish are freed. */
void vma_change_commit(const struct vma_change *c);

#endif
