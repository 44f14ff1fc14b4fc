/*
 * anon_vma.c - tie VMAs to anon_vmas, and untie them.
 *
 * Owns: both caches, the chains, sharing an anon_vma with a neighbour.
 * Not here: pages (rmap.c).
 * Idea: a VMA that may later be merged with its neighbour takes the neighbour's anon_vma at its
 *       first page; two that differ could never merge again.
 */
#include "mm/anon_vma.h"

#include <errno.h>
#include "kernel/core/bug.h"
#include "kernel/core/fault.h"
#include "mm/mempolicy.h"
#include "mm/mm.h"
#include "mm/rmap.h"
#include "mm/slab.h"
#include "mm/vma.h"

static KMEM_CACHE(anon_vma_cache, "anon_vma", sizeof(struct anon_vma), 8, NULL, SLAB_OWN_PAGE);
static KMEM_CACHE(anon_vma_chain_cache, "anon_vma_chain", sizeof(struct anon_vma_chain), 8, NULL,
		  0);

FAULT_SITE(F16, "fork: a chain to an anon_vma of the parent's VMA");
FAULT_SITE(F17, "fork: the child VMA's own anon_vma, and its chain");

/* ---- objects ---- */

static struct anon_vma *anon_vma_alloc(void)
{
	struct anon_vma *av = kmem_cache_alloc(&anon_vma_cache, GFP_KERNEL);

	if (!av)
		return NULL;
	init_rwsem(&av->rwsem, LC_ANON_VMA);
	atomic_set(&av->refcount, 1);
	av->nr_chains = 0;
	av->rb_root = (struct rb_root){NULL};
	return av;
}

static void anon_vma_free_rcu(struct rcu_head *head)
{
	kmem_cache_free(&anon_vma_cache, container_of(head, struct anon_vma, rcu));
}

void put_anon_vma(struct anon_vma *av)
{
	if (!atomic_dec_and_test(&av->refcount))
		return;
	ASSERT_EQ(av->nr_chains, 0);
	call_rcu(&av->rcu, anon_vma_free_rcu);
}

static struct anon_vma_chain *chain_alloc(void)
{
	return kmem_cache_alloc(&anon_vma_chain_cache, GFP_KERNEL);
}

static void chain_free(struct anon_vma_chain *avc)
{
	kmem_cache_free(&anon_vma_chain_cache, avc);
}

/* ---- the tree ---- */

static void chain_set_range(struct anon_vma_chain *avc)
{
	const struct vm_area_struct *vma = avc->vma;

	avc->node.start = vma->vm_pgoff;
	avc->node.last = vma->vm_pgoff + vma_pages(vma) - 1;
}

static void chain_insert(struct anon_vma_chain *avc) REQUIRES(avc->anon_vma->rwsem)
{
	chain_set_range(avc);
	interval_tree_insert(&avc->node, &avc->anon_vma->rb_root);
}

/* Tie @vma to @av. The VMA's list is the caller's too. */
static void chain_link(struct anon_vma_chain *avc, struct vm_area_struct *vma,
		       struct anon_vma *av) REQUIRES(av->rwsem) NO_LOCK_ANALYSIS
{
	avc->vma = vma;
	avc->anon_vma = av;
	avc->linked = true;
	list_add_tail(&avc->same_vma, &vma->anon_vma_chain);
	chain_insert(avc);
	av->nr_chains++;
}

void anon_vma_interval_tree_pre_update_vma(struct vm_area_struct *vma)
{
	struct anon_vma_chain *avc;

	list_for_each_entry(avc, &vma->anon_vma_chain, same_vma)
		interval_tree_remove(&avc->node, &avc->anon_vma->rb_root);
}

void anon_vma_interval_tree_post_update_vma(struct vm_area_struct *vma) NO_LOCK_ANALYSIS
{
	struct anon_vma_chain *avc;

	list_for_each_entry(avc, &vma->anon_vma_chain, same_vma)
		chain_insert(avc);
}

static struct anon_vma_chain *chain_of(struct interval_tree_node *node)
{
	return node ? container_of(node, struct anon_vma_chain, node) : NULL;
}

struct anon_vma_chain *anon_vma_first(struct anon_vma *av, unsigned long first, unsigned long last)
{
	return chain_of(interval_tree_iter_first(&av->rb_root, first, last));
}

struct anon_vma_chain *anon_vma_next(struct anon_vma_chain *avc, unsigned long first,
				     unsigned long last)
{
	return chain_of(interval_tree_iter_next(&avc->node, first, last));
}

/* ---- preparing a VMA ---- */

bool is_mergeable_anon_vma(const struct anon_vma *a, const struct anon_vma *b,
			   const struct vm_area_struct *vma)
{
	if (a && b)
		return a == b;
	return !vma || list_empty(&vma->anon_vma_chain) || list_is_singular(&vma->anon_vma_chain);
}

/*
 * Could @a and @b, which touch in this order, be one VMA after an mprotect? Then they had better
 * share.
 */
static bool anon_vma_compatible(const struct vm_area_struct *a, const struct vm_area_struct *b)
{
	return a->vm_end == b->vm_start && !((a->vm_flags ^ b->vm_flags) & ~VM_ACCESS_FLAGS) &&
	       a->vm_file == b->vm_file && b->vm_pgoff == a->vm_pgoff + vma_pages(a) &&
	       mpol_equal(a->vm_policy, b->vm_policy);
}

/* The anon_vma of @owner if its neighbour may take it: nothing but @owner's own pages are in it. */
static struct anon_vma *reusable_anon_vma(const struct vm_area_struct *owner)
{
	struct anon_vma *av = READ_ONCE(owner->anon_vma);

	return av && list_is_singular(&owner->anon_vma_chain) ? av : NULL;
}

typedef struct vm_area_struct *(*find_at_fn)(struct mm_struct *mm, unsigned long addr);

static __always_inline struct anon_vma *find_mergeable_anon_vma(struct vm_area_struct *vma,
								find_at_fn at)
{
	struct vm_area_struct *near = at(vma->vm_mm, vma->vm_end);
	struct anon_vma *av;

	if (near && anon_vma_compatible(vma, near)) {
		av = reusable_anon_vma(near);
		if (av)
			return av;
	}
	if (!vma->vm_start)
		return NULL;
	near = at(vma->vm_mm, vma->vm_start - 1);
	return near && anon_vma_compatible(near, vma) ? reusable_anon_vma(near) : NULL;
}

/*
 * Two faults in one VMA may be here at once: the first to get page_table_lock wins. A neighbour's
 * anon_vma cannot go meanwhile: untying takes mmap_lock for writing.
 */
static __always_inline int prepare(struct vm_area_struct *vma, find_at_fn at) NO_LOCK_ANALYSIS
{
	struct mm_struct *mm = vma->vm_mm;
	struct anon_vma_chain *avc = chain_alloc();
	struct anon_vma *av, *fresh = NULL;

	if (!avc)
		return -ENOMEM;
	av = find_mergeable_anon_vma(vma, at);
	if (!av) {
		av = fresh = anon_vma_alloc();
		if (!av) {
			chain_free(avc);
			return -ENOMEM;
		}
	}

	/* ---- nothing below this line can fail ---- */
	anon_vma_lock_write(av);
	spin_lock(&mm->tables.page_table_lock);
	if (!vma->anon_vma) {
		chain_link(avc, vma, av);
		smp_store_release(&vma->anon_vma, av);
		avc = NULL;
		fresh = NULL;
	}
	spin_unlock(&mm->tables.page_table_lock);
	anon_vma_unlock_write(av);

	if (avc)
		chain_free(avc);
	if (fresh)
		put_anon_vma(fresh);
	return 0;
}

int anon_vma_prepare_by(struct vm_area_struct *vma, find_at_fn at)
{
	return prepare(vma, at);
}

static struct vm_area_struct *walk_to(struct mm_struct *mm, unsigned long addr)
{
	MA_STATE(mas, &mm->mm_mt, addr, addr);

	return mas_walk(&mas);
}

int __anon_vma_prepare(struct vm_area_struct *vma)
{
	return prepare(vma, walk_to);
}

/* ---- copying and untying ---- */

/* A chain from @vma to @av, on the VMA's list only. */
static void chain_add(struct anon_vma_chain *avc, struct vm_area_struct *vma, struct anon_vma *av)
{
	avc->vma = vma;
	avc->anon_vma = av;
	avc->linked = false;
	list_add_tail(&avc->same_vma, &vma->anon_vma_chain);
}

static void chain_tie(struct anon_vma_chain *avc) NO_LOCK_ANALYSIS
{
	struct anon_vma *av = avc->anon_vma;

	anon_vma_lock_write(av);
	chain_insert(avc);
	avc->linked = true;
	av->nr_chains++;
	anon_vma_unlock_write(av);
}

/* @avc belongs beside @twin, a linked chain of the same anon_vma and range. */
static void chain_tie_beside(struct anon_vma_chain *avc, struct anon_vma_chain *twin)
	NO_LOCK_ANALYSIS
{
	struct anon_vma *av = avc->anon_vma;

	chain_set_range(avc);
	anon_vma_lock_write(av);
	interval_tree_insert_after(&avc->node, &twin->node, &av->rb_root);
	avc->linked = true;
	av->nr_chains++;
	anon_vma_unlock_write(av);
}

/* @avc's anon_vma is new: nobody else knows it, so nobody is kept out. */
static void chain_tie_first(struct anon_vma_chain *avc) NO_LOCK_ANALYSIS
{
	chain_insert(avc);
	avc->linked = true;
	avc->anon_vma->nr_chains = 1;
}

void anon_vma_link(struct vm_area_struct *vma)
{
	struct anon_vma_chain *avc;

	list_for_each_entry(avc, &vma->anon_vma_chain, same_vma) {
		if (!avc->linked)
			chain_tie(avc);
	}
}

/* Chains from @dst to every anon_vma of @src, on its list only. 0 or -ENOMEM with none. */
static int add_chains(struct vm_area_struct *dst, struct vm_area_struct *src, bool fork)
{
	struct anon_vma_chain *from, *avc;

	list_for_each_entry(from, &src->anon_vma_chain, same_vma) {
		avc = fork ? FAULT_SITE_CALL(F16, chain_alloc()) : chain_alloc();
		if (!avc) {
			unlink_anon_vmas(dst);
			return -ENOMEM;
		}
		chain_add(avc, dst, from->anon_vma);
	}
	return 0;
}

int anon_vma_clone(struct vm_area_struct *dst, struct vm_area_struct *src)
{
	if (list_empty(&src->anon_vma_chain))
		return 0;
	if (add_chains(dst, src, false))
		return -ENOMEM;
	anon_vma_link(dst);
	dst->anon_vma = src->anon_vma;
	return 0;
}

/* The chains of @dst are tied to the anon_vmas of @src, each beside the one it was made after. */
static void tie_beside(struct vm_area_struct *dst, struct vm_area_struct *src)
{
	struct anon_vma_chain *avc, *twin;

	twin = list_first_entry(&src->anon_vma_chain, struct anon_vma_chain, same_vma);
	list_for_each_entry(avc, &dst->anon_vma_chain, same_vma) {
		chain_tie_beside(avc, twin);
		twin = list_next_entry(twin, same_vma);
	}
}

int anon_vma_fork(struct vm_area_struct *dst, struct vm_area_struct *src, bool link)
{
	struct anon_vma_chain *avc;
	struct anon_vma *av;

	if (!src->anon_vma)
		return 0;
	if (add_chains(dst, src, true))
		return -ENOMEM;
	av = FAULT_SITE_CALL(F17, anon_vma_alloc());
	avc = av ? FAULT_SITE_CALL(F17, chain_alloc()) : NULL;
	if (!avc)
		goto undo_chains;

	/* ---- nothing below this line can fail ---- */
	if (link)
		tie_beside(dst, src);
	chain_add(avc, dst, av);
	dst->anon_vma = av;
	if (link)
		chain_tie_first(avc);
	return 0;

undo_chains:
	if (av)
		put_anon_vma(av);
	unlink_anon_vmas(dst);
	return -ENOMEM;
}

struct anon_vma *vma_root_anon_vma(const struct vm_area_struct *vma)
{
	return list_first_entry(&vma->anon_vma_chain, struct anon_vma_chain, same_vma)->anon_vma;
}

void unlink_anon_vmas(struct vm_area_struct *vma) NO_LOCK_ANALYSIS
{
	struct anon_vma_chain *avc, *next;

	list_for_each_entry_safe(avc, next, &vma->anon_vma_chain, same_vma) {
		struct anon_vma *av = avc->anon_vma;
		bool last;

		anon_vma_lock_write(av);
		if (avc->linked) {
			interval_tree_remove(&avc->node, &av->rb_root);
			av->nr_chains--;
		}
		last = av->nr_chains == 0;
		anon_vma_unlock_write(av);

		list_unlink(&avc->same_vma);
		chain_free(avc);
		if (last)
			put_anon_vma(av);
	}
	vma->anon_vma = NULL;
}
