/*
 * freezer.c - see freezer.h.
 *
 * Idea of a victim: `memdie` marks the one thread that was thawed with it (6.17); with every thread
 *       thawed (6.18) the process is simply not freezing any more.
 */
#include "kernel/proc/freezer.h"

#include <errno.h>
#include "kernel/proc/task_internal.h"
#include "mm/mm.h"
#include "mm/semantics.h"

static bool may_go_on(const struct task_struct *tsk)
{
	return !READ_ONCE(tsk->signal->freezing) || READ_ONCE(tsk->memdie);
}

void task_freeze_wait(struct task_struct *tsk)
{
	struct wait_queue_head *wq = &tsk->signal->freeze_wait;

	if (may_go_on(tsk))
		return;
	WRITE_ONCE(tsk->frozen, 1);
	wake_up_all(wq);
	wait_event(wq, may_go_on(tsk));
	WRITE_ONCE(tsk->frozen, 0);
}

static int set_freezing(u32 pid, u32 freezing)
{
	struct task_struct *tsk = find_get_task(pid);

	if (!tsk)
		return -ESRCH;
	WRITE_ONCE(tsk->signal->freezing, freezing);
	wake_up_all(&tsk->signal->freeze_wait);
	put_task_struct(tsk);
	return 0;
}

int task_freeze(u32 pid)
{
	return set_freezing(pid, 1);
}

int task_thaw(u32 pid)
{
	return set_freezing(pid, 0);
}

bool process_is_frozen(struct signal_struct *sig)
{
	struct task_struct *tsk;
	bool all = true;

	spin_lock(&tasklist_lock);
	list_for_each_entry(tsk, &sig->threads, thread_node) {
		if (tsk->state == TASK_RUNNING && !READ_ONCE(tsk->exiting))
			all &= READ_ONCE(tsk->frozen);
	}
	spin_unlock(&tasklist_lock);
	return all && READ_ONCE(sig->freezing);
}

/* Its mm is there still. memdie is set. */
void thaw_victim(struct task_struct *tsk)
{
	struct signal_struct *sig = tsk->signal;

	if (!READ_ONCE(sig->freezing))
		return;
	if (sig->oom_mm->sem->hooks.thaw == THAW_PROCESS)
		WRITE_ONCE(sig->freezing, 0);
	wake_up_all(&sig->freeze_wait);
}
