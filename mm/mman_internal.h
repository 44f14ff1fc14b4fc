/*
 * mman_internal.h - what the files of mman.h share: layout, accounting, the phases of munmap.
 *
 * All of it with mmap_lock held for write.
 */
#ifndef MM_MMAN_INTERNAL_H
#define MM_MMAN_INTERNAL_H

#include "mm/mm.h"
#include "mm/vma.h"

/*
 *	USER_MIN          MM_BRK_BASE                      MM_MMAP_BASE         USER_MAX
 *	   |                   [ heap -->      <-- mappings ]    (second choice)   |
 */
#define MM_BRK_BASE  0x555555554000ul
#define MM_MMAP_BASE (USER_MAX - 0x8000000ul)

/* Is [@start, @start + @len), not empty, within user space and page-aligned? */
static inline bool range_ok(unsigned long start, unsigned long len)
{
	return IS_ALIGNED(start, PAGE_SIZE) && len && len <= USER_MAX && start <= USER_MAX - len;
}

/* @len rounded up to pages; 0 if that overflows. */
static inline unsigned long page_len(unsigned long len)
{
	return ALIGN_UP(len, PAGE_SIZE);
}

/* VM_ bits of PROT_ bits. */
static inline unsigned long prot_to_flags(unsigned long prot)
{
	return prot & VM_ACCESS_FLAGS;
}

/* Count @pages more (or fewer) of VMAs with @flags. */
static inline void vm_stat_account(struct mm_struct *mm, unsigned long flags, long pages)
{
	mm->total_vm += pages;
	if (flags & VM_WRITE)
		mm->data_vm += pages;
}

/* The same for all of @vma: @sign 1, or -1. */
static inline void vma_account(const struct vm_area_struct *vma, long sign)
{
	vm_stat_account(vma->vm_mm, vma->vm_flags, sign * (long)vma_pages(vma));
}

/*
 * struct vma_munmap - one munmap between its phases (mm/munmap.c).
 *
 * gather   splits, write-locks and detaches the VMAs of the range; may fail, undone by abort
 * (the caller clears or overwrites the range in the tree; may fail: abort)
 * complete unmaps and frees what was gathered; cannot fail
 */
struct vma_munmap {
	struct vma_iterator *vmi;
	struct mm_struct *mm;
	unsigned long start;
	unsigned long end;
	unsigned long pg_start; /* end of the VMA below, start of the one above, 0 if there is */
	unsigned long pg_end;	/* none: tables between them serve nobody else */
	struct vm_area_struct *prev;  /* the VMA below the range, or NULL */
	struct vm_area_struct *next;  /* the VMA above the range, or NULL */
	int nr;			      /* gathered */
	struct ma_state mas_detach;   /* of: */
	struct maple_tree mt_detach;  /* what was gathered, indexed 0, 1, 2... */
};

/*
 * munmap_gather - collect the VMAs of [@start, @end), which may be none.
 *
 * Returns:  0; -ENOMEM or -EINTR with all of them attached as before (splits at the ends stay)
 */
int __must_check munmap_gather(struct vma_munmap *vms, struct vma_iterator *vmi,
			       struct mm_struct *mm, unsigned long start, unsigned long end);
void munmap_abort(struct vma_munmap *vms);
/* Look for prev, next, pg_start and pg_end; again, when a neighbour came after the gathering. */
void munmap_find_limits(struct vma_munmap *vms);
void munmap_complete(struct vma_munmap *vms);

/* Gather, clear, complete. 0, -ENOMEM or -EINTR as above. */
int __must_check do_munmap(struct mm_struct *mm, unsigned long start, unsigned long len);

/*
 * mmap_region - [@start, @start + @len) becomes a mapping with @flags; what was there goes.
 *
 * Returns:  0, -ENOMEM, -EINTR; on failure all is as before (splits stay)
 */
int __must_check mmap_region(struct mm_struct *mm, unsigned long start, unsigned long len,
			     unsigned long flags);

/* The highest free place for @len bytes; or a negative errno. */
unsigned long get_unmapped_area(struct mm_struct *mm, unsigned long hint, unsigned long len);

#endif
