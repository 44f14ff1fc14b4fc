/*
 * full_teardown_child_lock.c - failed fork: the head is torn down after the parent is let go.
 *
 * As full_teardown_both_locks, but the parent's threads do not wait for it. From the parent's
 * unlock on the tail's entries may be dangling; they are never read, only discarded with the tree.
 */
#include "mm/mm_marks.h"
#include "mm/mmap_lock.h"
#include "mm/semantics.h"
#include "mm/tlb.h"

static void on_fail(struct fork_copy *fc)
{
	set_bit(MMF_OOM_SKIP, &fc->mm->flags);
	set_bit(MMF_UNSTABLE, &fc->mm->flags);
}

static void unlock_parent_first(struct fork_copy *fc) NO_LOCK_ANALYSIS
{
	if (!fc->err) {
		dup_unlock_child_first(fc);
		return;
	}
	flush_tlb_mm(&fc->oldmm->tables.tlb);
	mmap_write_unlock(fc->oldmm);
	mm_mark(fc->mm, MARK_PARENT);
	dup_teardown_head(fc);
	mmap_write_unlock(fc->mm);
	mm_mark(fc->mm, MARK_UNLOCK);
}

static const struct semantics full_teardown_child_lock = {
	.name = "full_teardown_child_lock",
	.what = "failed fork: the parent is unlocked, then the child torn down under its own lock",
	.axis = SEM_FORK,
	.base = "full_teardown_both_locks",
	.hooks = {.on_fail = on_fail, .unlock = unlock_parent_first},
};
SEMANTICS(full_teardown_child_lock);
