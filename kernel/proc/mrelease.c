/*
 * mrelease.c - process_mrelease: free the memory of a process that is ending, on behalf of others.
 *
 * Idea: mm_count is enough (mm/oom_reap.h); but the mm is found through a task, and a task that has
 *       left it leads there no more, unless the rules keep it (keep_exit_mm).
 */
#include <errno.h>

#include "kernel/proc/oom.h"
#include "kernel/proc/task_internal.h"
#include "mm/mm.h"
#include "mm/oom_reap.h"

/* ---- is it ending? ---- */

struct dying {
	struct mm_struct *mm;
	bool all; /* so far */
};

static bool group_is_dying(struct signal_struct *sig)
{
	bool dying;

	spin_lock(&sig->siglock);
	dying = sig->group_exit || !sig->live;
	spin_unlock(&sig->siglock);
	return dying;
}

static bool look_at_user(struct task_struct *tsk, void *arg)
{
	struct dying *d = arg;
	bool uses;

	spin_lock(&tsk->alloc_lock);
	uses = tsk->mm == d->mm;
	spin_unlock(&tsk->alloc_lock);
	d->all = !uses || group_is_dying(tsk->signal);
	return d->all;
}

bool mm_is_dying(struct mm_struct *mm)
{
	struct dying d = {.mm = mm, .all = true};

	for_each_task(look_at_user, &d);
	return d.all;
}

/* ---- the call ---- */

static int release_mm(struct task_struct *tsk, struct mm_struct *mm)
{
	if (mm->sem->hooks.mrelease == MRELEASE_KILL)
		task_kill_group(tsk->signal, SIGKILL);
	else if (!mm_is_dying(mm))
		return test_bit(MMF_OOM_SKIP, &mm->flags) ? 0 : -EINVAL;
	return oom_reap_mm(mm);
}

int process_mrelease(u32 pid)
{
	struct task_struct *tsk = find_get_task(pid);
	struct mm_struct *mm;
	int err = -ESRCH;

	if (!tsk)
		return -ESRCH;
	mm = grab_process_mm(tsk, true);
	if (mm) {
		err = release_mm(tsk, mm);
		mmdrop(mm);
	}
	put_task_struct(tsk);
	return err;
}
