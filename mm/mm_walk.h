/*
 * mm_walk.h - a walker goes into an address space that is not its own, and leaves it.
 *
 * Owns: which reference it holds meanwhile, and whether it may have one: both as the rules of that
 *       mm say (semantics.h: gate, walkref).
 * Not here: what walkers look at before and under mmap_lock (walkers/).
 * Rule: a walker found @mm where its struct is kept alive: under a lock that guards a list it is
 *       on. With WALK_USERS what is mapped stays until mm_walk_put(). With WALK_COUNT only the
 *       struct does: what is mapped may go whenever mmap_lock is not held, and so may its place in
 *       lists.
 */
#ifndef MM_MM_WALK_H
#define MM_MM_WALK_H

#include "mm/semantics.h"

/* False: it may not enter, or nobody uses @mm any more, or its struct. Context: any. */
static inline bool __must_check mm_walk_get(struct mm_struct *mm)
{
	const struct sem_hooks *sem = &mm->sem->hooks;

	if (sem->may_enter && !sem->may_enter(mm))
		return false;
	if (sem->walk_ref == WALK_USERS)
		return mmget_not_zero(mm);
	return mmgrab_not_zero(mm);
}

/* Context: may sleep; with WALK_USERS the last one tears @mm down. */
static inline void mm_walk_put(struct mm_struct *mm)
{
	if (mm->sem->hooks.walk_ref == WALK_USERS)
		mmput(mm);
	else
		mmdrop(mm);
}

#endif
