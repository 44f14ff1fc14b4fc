/*
 * mempolicy.h - from which nodes the memory of a VMA is to come.
 *
 * Owns: struct mempolicy, its references, when two are equal. What a program may ask for is
 *       vm_mbind() (mman.h).
 * Not here: splitting and merging (vma.h), moving pages (walkers/migrate.c).
 * Idea: a policy never changes. So VMAs that a split has made share it, and give up a reference
 *       each; only a child gets copies, since what is done to the nodes of one address space must
 *       not reach another.
 * Nodes: the machine has one. Any frame is one of it, so an allocation need not ask a policy; what
 *        is told apart is who was asked for what.
 */
#ifndef MM_MEMPOLICY_H
#define MM_MEMPOLICY_H

#include "kernel/base/annotations.h"
#include "kernel/core/atomic.h"

struct vm_area_struct;

/* Bit N: node N. */
#define NODES_ONLINE 1ul

enum mpol_mode {
	MPOL_DEFAULT,	 /* no policy: wherever the thread runs */
	MPOL_PREFERRED,	 /* those nodes if they have room */
	MPOL_BIND,	 /* those nodes, or none */
	MPOL_INTERLEAVE, /* page by page from another of them */
	MPOL_LOCAL,	 /* wherever the thread runs, whatever the process prefers */
	NR_MPOL_MODES
};

/* "default", "prefer", ...; NULL behind the last. */
extern const char *const mpol_mode_name[NR_MPOL_MODES + 1];

/* Field key: [I] set at creation  [A] atomic */
struct mempolicy {
	atomic_t refcnt;     /* [A] VMAs, and who just made it */
	enum mpol_mode mode; /* [I] not MPOL_DEFAULT, which is no policy */
	unsigned long nodes; /* [I] of NODES_ONLINE; 0 for MPOL_LOCAL */
};

/* May @mode, enum mpol_mode, be asked for with @nodes? Two modes have none, the others some. */
static inline bool mpol_is_valid(unsigned mode, unsigned long nodes)
{
	return mode < NR_MPOL_MODES && !(nodes & ~NODES_ONLINE) &&
	       !nodes == (mode == MPOL_DEFAULT || mode == MPOL_LOCAL);
}

/*
 * mpol_new - the policy of @mode, enum mpol_mode, and @nodes, with one reference.
 *
 * Returns:  it; NULL for MPOL_DEFAULT; ERR_PTR(-EINVAL): not valid; ERR_PTR(-ENOMEM)
 */
struct mempolicy *__must_check mpol_new(unsigned mode, unsigned long nodes);

void mpol_free(struct mempolicy *policy);

/* Both: nothing to do for NULL. */
static inline void mpol_get(struct mempolicy *policy)
{
	if (policy)
		atomic_inc(&policy->refcnt);
}

static inline void mpol_put(struct mempolicy *policy)
{
	if (policy && atomic_dec_and_test(&policy->refcnt))
		mpol_free(policy);
}

/* NULL is equal to itself only. */
static inline bool mpol_equal(const struct mempolicy *a, const struct mempolicy *b)
{
	return a == b || (a && b && a->mode == b->mode && a->nodes == b->nodes);
}

/*
 * vma_dup_policy - @vma, a copy of another, gets a policy of its own for the one it shares.
 *
 * Returns:  0; -ENOMEM with @vma as it was
 */
int __must_check vma_dup_policy(struct vm_area_struct *vma);

#endif
