/*
 * zero_marker.c - failed fork, 6.8 to 6.12: a reserved entry says where the child ends.
 *
 * The first entry that was not copied is overwritten with XA_ZERO_ENTRY, behind which the tree goes
 * on with the parent's VMAs. exit_mmap() stops at it; nobody else knows of it.
 */
#include "mm/recovery/zero_marker.h"

#include "kernel/core/bug.h"
#include "mm/zap.h"

/* The store covers one existing piece exactly: it needs no memory. */
void zero_marker_mark(struct fork_copy *fc)
{
	if (!fc->mpnt)
		return;
	mas_set_range(&fc->vmi.mas, fc->mpnt->vm_start, fc->mpnt->vm_end - 1);
	mas_store(&fc->vmi.mas, XA_ZERO_ENTRY);
	BUG_ON(mas_is_err(&fc->vmi.mas));
}

static void end_at_marker(struct mm_struct *mm, struct unmap_desc *desc)
{
	(void)mm;
	desc->marker_ends = true;
}

static const struct semantics zero_marker = {
	.name = "zero_marker",
	.what = "failed fork: a marker ends the child's tree, no flags (6.8-6.12)",
	.axis = SEM_FORK,
	.hooks = {.on_fail = zero_marker_mark,
		  .exit_limits = end_at_marker,
		  .sem_scope = SCOPE_COPY},
};
SEMANTICS(zero_marker);
