/*
 * mempolicy.c - whose a policy is: shared by VMAs that were one, a child's own after fork.
 *
 * Which VMAs become one is tested on the host (tests/host/vma/test_attributes.c).
 */
#include "mm/mempolicy.h"

#include <errno.h>
#include "kernel/base/err.h"
#include "kernel/core/fault.h"
#include "mm/mm_check.h"
#include "mm/mman.h"
#include "mm/mmap_lock.h"
#include "mm/vma.h"
#include "tests/fork_run.h"
#include "tests/ktest.h"
#include "tests/mm_layout.h"
#include "tests/mm_user.h"

static struct mm_struct *new_space(struct ktest *t, const char *text)
{
	struct mm_struct *mm = mm_alloc();

	t_assert(t, mm);
	t_expect_eq(t, layout_map(mm, text), 0);
	return mm;
}

static struct mempolicy *policy_at(struct mm_struct *mm, unsigned page)
{
	return vma_lookup(mm, layout_addr(page))->vm_policy;
}

static int refs(const struct mempolicy *policy)
{
	return atomic_read(&policy->refcnt);
}

KTEST(mempolicy, parts_of_a_vma_share_it, KT_UNIT)
{
	struct mm_struct *mm = new_space(t, "AAAAAA");

	t_expect_eq(t, vm_mbind(mm, LAYOUT_BASE, 6 * PAGE_SIZE, MPOL_BIND, NODES_ONLINE), 0);
	t_expect_eq(t, refs(policy_at(mm, 0)), 1);
	t_expect_eq(t, vm_munmap(mm, layout_addr(2), PAGE_SIZE), 0);
	t_expect_eq(t, policy_at(mm, 0), policy_at(mm, 3));
	t_expect_eq(t, refs(policy_at(mm, 0)), 2);
	t_expect_eq(t, vm_mbind(mm, layout_addr(4), PAGE_SIZE, MPOL_LOCAL, 0), 0);
	t_expect_eq(t, refs(policy_at(mm, 0)), 3); /* pages 0-1, 3, 5 */
	t_expect_eq(t, refs(policy_at(mm, 4)), 1);
	t_expect_eq(t, vm_munmap(mm, layout_addr(3), PAGE_SIZE), 0);
	t_expect_eq(t, refs(policy_at(mm, 0)), 2);
	t_expect_sane(t, mm);
	mmput(mm);
}

/* All of @mm that has pages 0 to 2 alike has it with policies of its own. */
static void expect_own(struct ktest *t, struct mm_struct *mm, struct mm_struct *child)
{
	for (unsigned page = 0; page < 3; page++) {
		struct mempolicy *theirs = policy_at(mm, page), *own = policy_at(child, page);

		t_expect(t, mpol_equal(theirs, own));
		t_expect_eq(t, own && own == theirs, false);
		t_expect_eq(t, own ? refs(own) : 1, 1);
	}
}

KTEST(mempolicy, a_child_has_its_own, KT_UNIT)
{
	struct mm_struct *mm = new_space(t, "AbC"), *child;

	t_expect_eq(t, vm_mbind(mm, layout_addr(0), PAGE_SIZE, MPOL_INTERLEAVE, NODES_ONLINE), 0);
	t_expect_eq(t, vm_mbind(mm, layout_addr(2), PAGE_SIZE, MPOL_LOCAL, 0), 0);
	child = dup_mm(mm);
	t_assert(t, !IS_ERR(child));
	expect_own(t, mm, child);
	t_expect_eq(t, refs(policy_at(mm, 0)), 1);
	t_expect_sane(t, child);
	mmput(mm);
	t_expect_eq(t, vm_mbind(child, LAYOUT_BASE, 3 * PAGE_SIZE, MPOL_DEFAULT, 0), 0);
	t_expect_eq(t, policy_at(child, 0), NULL);
	mmput(child);
}

/* Only VMAs that have a policy need memory for one. */
KTEST(mempolicy, a_copy_fails_where_there_is_one, KT_UNIT)
{
	struct fork_shape shape = {.vmas = 6, .pages = 1, .policy = 4, .dontcopy = SHAPE_NO,
				   .kill = SHAPE_NO, .site = fault_site_find("F14")};
	struct fork_stage stage;
	struct fork_run run;

	t_assert_eq(t, fork_stage_build(&shape, &stage), 0);
	fork_run_begin();
	for (shape.k = 0; shape.k < shape.vmas; shape.k++) {
		t_expect_eq(t, fork_run_once(&shape, &stage, &run), 0);
		t_expect_eq(t, run.fired, shape.k < shape.policy);
		t_expect_eq(t, run.err, run.fired ? -ENOMEM : 0);
		t_expect_eq(t, run.map_count, run.fired ? shape.k : shape.vmas);
	}
	fork_run_end();
	t_expect_eq(t, fork_stage_end(&stage), 0);
}

KTEST(mempolicy, one_that_cannot_be_is_found, KT_UNIT)
{
	struct mm_struct *mm = new_space(t, "A");
	struct mempolicy *policy;

	t_expect_eq(t, vm_mbind(mm, LAYOUT_BASE, PAGE_SIZE, MPOL_BIND, NODES_ONLINE), 0);
	policy = policy_at(mm, 0);
	mmap_write_lock(mm);
	t_expect_eq(t, mm_check(mm), 0);
	policy->nodes = NODES_ONLINE << 1;
	t_expect_eq(t, mm_check(mm), 1);
	policy->nodes = NODES_ONLINE;
	atomic_set(&policy->refcnt, 0);
	t_expect_eq(t, mm_check(mm), 1);
	atomic_set(&policy->refcnt, 1);
	mmap_write_unlock(mm);
	mmput(mm);
}
