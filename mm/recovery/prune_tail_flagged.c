/*
 * prune_tail_flagged.c - failed fork: pruned, and flagged so that walkers need not bother.
 */
#include "mm/recovery/prune_tail.h"

static void prune_and_flag(struct fork_copy *fc)
{
	prune_tail(fc);
	set_bit(MMF_UNSTABLE, &fc->mm->flags);
}

static const struct semantics prune_tail_flagged = {
	.name = "prune_tail_flagged",
	.what = "failed fork: as prune_tail, and MMF_UNSTABLE for those who test it",
	.axis = SEM_FORK,
	.base = "prune_tail",
	.hooks = {.on_fail = prune_and_flag},
};
SEMANTICS(prune_tail_flagged);
