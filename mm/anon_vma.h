/*
 * anon_vma.h - which VMAs may map an anonymous page.
 *
 * Owns: struct anon_vma and the chains that tie VMAs to it.
 * Not here: what a page remembers and how its mappings are counted (rmap.h).
 * Idea: a page names an anon_vma, not a VMA, so VMAs may be split, merged and moved without
 *       touching a page. The anon_vma holds its VMAs in an interval tree over page offsets; one
 *       chain object is one (VMA, anon_vma) pair and hangs in the VMA's list and in the tree.
 *
 *	 page ---> anon_vma <---- vma (anon_vma: where its new pages go)
 *	              |             |
 *	       interval tree   anon_vma_chain list
 *	              \            /
 *	            anon_vma_chain
 *
 * Invariant: for each VMA whose tables hold a page of anon_vma A, A's tree holds a chain with that
 *            VMA's present range of page offsets.
 * Life: the chains together hold one reference, a walker that came from a page another; freed a
 *       grace period after the last, since a walker may still be reading the page that led to it.
 */
#ifndef MM_ANON_VMA_H
#define MM_ANON_VMA_H

#include "kernel/base/interval_tree.h"
#include "kernel/base/list.h"
#include "kernel/core/atomic.h"
#include "kernel/sched/rcu.h"
#include "kernel/sched/rwsem.h"

struct mm_struct;
struct vm_area_struct;

/* Field key: [A] atomic  [R] rwsem */
struct anon_vma {
	struct rw_semaphore rwsem; /*     LC_ANON_VMA: writers link, readers walk */
	atomic_t refcount;	   /* [A] */
	unsigned long nr_chains;   /* [R] intervals in the tree */
	union {
		struct rb_root rb_root; /* [R] */
		struct rcu_head rcu;	/* after the last reference */
	};
};

/* Field key: [I] set at creation  [M] mmap_lock of the VMA's mm  [R] anon_vma->rwsem */
struct anon_vma_chain {
	struct vm_area_struct *vma;	/* [I] */
	struct anon_vma *anon_vma;	/* [I] */
	struct list_head same_vma;	/* [M] vma->anon_vma_chain */
	struct interval_tree_node node; /* [R] page offsets of the VMA */
	bool linked;			/* [M] in the tree; not so in a child that is being made */
};

static inline void anon_vma_lock_write(struct anon_vma *av) ACQUIRES(&av->rwsem) NO_LOCK_ANALYSIS
{
	down_write(&av->rwsem);
}

static inline void anon_vma_unlock_write(struct anon_vma *av) RELEASES(&av->rwsem) NO_LOCK_ANALYSIS
{
	up_write(&av->rwsem);
}

/*
 * anon_vma_prepare_by - give @vma an anon_vma: a mergeable neighbour's, or a new one.
 *
 * @at:      finds the VMA at an address, or NULL
 * Locks:    the mm's mmap_lock, for reading or writing: neighbours are looked at
 * Context:  may sleep
 * Returns:  0 with vma->anon_vma set, or -ENOMEM with nothing changed
 */
int __must_check anon_vma_prepare_by(struct vm_area_struct *vma,
				     struct vm_area_struct *(*at)(struct mm_struct *mm,
								  unsigned long addr));
/* Neighbours are looked for with the tree's iterator, as faults do. */
int __must_check __anon_vma_prepare(struct vm_area_struct *vma);

/*
 * anon_vma_clone - tie @dst to every anon_vma that @src is tied to.
 *
 * For a split, a move or a merge that extends @dst over pages of @src. @dst has its final
 * vm_start, vm_end and vm_pgoff and no chains; it gets @src's anon_vma for its own new pages.
 * Locks:    mmap_lock of both for writing
 * Returns:  0, or -ENOMEM with @dst unchanged
 */
int __must_check anon_vma_clone(struct vm_area_struct *dst, struct vm_area_struct *src);

/*
 * vma_root_anon_vma - the anon_vma to which every VMA is tied that may map a page of @vma.
 *
 * Chains are kept in order of age: a child's VMA is tied to its parent's anon_vmas first and to its
 * own last, so the first names the oldest of the family.
 * Locks: @vma, or mmap_lock, for reading; @vma->anon_vma is set
 */
struct anon_vma *vma_root_anon_vma(const struct vm_area_struct *vma);

/*
 * anon_vma_fork - tie @dst, the copy of @src in a child, to what @src's pages name, and give it an
 *                 anon_vma of its own for the pages it will write.
 *
 * @link:    rmap finds @dst from now on; else from anon_vma_link() on
 * Locks:    mmap_lock of both for writing
 * Returns:  0, with nothing done if @src has no anon_vma; or -ENOMEM with @dst untied
 */
int __must_check anon_vma_fork(struct vm_area_struct *dst, struct vm_area_struct *src, bool link);
void anon_vma_link(struct vm_area_struct *vma);

/*
 * unlink_anon_vmas - untie @vma from all of its anon_vmas and free what nobody is tied to.
 *
 * Locks:    mmap_lock for writing, or @vma is reachable through no tree. Before its tables go.
 */
void unlink_anon_vmas(struct vm_area_struct *vma);

/*
 * Around a change of vm_start, vm_end or vm_pgoff: out of the trees, and back with the new range.
 *
 * Locks: mmap_lock for writing, and anon_vma_lock_write(vma->anon_vma) from before to after
 */
void anon_vma_interval_tree_pre_update_vma(struct vm_area_struct *vma);
void anon_vma_interval_tree_post_update_vma(struct vm_area_struct *vma);

/*
 * is_mergeable_anon_vma - may VMAs with anon_vmas @a and @b become one?
 *
 * Yes if they are the same, or one has none and @vma, the one that has, is tied to it alone:
 * otherwise pages of a relative would be looked for in more VMAs than may map them. NULL @vma: the
 * caller knows.
 */
bool is_mergeable_anon_vma(const struct anon_vma *a, const struct anon_vma *b,
			   const struct vm_area_struct *vma);

/* Drop a reference got from folio_get_anon_vma(). Context: may sleep. */
void put_anon_vma(struct anon_vma *av);

/* Chains of @av that overlap the page offsets [@first, @last], in order. Locks: @av's, any mode. */
#define anon_vma_interval_tree_foreach(avc, av, first, last)                                       \
	for ((avc) = anon_vma_first(av, first, last); (avc);                                       \
	     (avc) = anon_vma_next(avc, first, last))

struct anon_vma_chain *anon_vma_first(struct anon_vma *av, unsigned long first,
				      unsigned long last);
struct anon_vma_chain *anon_vma_next(struct anon_vma_chain *avc, unsigned long first,
				     unsigned long last);

#endif
