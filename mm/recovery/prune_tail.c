/*
 * prune_tail.c - failed fork: what was not copied is erased, a small valid mm is left.
 *
 * Erasing the tail joins nodes at its border, which may take a node when there is no memory. Then
 * all of it is torn down, under both locks. The tree is handed to RCU readers again, as that of a
 * copy that succeeded is.
 */
#include "mm/recovery/prune_tail.h"

#include "kernel/core/fault.h"

FAULT_SITE(R01, "fork recovery: nodes to erase what was not copied (prune_tail)");

static int erase_from(struct fork_copy *fc, unsigned long start)
{
	mas_set_range(&fc->vmi.mas, start, ~0ul);
	return FAULT_SITE_CALL(R01, mas_store_gfp(&fc->vmi.mas, NULL, GFP_KERNEL));
}

void prune_tail(struct fork_copy *fc)
{
	if (fc->mpnt && erase_from(fc, fc->mpnt->vm_start)) {
		set_bit(MMF_OOM_SKIP, &fc->mm->flags);
		dup_teardown_head(fc);
		set_bit(MMF_UNSTABLE, &fc->mm->flags);
		return;
	}
	mt_set_in_rcu(&fc->mm->mm_mt);
}

static const struct semantics prune = {
	.name = "prune_tail",
	.what = "failed fork: entries that were not copied are erased, the rest is a valid mm",
	.axis = SEM_FORK,
	.hooks = {.on_fail = prune_tail},
};
SEMANTICS(prune);
