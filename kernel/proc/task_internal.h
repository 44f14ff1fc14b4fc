/*
 * task_internal.h - what the files of this folder share: the lock of the tree, parts of a life.
 */
#ifndef KERNEL_PROC_TASK_INTERNAL_H
#define KERNEL_PROC_TASK_INTERNAL_H

#include "kernel/base/annotations.h"
#include "kernel/proc/task.h"

extern spinlock_t tasklist_lock; /* LC_TASKLIST: the tree, the hash, states */
extern struct signal_struct init_signal;

/* Whose children a caller's are. */
static inline struct signal_struct *current_signal(void)
{
	return current->task ? current->task->signal : &init_signal;
}

/* The task of @pid, or NULL. */
struct task_struct *find_task(u32 pid) REQUIRES(tasklist_lock);

/* A task that nobody knows, without mm, thread or process; NULL: no memory. */
struct task_struct *__must_check task_alloc(const char *name);
struct signal_struct *__must_check signal_alloc(void);
void put_signal(struct signal_struct *sig);

/* A pid that no task has, for @tsk: 0 or -EAGAIN. tasklist_lock held; it is taken once hashed. */
int __must_check pid_choose(struct task_struct *tsk) REQUIRES(tasklist_lock);

/* Into the hash and into the threads of its process. */
void task_publish(struct task_struct *tsk) REQUIRES(tasklist_lock);

/* TASK_DEAD: out of hash and process. The reference that goes with it is the caller's to put. */
void task_unpublish(struct task_struct *tsk) REQUIRES(tasklist_lock);

/* task_kill_group(), the tree being locked already. */
void task_kill_group_locked(struct signal_struct *sig, int signo) REQUIRES(tasklist_lock);

/* First function of a task's thread. */
void task_main(void *arg);

/* Is the leader of @sig a zombie, and its last thread? */
static inline bool group_has_ended(const struct signal_struct *sig)
{
	return sig->leader->state == TASK_ZOMBIE && sig->nr_threads == 1;
}

#endif
