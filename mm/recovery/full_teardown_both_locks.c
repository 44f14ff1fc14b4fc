/*
 * full_teardown_both_locks.c - failed fork, 7.0 on: nothing of the child is left to be found.
 *
 * The head is torn down while both mmap_locks are held; what is unlocked is an empty mm, flagged.
 */
#include "mm/semantics.h"

static void on_fail(struct fork_copy *fc)
{
	set_bit(MMF_OOM_SKIP, &fc->mm->flags);
	dup_teardown_head(fc);
	set_bit(MMF_UNSTABLE, &fc->mm->flags);
}

static const struct semantics full_teardown_both_locks = {
	.name = "full_teardown_both_locks",
	.what = "failed fork: torn down under both locks, an empty mm is left (7.0)",
	.axis = SEM_FORK,
	.hooks = {.on_fail = on_fail, .kill_test = KILL_VMA_LOCK},
};
SEMANTICS(full_teardown_both_locks);
