/*
 * signal.c - ending a process from outside, or all of it from one of its threads.
 *
 * Idea: every signal there is ends the process, so a signal is a note of the exit code and a fatal
 *       signal for each thread: killable waits end, faults that would wait for mmap_lock end, and
 *       the thread's next access to user memory ends it.
 */
#include <errno.h>

#include "kernel/proc/task_internal.h"

/* The process is to end with @code, unless it is already to. Every thread but @except is told. */
static void group_exit(struct signal_struct *sig, int code, struct task_struct *except)
	REQUIRES(tasklist_lock)
{
	struct task_struct *tsk;

	spin_lock(&sig->siglock);
	if (!sig->group_exit) {
		sig->group_exit = true;
		sig->group_exit_code = code;
	}
	list_for_each_entry(tsk, &sig->threads, thread_node) {
		if (tsk != except && tsk->thread && !tsk->exiting)
			thread_kill(tsk->thread);
	}
	spin_unlock(&sig->siglock);
}

void task_kill_group_locked(struct signal_struct *sig, int signo)
{
	group_exit(sig, W_EXITCODE(0, signo), NULL);
}

void task_kill_group(struct signal_struct *sig, int signo)
{
	spin_lock(&tasklist_lock);
	task_kill_group_locked(sig, signo);
	spin_unlock(&tasklist_lock);
}

int task_kill(u32 pid, int sig)
{
	struct task_struct *tsk;

	if (sig != SIGKILL && sig != SIGSEGV && sig != SIGBUS)
		return -EINVAL;
	tsk = find_get_task(pid);
	if (!tsk)
		return -ESRCH;
	task_kill_group(tsk->signal, sig);
	put_task_struct(tsk);
	return 0;
}

void do_group_exit(int code)
{
	struct task_struct *tsk = current_task();

	spin_lock(&tasklist_lock);
	group_exit(tsk->signal, code, tsk);
	spin_unlock(&tasklist_lock);
	do_exit(code);
}
