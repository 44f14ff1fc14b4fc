/*
 * prune_in_place.c - failed fork: the tail's slots become empty where they are.
 *
 * Nothing is joined, so no memory is needed and nothing can fail. The tree stays out of RCU mode,
 * with nodes thinner than a tree that lives would have.
 */
#include "mm/semantics.h"

static void clear_tail(struct fork_copy *fc)
{
	if (!fc->mpnt)
		return;
	mas_set(&fc->vmi.mas, fc->mpnt->vm_start);
	mas_clear_tail(&fc->vmi.mas);
}

static const struct semantics prune_in_place = {
	.name = "prune_in_place",
	.what = "failed fork: slots that were not copied are cleared in place, without memory",
	.axis = SEM_FORK,
	.hooks = {.on_fail = clear_tail},
};
SEMANTICS(prune_in_place);
