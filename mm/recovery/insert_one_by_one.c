/*
 * insert_one_by_one.c - failed fork, before 6.8: the child's tree never holds but its own VMAs.
 *
 * There is no clone: each copy is inserted where it belongs, which takes nodes and may fail. So a
 * failure leaves a small address space like any other, for exit_mmap to free.
 */
#include <errno.h>

#include "kernel/core/fault.h"
#include "mm/semantics.h"

FAULT_SITE(F25, "fork: the child's tree takes a VMA (insert_one_by_one)");

static int begin_empty(struct fork_copy *fc)
{
	mt_clear_in_rcu(&fc->mm->mm_mt);
	mas_init(&fc->vmi.mas, &fc->oldmm->mm_mt, 0);
	return 0;
}

static int leave_out(struct fork_copy *fc, struct vm_area_struct *mpnt)
{
	(void)fc;
	(void)mpnt;
	return 0;
}

static int insert(struct fork_copy *fc, struct vm_area_struct *vma)
{
	MA_STATE(mas, &fc->mm->mm_mt, vma->vm_start, vma->vm_end - 1);

	return FAULT_SITE_CALL(F25, mas_store_gfp(&mas, vma, GFP_KERNEL)) ? -ENOMEM : 0;
}

static void nothing(struct fork_copy *fc)
{
	(void)fc;
}

static const struct semantics insert_one_by_one = {
	.name = "insert_one_by_one",
	.what = "failed fork: VMAs are inserted one by one, what is there is valid (before 6.8)",
	.axis = SEM_FORK,
	.hooks = {.build_tree = begin_empty,
		  .skip_vma = leave_out,
		  .store_vma = insert,
		  .on_fail = nothing,
		  .sem_scope = SCOPE_COPY},
};
SEMANTICS(insert_one_by_one);
