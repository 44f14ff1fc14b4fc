/*
 * wait_task.c - a parent learns how its child ended; the child is gone then.
 */
#include <errno.h>

#include "kernel/proc/task_internal.h"

struct wait_for {
	u32 pid;			/* 0: any */
	struct signal_struct *parent;
	struct task_struct *found;	/* dead by now; its reference is ours */
	bool any;			/* there is a child that may still end */
};

/* Looked at with the state set to waiting: no sleep in here. True: there is an answer. */
static bool look_for_child(struct wait_for *w)
{
	struct signal_struct *sig;

	w->found = NULL;
	w->any = false;
	spin_lock(&tasklist_lock);
	list_for_each_entry(sig, &w->parent->children, sibling) {
		if (sig->autoreap || (w->pid && sig->leader->pid != w->pid))
			continue;
		w->any = true;
		if (!group_has_ended(sig))
			continue;
		w->found = sig->leader;
		list_del_init(&sig->sibling);
		task_unpublish(w->found);
		break;
	}
	spin_unlock(&tasklist_lock);
	return w->found || !w->any;
}

int task_wait(u32 pid, int *code)
{
	struct wait_for w = {.pid = pid, .parent = current_signal()};
	int err = wait_event_killable(&w.parent->wait_chldexit, look_for_child(&w));

	if (err)
		return err;
	if (!w.found)
		return -ECHILD;
	pid = w.found->pid;
	if (code)
		*code = w.found->exit_code;
	put_task_struct(w.found);
	return (int)pid;
}
