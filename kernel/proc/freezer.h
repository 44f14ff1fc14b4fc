/*
 * freezer.h - stop the threads of a process where they use no lock, and let them go on.
 *
 * Owns: freezing and thawing a process, the safe points.
 * Not here: thawing the victim of an OOM kill (oom_kill.c, by the rules of its mm).
 * Idea: a thread stops at its next safe point: before it runs its function, before an access to
 *       user memory, and before it ends because of a signal. A frozen thread does not notice
 *       signals, so a frozen process that was killed holds its memory until it is thawed. One that
 *       has begun to exit is not stopped any more.
 */
#ifndef KERNEL_PROC_FREEZER_H
#define KERNEL_PROC_FREEZER_H

#include "kernel/proc/task.h"

/*
 * task_freeze, task_thaw - stop all threads of the process of @pid; let them go on.
 *
 * Freezing does not wait: task_is_frozen() says when a thread stands.
 * Returns:  0, or -ESRCH
 */
int __must_check task_freeze(u32 pid);
int __must_check task_thaw(u32 pid);

/* Do all threads of @sig that have not begun to exit stand? A hint. */
bool process_is_frozen(struct signal_struct *sig);

/* Of the threads of @tsk's process, go on: those that the rules of its mm thaw for its end. */
void thaw_victim(struct task_struct *tsk);

void task_freeze_wait(struct task_struct *tsk);

/* A safe point of the calling task. May sleep, no lock held. */
static inline void task_freeze_point(void)
{
	struct task_struct *tsk = current_task();

	if (tsk && unlikely(READ_ONCE(tsk->signal->freezing)))
		task_freeze_wait(tsk);
}

#endif
