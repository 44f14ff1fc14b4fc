/*
 * fork.c - a new task: everything that can fail, then the line, then the world is told.
 *
 * Owns: copy_process and its steps.
 * Not here: the copy of an address space (mm/dup_mmap.c); what a task does when it ends (exit.c).
 * Invariant: until the line nobody but the caller knows the task, and all of it is undone in
 *            reverse order; behind it nothing can fail.
 */
#include <errno.h>

#include "kernel/base/err.h"
#include "kernel/core/bug.h"
#include "kernel/core/fault.h"
#include "kernel/proc/task_internal.h"
#include "kernel/sched/kthread.h"
#include "mm/mm.h"

DELAY_SITE(pub_task, "fork: the task is found by its pid, and does not run yet");
FAULT_SITE(F24, "fork: behind the copy: the thread and its stack, then the pid");

static bool args_ok(const struct clone_args *args)
{
	const struct task_struct *parent = args->parent ? args->parent : current_task();

	if (args->flags & ~(CLONE_VM | CLONE_THREAD | CLONE_NEWMM) || !args->fn)
		return false;
	if ((args->flags & CLONE_THREAD) && !(args->flags & CLONE_VM))
		return false;
	if ((args->flags & CLONE_VM) && (args->flags & CLONE_NEWMM))
		return false;
	/* Who has nothing to copy or to share can only begin with nothing. */
	return parent || (args->flags & CLONE_NEWMM);
}

static int copy_signal(struct task_struct *tsk, const struct clone_args *args,
		       struct task_struct *parent)
{
	if (args->flags & CLONE_THREAD) {
		tsk->signal = parent->signal;
		refcount_inc(&tsk->signal->refs);
		return 0;
	}
	tsk->signal = signal_alloc();
	if (!tsk->signal)
		return -ENOMEM;
	tsk->signal->leader = tsk;
	if (parent)
		tsk->signal->oom_score_adj = READ_ONCE(parent->signal->oom_score_adj);
	return 0;
}

/* A copy of what @parent uses. */
static struct mm_struct *copy_of(struct task_struct *parent)
{
	struct mm_struct *oldmm = get_task_mm(parent), *mm;

	if (!oldmm)
		return ERR_PTR(-ESRCH);
	mm = dup_mm(oldmm);
	mmput(oldmm);
	return mm;
}

static int copy_mm(struct task_struct *tsk, const struct clone_args *args,
		   struct task_struct *parent)
{
	struct mm_struct *mm;

	if (args->flags & CLONE_NEWMM) {
		mm = mm_alloc();
		if (!mm)
			return -ENOMEM;
	} else if (args->flags & CLONE_VM) {
		mm = get_task_mm(parent);
		if (!mm)
			return -ESRCH;
	} else {
		mm = copy_of(parent);
		if (IS_ERR(mm))
			return (int)PTR_ERR(mm);
	}
	tsk->mm = mm;
	return 0;
}

static int copy_thread(struct task_struct *tsk, const struct clone_args *args)
{
	tsk->fn = args->fn;
	tsk->arg = args->arg;
	tsk->thread = FAULT_SITE_CALL(F24, kthread_create(tsk->name, task_main, tsk));
	if (!tsk->thread)
		return -ENOMEM;
	tsk->thread->task = tsk;
	if (args->affinity)
		tsk->thread->affinity = args->affinity;
	return 0;
}

/* Nothing begins in a process that is ending, nor by a thread that was killed. siglock held. */
static int may_begin(const struct task_struct *tsk, const struct clone_args *args)
{
	const struct signal_struct *sig = tsk->signal;

	if (current_task() && fatal_signal_pending(current))
		return -EINTR;
	if ((args->flags & CLONE_THREAD) && (sig->group_exit || !sig->live))
		return -EINTR;
	return 0;
}

/* A child of @parent; of init, which does not wait for it, if the parent has ended meanwhile. */
static void add_child(struct signal_struct *sig, struct task_struct *parent) REQUIRES(tasklist_lock)
{
	bool orphan = false;

	sig->parent = parent ? parent->signal : &init_signal;
	if (parent) {
		spin_lock_nested(&sig->parent->siglock);
		orphan = sig->parent->live == 0;
		spin_unlock(&sig->parent->siglock);
	}
	if (orphan) {
		sig->parent = &init_signal;
		sig->autoreap = true;
	}
	list_add_tail(&sig->sibling, &sig->parent->children);
}

/* The last failures, and the line. */
static int publish(struct task_struct *tsk, const struct clone_args *args,
		   struct task_struct *parent)
{
	struct signal_struct *sig = tsk->signal;
	int err;

	spin_lock(&tasklist_lock);
	spin_lock(&sig->siglock);
	err = may_begin(tsk, args);
	if (!err)
		err = fault_should_fail(&fault_site_F24, 0) ? -EAGAIN : pid_choose(tsk);
	if (err)
		goto unlock;

	/* ---- nothing below this line can fail ---- */
	tsk->tgid = sig->leader->pid;
	task_publish(tsk);
	sig->live++;
	if (!(args->flags & CLONE_THREAD))
		add_child(sig, parent);
	get_task_struct(tsk); /* the thread's */
	get_task_struct(tsk); /* the caller's */
unlock:
	spin_unlock(&sig->siglock);
	spin_unlock(&tasklist_lock);
	return err;
}

struct task_struct *copy_process(const struct clone_args *args)
{
	struct task_struct *parent = args->parent ? args->parent : current_task();
	struct task_struct *tsk;
	int err;

	if (!args_ok(args))
		return ERR_PTR(-EINVAL);
	tsk = task_alloc(args->name);
	if (!tsk)
		return ERR_PTR(-ENOMEM);
	err = copy_signal(tsk, args, parent);
	if (err)
		goto undo_task;
	err = copy_mm(tsk, args, parent);
	if (err)
		goto undo_task;
	err = copy_thread(tsk, args);
	if (err)
		goto undo_mm;
	err = publish(tsk, args, parent);
	if (err)
		goto undo_thread;
	delay_here(&delay_site_pub_task);
	return tsk;

undo_thread:
	kthread_free(tsk->thread);
	tsk->thread = NULL;
undo_mm:
	mmput(tsk->mm);
	tsk->mm = NULL;
undo_task:
	put_task_struct(tsk);
	return ERR_PTR(err);
}

void wake_up_new_task(struct task_struct *tsk)
{
	thread_start(tsk->thread);
}

int kernel_clone(const struct clone_args *args)
{
	struct task_struct *tsk = copy_process(args);
	int pid;

	if (IS_ERR(tsk))
		return (int)PTR_ERR(tsk);
	pid = (int)tsk->pid;
	wake_up_new_task(tsk);
	put_task_struct(tsk);
	return pid;
}

int process_run(const char *name, task_fn fn, void *arg)
{
	struct clone_args args = {.flags = CLONE_NEWMM, .name = name, .fn = fn, .arg = arg};

	return kernel_clone(&args);
}
