/*
 * mman_internal.h - what the files of mman.h share: layout, counting, the phases of munmap.
 *
 * All of it with mmap_lock held for write.
 */
#ifndef MM_MMAN_INTERNAL_H
#define MM_MMAN_INTERNAL_H

#include "mm/mm.h"
#include "mm/mmu_gather.h"
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

/* ---- counting ---- */

/* No limit; more than any address space can have. */
#define RLIM_PAGES_MAX (USER_MAX >> PAGE_SHIFT)

/* Memory that writes will need and nobody else provides: it is charged to the commit limit. */
static inline bool accountable_mapping(unsigned long flags)
{
	return (flags & (VM_NORESERVE | VM_SHARED | VM_WRITE)) == VM_WRITE;
}

static inline bool is_data_mapping(unsigned long flags)
{
	return (flags & (VM_WRITE | VM_SHARED | VM_GROWSDOWN)) == VM_WRITE;
}

/* Count @pages more (or fewer) of VMAs with @flags. The charge itself is the caller's. */
static inline void vm_stat_account(struct mm_struct *mm, unsigned long flags, long pages)
{
	mm->total_vm += pages;
	if (flags & VM_ACCOUNT)
		mm->accounted_vm += pages;
	if (flags & VM_GROWSDOWN)
		mm->stack_vm += pages;
	else if ((flags & (VM_WRITE | VM_SHARED)) == VM_WRITE)
		mm->data_vm += pages;
	else if ((flags & (VM_EXEC | VM_WRITE)) == VM_EXEC)
		mm->exec_vm += pages;
}

/* The same for all of @vma: @sign 1, or -1. */
static inline void vma_account(const struct vm_area_struct *vma, long sign)
{
	vm_stat_account(vma->vm_mm, vma->vm_flags, sign * (long)vma_pages(vma));
}

/* May @pages more, in VMAs with @flags, be mapped? */
static inline bool may_expand_vm(const struct mm_struct *mm, unsigned long flags, long pages)
{
	if (pages <= 0)
		return true;
	return mm->total_vm + pages <= mm->rlimit_as &&
	       (!is_data_mapping(flags) || mm->data_vm + pages <= mm->rlimit_data);
}

/* ---- ranges ---- */

/* Does a VMA hold each page of [@start, @end)? */
bool vma_range_is_mapped(struct mm_struct *mm, unsigned long start, unsigned long end);

/*
 * vma_for_each_part - @change every VMA of [@start, @end), or the part of it that lies inside.
 *
 * @change:  may split and merge; part->vma is then the VMA that holds the part
 * Returns:  0; the first thing @change returned that is not 0, which ends it; -ENOMEM: part of the
 *           range is not mapped, and the others were changed
 */
int vma_for_each_part(struct mm_struct *mm, unsigned long start, unsigned long end,
		      int (*change)(struct vma_part *part, void *arg), void *arg);

/* ---- munmap ---- */

/*
 * struct vma_munmap - one munmap between its phases (mm/munmap.c).
 *
 * gather   write-locks the VMAs of the range and detaches those that go whole; may fail, undone by
 *          abort
 * (the caller clears or overwrites the range in the tree; may fail: abort)
 * complete unmaps, cuts and frees what was gathered; cannot fail
 *
 *	[ prev ] ..  [ below | ][ gone ] . [ gone ][ | above ] ..  [ next ]
 *	                     start                   end
 *
 * A VMA that lies across an end keeps its object and becomes shorter. One that lies across both is
 * below and above; its part above the range becomes a VMA of its own, upper.
 */
struct vma_munmap {
	struct ma_state mas; /* for the store, before and after it the caller's */
	struct mm_struct *mm;
	unsigned long start;
	unsigned long end;
	unsigned long pg_start; /* end of the VMA below, start of the one above, 0 if there is */
	unsigned long pg_end;	/* none: tables between them serve nobody else */
	struct vm_area_struct *prev;  /* below, or the VMA below the range, or NULL */
	struct vm_area_struct *next;  /* above, or the VMA above the range, or NULL */
	struct vm_area_struct *below; /* cut at start, or NULL */
	struct vm_area_struct *above; /* cut at end, or NULL */
	struct vm_area_struct *upper; /* for the part of below that lies above, or NULL */
	struct vm_area_struct *gone;  /* detached, in order, by next */
	struct vm_area_struct *last_gone;
	int nr;		     /* of them */
	long nr_pages;	     /* unmapped, of all */
	long nr_accounted;   /* of these, charged */
};

/*
 * munmap_gather - collect the VMAs of [@start, @end), which may be none.
 *
 * Returns:  0; -ENOMEM (one VMA too many) or -EINTR with nothing changed
 */
int __must_check munmap_gather(struct vma_munmap *vms, struct mm_struct *mm, unsigned long start,
			       unsigned long end);

/* If a VMA lies across both ends and is going to be cut there: make its upper part. 0, -ENOMEM. */
int __must_check munmap_make_upper(struct vma_munmap *vms);

void munmap_abort(struct vma_munmap *vms);

/*
 * munmap_store - @vma (NULL: nothing) takes the place of the range in the tree, upper that of what
 * is left behind it. 0; -ENOMEM with nothing changed.
 * The other: nothing, with nodes that vms->mas has from mas_preallocate_any(), so it cannot fail.
 */
int __must_check munmap_store(struct vma_munmap *vms, struct vm_area_struct *vma);
void munmap_store_prealloc(struct vma_munmap *vms);

/* Are there pages to unmap, tables to free? */
static inline bool munmap_has_work(const struct vma_munmap *vms)
{
	return vms->nr || vms->below || vms->above;
}

/*
 * The three steps of complete: pages out of their tables; VMAs across the ends cut, but for the two
 * named (NULL: none), which get their range otherwise; the rest, charge included.
 */
void munmap_zap(struct vma_munmap *vms, struct mmu_gather *tlb);
void munmap_cut(struct vma_munmap *vms, const struct vm_area_struct *but1,
		const struct vm_area_struct *but2);
void munmap_finish(struct vma_munmap *vms, struct mmu_gather *tlb);

/* All three, if there is anything to do. */
void munmap_complete(struct vma_munmap *vms);

/* Look for prev, next, pg_start and pg_end again: a neighbour came after the gathering. */
void munmap_find_limits(struct vma_munmap *vms);

/* Gather, clear, complete. 0, -ENOMEM or -EINTR with nothing changed. */
int __must_check do_munmap(struct mm_struct *mm, unsigned long start, unsigned long len);

/*
 * mmap_region - [@start, @start + @len) becomes a mapping with @flags; what was there goes.
 *
 * @flags:   VM_ACCOUNT is added if it is to be charged
 * @file:    what it maps, from page @pgoff on; NULL: nothing, zeros
 * Returns:  0, -ENOMEM, -EINTR; on failure all is as before
 */
int __must_check mmap_region(struct mm_struct *mm, unsigned long start, unsigned long len,
			     unsigned long flags, struct file *file, unsigned long pgoff);

/* The highest free place for @len bytes; or a negative errno. */
unsigned long get_unmapped_area(struct mm_struct *mm, unsigned long hint, unsigned long len);

#endif
