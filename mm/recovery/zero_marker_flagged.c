/*
 * zero_marker_flagged.c - failed fork, 6.14 to 6.19: the marker, and flags for those who look.
 *
 * The flags are set before the write lock is dropped, so a walker that takes the lock and then
 * tests is certain to see them. A copy that failed at its very end has no marker, and only
 * MMF_UNSTABLE.
 */
#include "mm/recovery/zero_marker.h"

static void mark_and_flag(struct fork_copy *fc)
{
	zero_marker_mark(fc);
	if (fc->mpnt)
		set_bit(MMF_OOM_SKIP, &fc->mm->flags);
	set_bit(MMF_UNSTABLE, &fc->mm->flags);
}

static const struct semantics zero_marker_flagged = {
	.name = "zero_marker_flagged",
	.what = "failed fork: the marker, MMF_UNSTABLE and MMF_OOM_SKIP (6.14-6.19)",
	.axis = SEM_FORK,
	.base = "zero_marker_sem",
	.hooks = {.on_fail = mark_and_flag},
};
SEMANTICS(zero_marker_flagged);
