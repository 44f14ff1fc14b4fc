/*
 * victim.h - processes whose memory was made before them, as actors.
 */
#ifndef TESTS_LAB_VICTIM_H
#define TESTS_LAB_VICTIM_H

#include "kernel/proc/task.h"

/*
 * victim_process - a process of one thread that uses @mm, whose mm_users reference it takes over.
 *
 * From setup. Returns it with a reference for the caller, or NULL: no memory
 */
struct task_struct *__must_check victim_process(const char *name, struct mm_struct *mm, task_fn fn,
						void *arg, unsigned cpu);

/* The same for one more thread of @of's process, or (CLONE_VM) another process in its memory. */
struct task_struct *__must_check victim_more(struct task_struct *of, u32 flags, const char *name,
					     task_fn fn, void *arg, unsigned cpu);

/* From the check: it has ended; its parent, init, hears of it. Drops the reference. */
void victim_wait(struct task_struct *tsk);

/* A body: sleeps until it is killed. */
int victim_sleep(void *arg);

#endif
