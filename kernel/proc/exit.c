/*
 * exit.c - the end of a task, from its last instruction to the news for its parent.
 *
 * Owns: do_exit and its steps, what becomes of children.
 * Not here: waiting for it (wait_task.c), tearing the address space down (mm/exit_mmap.c).
 * Order: tell those who wait for locks in its memory; leave the address space, so that its memory
 *        goes back; have the thread joined; tell the parent. Who hears of the end finds the memory
 *        gone.
 */
#include "kernel/core/bug.h"
#include "kernel/core/panic.h"
#include "kernel/core/user.h"
#include "kernel/proc/freezer.h"
#include "kernel/proc/futex.h"
#include "kernel/proc/oom.h"
#include "kernel/proc/task_internal.h"
#include "mm/mm.h"
#include "mm/mmap_lock.h"
#include "mm/semantics.h"

void task_main(void *arg)
{
	struct task_struct *tsk = arg;
	int status = 0;

	mm_use(tsk->mm);
	task_freeze_point();
	if (!fatal_signal_pending(current))
		status = tsk->fn(tsk->arg);
	/* Who was killed in its sleep ends as a signal is taken: not while frozen. */
	if (fatal_signal_pending(current))
		task_freeze_point();
	do_exit(W_EXITCODE(status, 0));
}

/* What others wait for in its memory, told while it still has it. */
static void exit_mm_release(struct task_struct *tsk)
{
	futex_exit_release(tsk);
	/* Only for those who still use the memory. */
	if (tsk->clear_child_tid && atomic_read(&tsk->mm->mm_users) > 1 &&
	    !put_user((u32)0, tsk->clear_child_tid))
		futex_wake(tsk->clear_child_tid, 1);
}

static void exit_mm(struct task_struct *tsk)
{
	struct mm_struct *mm = tsk->mm;
	const struct sem_hooks *sem = &mm->sem->hooks;

	mmap_read_lock(mm);
	spin_lock(&tsk->alloc_lock);
	tsk->mm = NULL;
	if (sem->on_exit_mm)
		tsk->exit_mm = sem->on_exit_mm(mm);
	spin_unlock(&tsk->alloc_lock);
	mmap_read_unlock(mm);
	mm_unuse(mm); /* this vCPU may go on with its tables, lazily */
	mmput(mm);
	exit_oom_victim(tsk);
}

/* The thread has left its stack, or is about to: its memory goes, and its reference. */
static void end_work_fn(struct work *work)
{
	struct task_struct *tsk = container_of(work, struct task_struct, end_work);

	thread_join(tsk->leaving);
	put_task_struct(tsk);
}

/* From now on no signal reaches the thread; somebody is going to join it. */
static void leave_thread(struct task_struct *tsk)
{
	struct signal_struct *sig = tsk->signal;

	spin_lock(&sig->siglock);
	tsk->leaving = tsk->thread;
	tsk->thread = NULL;
	spin_unlock(&sig->siglock);
	init_work(&tsk->end_work, end_work_fn);
	queue_work(&system_wq, &tsk->end_work);
}

/* ---- what becomes of the family; tasklist_lock held ---- */

/* Dead tasks whose reference is put once the lock is dropped, chained by thread_node. */
static void bury(struct task_struct *tsk, struct list_head *dead) REQUIRES(tasklist_lock)
{
	task_unpublish(tsk);
	list_add_tail(&tsk->thread_node, dead);
}

/* Nobody waits for @sig: if it has ended, that was all. */
static void disown(struct signal_struct *sig, struct list_head *dead) REQUIRES(tasklist_lock)
{
	sig->autoreap = true;
	if (!group_has_ended(sig))
		return;
	list_del_init(&sig->sibling);
	bury(sig->leader, dead);
}

static void reparent_children(struct signal_struct *sig, struct list_head *dead)
	REQUIRES(tasklist_lock)
{
	struct signal_struct *child, *next;

	list_for_each_entry_safe(child, next, &sig->children, sibling) {
		child->parent = &init_signal;
		list_move_tail(&child->sibling, &init_signal.children);
		disown(child, dead);
	}
}

/* All threads of @sig have ended: its parent is told, unless it does not care. */
static void notify_parent(struct signal_struct *sig, struct list_head *dead)
	REQUIRES(tasklist_lock)
{
	if (sig->autoreap)
		disown(sig, dead);
	else
		wake_up_all(&sig->parent->wait_chldexit);
}

static void exit_notify(struct task_struct *tsk, int code, bool group_dead)
{
	struct signal_struct *sig = tsk->signal;
	struct task_struct *one, *next;
	LIST_HEAD(dead);

	spin_lock(&tasklist_lock);
	if (group_dead)
		reparent_children(sig, &dead);
	tsk->exit_code = code;
	tsk->state = TASK_ZOMBIE;
	if (tsk != sig->leader)
		bury(tsk, &dead);
	if (group_has_ended(sig))
		notify_parent(sig, &dead);
	spin_unlock(&tasklist_lock);

	list_for_each_entry_safe(one, next, &dead, thread_node) {
		list_del_init(&one->thread_node);
		put_task_struct(one);
	}
}

/*
 * One thread less in its process. *@code becomes what the whole process ends with, if it was told
 * to end. From here on no signal ends anything: what is left to do may wait, fault and allocate.
 * True: it was the last.
 */
static bool leave_group(struct task_struct *tsk, int *code)
{
	struct signal_struct *sig = tsk->signal;
	bool last;

	spin_lock(&sig->siglock);
	last = --sig->live == 0;
	if (sig->group_exit)
		*code = sig->group_exit_code;
	tsk->exiting = true;
	thread_kill_taken();
	spin_unlock(&sig->siglock);
	return last;
}

void do_exit(int code)
{
	struct task_struct *tsk = current_task();
	bool group_dead;

	BUG_ON(!tsk || tsk->exiting);
	group_dead = leave_group(tsk, &code);
	exit_mm_release(tsk);
	exit_mm(tsk);
	leave_thread(tsk);
	exit_notify(tsk, code, group_dead);
	thread_exit();
}
