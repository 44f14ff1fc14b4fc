/*
 * vma.h - struct vm_area_struct: a range of pages with one set of rights; and the tree of them.
 *
 * Owns: the struct, its flags, finding and iterating, life of the object, split, merge.
 * Not here: its lock (vma_lock.h), operations on ranges of an address space (mman.h), who may map
 *           its pages (anon_vma.h).
 * Idea: the tree maps [vm_start, vm_end) to the VMA. Every change of shape is one store into the
 *       tree, prepared before anything is touched, so a reader under RCU finds the old VMAs or the
 *       new ones, and both are write-locked meanwhile.
 * Invariant: VMAs are page-aligned, not empty, disjoint, within [USER_MIN, USER_MAX); the tree's
 *            piece of a VMA is exactly its range; a VMA in the tree is attached.
 */
#ifndef MM_VMA_H
#define MM_VMA_H

#include "kernel/base/annotations.h"
#include "kernel/base/interval_tree.h"
#include "kernel/base/list.h"
#include "kernel/core/atomic.h"
#include "kernel/sched/rcu.h"
#include "mm/maple_tree.h"
#include "mm/mm.h"
#include "mm/pgtable_types.h"

struct anon_vma;
struct file;
struct mempolicy;
struct userfaultfd_ctx;
struct vm_area_struct;
struct vm_fault;

#define VM_READ	      0x00000001ul
#define VM_WRITE      0x00000002ul
#define VM_EXEC	      0x00000004ul
#define VM_SHARED     0x00000008ul /* writes go to the file */
#define VM_GROWSDOWN  0x00000100ul /* a stack */
#define VM_DONTCOPY   0x00020000ul /* a child does not get it (MADV_DONTFORK) */
#define VM_ACCOUNT    0x00100000ul /* its pages are charged to the commit limit */
#define VM_NORESERVE  0x00200000ul /* they never are */
#define VM_WIPEONFORK 0x02000000ul /* a child finds it empty (MADV_WIPEONFORK) */
#define VM_ACCESS_FLAGS (VM_READ | VM_WRITE | VM_EXEC)

/* What a VMA that maps something does for it. */
struct vm_operations_struct {
	void (*open)(struct vm_area_struct *vma);  /* one VMA more */
	void (*close)(struct vm_area_struct *vma); /* one less */
	/*
	 * The page at vmf->pgoff, for an empty entry: vmf->page is it, locked, with a reference.
	 * Returns 0, VM_FAULT_OOM or VM_FAULT_SIGBUS. The VMA is locked as vmf->flags say.
	 */
	unsigned (*fault)(struct vm_fault *vmf);
};

/*
 * Field key: [I] set at creation  [V] this VMA write-locked; read-locked, or mmap_lock in either
 *            mode, to read  [S] as anon_vma.h says  [A] atomic
 */
struct vm_area_struct {
	unsigned long vm_start;	       /* [V] */
	unsigned long vm_end;	       /* [V] exclusive */
	struct mm_struct *vm_mm;       /* [I] */
	pgprot_t vm_page_prot;	       /* [V] of a page that is ours alone; PAGE_NONE_PROT: none */
	unsigned long vm_flags;	       /* [V] VM_ bits */
	unsigned long vm_pgoff;	       /* [V] page number that vm_start stands for in rmap */
	unsigned long vm_lock_seq;     /* [V] write-locked while it equals mm->mm_lock_seq */
	atomic_t vm_refcnt;	       /* [A] vma_lock.h */
	struct file *vm_file;	       /* [I] what it maps, with a reference; NULL: nothing */
	const struct vm_operations_struct *vm_ops; /* [I] with vm_file */
	struct interval_tree_node shared; /* in the file's i_mmap (i_mmap.h) */
	struct anon_vma *anon_vma;     /* [S] */
	struct list_head anon_vma_chain; /* [S] */
	struct mempolicy *vm_policy;   /* [V] with a reference (mempolicy.h); NULL: none */
	struct userfaultfd_ctx *vm_userfaultfd_ctx; /* [V] the same (userfaultfd.h) */
	struct vm_area_struct *next;   /* [V] of those that go together, the next one */
	struct rcu_head rcu;	       /* of that list's first: they are freed together */
};

static inline unsigned long vma_pages(const struct vm_area_struct *vma)
{
	return (vma->vm_end - vma->vm_start) >> PAGE_SHIFT;
}

/* What few VMAs have: most code asks about all of it at once. */
static inline bool vma_has_extras(const struct vm_area_struct *vma)
{
	return (unsigned long)vma->vm_policy | (unsigned long)vma->vm_userfaultfd_ctx;
}

/* Rights of an exclusively owned page in a VMA with @vm_flags. */
pgprot_t vm_get_page_prot(unsigned long vm_flags);

/* ---- finding; mmap_lock held in either mode ---- */

struct vma_iterator {
	struct ma_state mas;
};

#define VMA_ITERATOR(name, mm, addr)                                                               \
	struct vma_iterator name = {                                                               \
		.mas = {.tree = &(mm)->mm_mt,                                                      \
			.index = (addr),                                                           \
			.last = (addr),                                                            \
			.status = ma_start,                                                        \
			.max = ~0ul}}

/* The first VMA that ends above @addr, or NULL: it holds @addr or lies above it. */
struct vm_area_struct *find_vma(struct mm_struct *mm, unsigned long addr);
/* The VMA that holds @addr, or NULL. */
struct vm_area_struct *vma_lookup(struct mm_struct *mm, unsigned long addr);

/* The VMA stood on, or the next; each call moves on. @end is exclusive. NULL: no more. */
static inline struct vm_area_struct *vma_find(struct vma_iterator *vmi, unsigned long end)
{
	return mas_find(&vmi->mas, end - 1);
}

static inline struct vm_area_struct *vma_next(struct vma_iterator *vmi)
{
	return mas_find(&vmi->mas, ~0ul);
}

static inline struct vm_area_struct *vma_prev(struct vma_iterator *vmi)
{
	return mas_prev(&vmi->mas, 0);
}

#define for_each_vma(vmi, vma) while (((vma) = vma_next(&(vmi))) != NULL)
#define for_each_vma_range(vmi, vma, end) while (((vma) = vma_find(&(vmi), (end))) != NULL)

/* ---- the object ---- */

/*
 * vm_area_alloc - a detached VMA of @mm with empty chains, no range and no flags.
 *
 * Returns:  it, or NULL without memory. Owned by the caller until vma_link() or vm_area_free().
 */
struct vm_area_struct *__must_check vm_area_alloc(struct mm_struct *mm);

/*
 * A detached copy of @from: range, offset, flags, file, policy and userfault context, of which it
 * holds references; no chains. It does not hold the file until vma_open(), nor is it linked to it.
 * NULL: no memory.
 */
struct vm_area_struct *__must_check vm_area_dup(const struct vm_area_struct *from);

/*
 * @vma is detached, out of every chain and its file's tree, was never in the tree and does not hold
 * its file (any more): it gives up what else it holds and is freed at once.
 */
void vm_area_free(struct vm_area_struct *vma);

/*
 * The detached VMAs from @first, chained by next, let go what they hold, as by vma_close(), and are
 * freed after one grace period.
 */
void vm_area_free_list(struct vm_area_struct *first);

/* ---- changes of shape; mmap_lock held for write ---- */

/*
 * vma_link - put @vma, whose range is free, into the tree and count it.
 *
 * @vmi:     anywhere; stands on @vma afterwards
 * Returns:  0, or -ENOMEM with nothing changed and @vma still the caller's
 */
int __must_check vma_link(struct vma_iterator *vmi, struct vm_area_struct *vma);

/*
 * vma_split - cut @vma in two at @addr.
 *
 * @addr:      page-aligned, vma->vm_start < @addr < vma->vm_end
 * @new_below: the new VMA is the lower half; else the upper one
 * Locks:      write-locks both halves
 * Returns:    0, or -ENOMEM with tree, @vma and counters unchanged. sysctl_max_map_count is the
 *             caller's business
 */
int __must_check vma_split(struct vma_iterator *vmi, struct vm_area_struct *vma,
			   unsigned long addr, bool new_below);

/*
 * struct vma_merge - a range that is about to get these attributes, between its neighbours.
 *
 * Filled by the caller; see vma_merge.c for every case.
 */
struct vma_merge {
	struct mm_struct *mm;
	struct vm_area_struct *prev;   /* the one below, or that will be cut at start; or NULL */
	struct vm_area_struct *middle; /* has the range inside; NULL: it is, or will be, free */
	struct vm_area_struct *next;   /* the one above, or that will be cut at end; or NULL */
	unsigned long start;
	unsigned long end;
	unsigned long pgoff; /* of start */
	unsigned long flags;
	struct file *file;	   /* NULL: none */
	struct mempolicy *policy;  /* NULL: none */
	struct userfaultfd_ctx *userfault; /* NULL: none */
	struct anon_vma *anon_vma; /* of the pages in the range */
};

/*
 * vma_merge_range - let a neighbour take over the range, if one is alike.
 *
 * Locks:    write-locks what it changes
 * Returns:  0 and *@merged = the VMA that now holds the range, or NULL if no neighbour is alike;
 *           -ENOMEM with nothing changed
 * Owns:     VMAs that vanished are freed; @m's pointers may be stale after a merge
 */
int __must_check vma_merge_range(struct vma_iterator *vmi, struct vma_merge *m,
				 struct vm_area_struct **merged);

/* A VMA, or a part of one, that is to be changed: [start, end) lies inside @vma. */
struct vma_part {
	struct vma_iterator *vmi;
	struct vm_area_struct *prev; /* below @vma in the tree, or NULL */
	struct vm_area_struct *vma;
	unsigned long start;
	unsigned long end;
};

/*
 * vma_modify_flags, _policy, _userfault - a VMA for what is to get another of these.
 *
 * Returns:  0 and part->vma = the VMA that holds the part: with the new attribute already if it was
 *           merged, else with its old one and exactly the part, write-locked, for the caller to
 *           change; -ENOMEM with layout unchanged, except that a split at the start may stay
 */
int __must_check vma_modify_flags(struct vma_part *part, unsigned long flags);
int __must_check vma_modify_policy(struct vma_part *part, struct mempolicy *policy);
int __must_check vma_modify_userfault(struct vma_part *part, struct userfaultfd_ctx *ctx);

/* Set flags and the rights that follow from them. @vma write-locked. */
void vm_flags_reset(struct vm_area_struct *vma, unsigned long flags);

#endif
