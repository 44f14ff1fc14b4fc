/*
 * task_user.c - accesses of a program, and the signal a failed one is.
 */
#include "kernel/proc/task_user.h"

#include <errno.h>
#include "kernel/core/user.h"
#include "kernel/proc/freezer.h"
#include "kernel/proc/task.h"

void task_signal_point(void)
{
	task_freeze_point();
	if (fatal_signal_pending(current))
		do_group_exit(W_EXITCODE(0, SIGKILL));
}

/* Returns only if the access was good. */
static void end_on_error(int err)
{
	int sig = SIGSEGV;

	if (!err)
		return;
	task_signal_point();
	if (err == -EIO)
		sig = SIGBUS;
	else if (err == -ENOMEM || err == -EINTR)
		sig = SIGKILL;
	do_group_exit(W_EXITCODE(0, sig));
}

u64 task_load_u64(unsigned long uaddr)
{
	u64 value = 0;

	task_signal_point();
	end_on_error(get_user(&value, uaddr));
	return value;
}

void task_store_u64(unsigned long uaddr, u64 value)
{
	task_signal_point();
	end_on_error(put_user(value, uaddr));
}

u32 task_load_u32(unsigned long uaddr)
{
	u32 value = 0;

	task_signal_point();
	end_on_error(get_user(&value, uaddr));
	return value;
}

void task_store_u32(unsigned long uaddr, u32 value)
{
	task_signal_point();
	end_on_error(put_user(value, uaddr));
}

u32 task_cmpxchg_u32(unsigned long uaddr, u32 old, u32 value)
{
	task_signal_point();
	end_on_error(cmpxchg_user(uaddr, &old, value));
	return old;
}
