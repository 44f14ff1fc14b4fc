/*
 * copy_page_range.h - what a parent's VMAs map is mapped by its child's too.
 *
 * Owns: the pass over the VMAs of one fork: what it keeps from one to the next.
 */
#ifndef MM_COPY_PAGE_RANGE_H
#define MM_COPY_PAGE_RANGE_H

#include "mm/swap_entry.h"
#include "mm/tables.h"
#include "mm/vma.h"

/* On the stack of who copies. Both mms are locked for write as long as it is used. */
struct copy_walk {
	struct pte_walk walk; /* of the parent's tables */
	struct mm_struct *mm; /* the child */
	struct mm_struct *oldmm;
	struct vm_area_struct *vma; /* the child's */
	bool may_be_pinned;	    /* pages of the parent */
	bool wants_spare;	    /* the copy of a pinned page is next */
	swp_entry_t full;	    /* its count takes no more without memory; .val 0: none */
	struct page *spare;	    /* for the copy of a pinned page; or NULL */

	/* The child's table met last, which serves the 2 MiB of @near. */
	pte_t *table;
	unsigned long near; /* ~0: none was met */
	u64 *hook;	    /* where to hook it when it is filled; NULL: it is hooked */
	struct page *fresh; /* it, while it is not hooked; or one that is not needed; or NULL */

	spinlock_t *src_ptl; /* both tables'; of one that is not hooked: the lock for hooking */
	spinlock_t *dst_ptl;

	long nr_anon;	/* entries of anonymous pages */
	long nr_file;	/* entries of pages of files */
	long nr_swap;	/* swap entries */
	long nr_others; /* markers, frames that are not counted */
};

/* Nothing is copied yet from @oldmm to @mm. */
void copy_pages_begin(struct copy_walk *c, struct mm_struct *mm, struct mm_struct *oldmm);

/*
 * copy_page_range - share the pages of @src with @dst, its copy in a child, for copy-on-write.
 *
 * Every page gets one mapping more and is nobody's alone any more; entries of both sides lose
 * write. The parent's translations are the caller's to flush, before its lock goes.
 * Locks:    mmap_lock of both for write, @src write-locked
 * Context:  may sleep (tables)
 * Returns:  0; -ENOMEM with a part copied, which rmap knows of
 */
int __must_check copy_page_range(struct copy_walk *c, struct vm_area_struct *dst,
				 struct vm_area_struct *src);

/* The child's counters learn of all that was copied, a part of a VMA included. */
void copy_pages_end(struct copy_walk *c);

#endif
