/*
 * mempolicy.c - policies, and mbind().
 *
 * Owns: the cache of policies, copying one, giving one to a range.
 */
#include "mm/mempolicy.h"

#include <errno.h>
#include "kernel/base/err.h"
#include "mm/mm_check.h"
#include "mm/mman.h"
#include "mm/mman_internal.h"
#include "mm/mmap_lock.h"
#include "mm/slab.h"
#include "mm/vma.h"

KMEM_CACHE(mpol_cache, "mempolicy", sizeof(struct mempolicy), 8, NULL, 0);

const char *const mpol_mode_name[NR_MPOL_MODES + 1] = {
	[MPOL_DEFAULT] = "default", [MPOL_PREFERRED] = "prefer", [MPOL_BIND] = "bind",
	[MPOL_INTERLEAVE] = "interleave", [MPOL_LOCAL] = "local",
};

/* ---- one policy ---- */

static struct mempolicy *mpol_alloc(enum mpol_mode mode, unsigned long nodes)
{
	struct mempolicy *policy = kmem_cache_alloc(&mpol_cache, GFP_KERNEL_ACCOUNT);

	if (!policy)
		return NULL;
	*policy = (struct mempolicy){.refcnt = ATOMIC_INIT(1), .mode = mode, .nodes = nodes};
	return policy;
}

struct mempolicy *mpol_new(unsigned mode, unsigned long nodes)
{
	struct mempolicy *policy;

	if (!mpol_is_valid(mode, nodes))
		return ERR_PTR(-EINVAL);
	if (mode == MPOL_DEFAULT)
		return NULL;
	policy = mpol_alloc(mode, nodes);
	return policy ? policy : ERR_PTR(-ENOMEM);
}

void mpol_free(struct mempolicy *policy)
{
	kmem_cache_free(&mpol_cache, policy);
}

int vma_dup_policy(struct vm_area_struct *vma)
{
	struct mempolicy *shared = vma->vm_policy, *own = mpol_alloc(shared->mode, shared->nodes);

	if (!own)
		return -ENOMEM;
	vma->vm_policy = own;
	mpol_put(shared);
	return 0;
}

/* ---- of a range ---- */

static int bind_part(struct vma_part *part, void *arg)
{
	struct mempolicy *policy = arg, *old;
	int err;

	if (mpol_equal(part->vma->vm_policy, policy))
		return 0;
	err = vma_modify_policy(part, policy);
	if (err)
		return err;
	/* Merged, it has one that is equal already. */
	old = part->vma->vm_policy;
	mpol_get(policy);
	part->vma->vm_policy = policy;
	mpol_put(old);
	return 0;
}

static int bind_range(struct mm_struct *mm, unsigned long start, unsigned long end,
		      struct mempolicy *policy)
{
	int err = mmap_write_lock_killable(mm);

	if (err)
		return err;
	err = vma_range_is_mapped(mm, start, end)
		      ? vma_for_each_part(mm, start, end, bind_part, policy)
		      : -EFAULT;
	mm_check_mutation(mm, start, end);
	mmap_write_unlock(mm);
	return err;
}

int vm_mbind(struct mm_struct *mm, unsigned long start, size_t len, unsigned mode,
	     unsigned long nodes)
{
	struct mempolicy *policy;
	int err;

	if (!IS_ALIGNED(start, PAGE_SIZE) || len > USER_MAX)
		return -EINVAL;
	policy = mpol_new(mode, nodes);
	if (IS_ERR(policy))
		return (int)PTR_ERR(policy);
	if (!len)
		err = 0;
	else if (!range_ok(start, page_len(len)))
		err = -EINVAL;
	else
		err = bind_range(mm, start, start + page_len(len), policy);
	mpol_put(policy);
	return err;
}
