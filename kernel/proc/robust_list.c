/*
 * robust_list.c - locks that a thread holds when it ends, as it has listed them in user memory.
 *
 * Owns: set_robust_list, the walk over the list at exit, what is stored into a lock's word.
 * Idea: the list is the program's and may be anything: every step is a user access that may fault,
 *       allocate, swap in or fail; a failure ends the walk, and so does the ROBUST_LIST_LIMIT-th
 *       entry. What is owned is told by the words, not by the list.
 *
 *	head: [list][offset][pending]	entry: [next]	word, at entry + offset: [pid | bits]
 */
#include <errno.h>

#include "kernel/core/user.h"
#include "kernel/proc/futex.h"
#include "kernel/proc/task_internal.h"

#define ENTRY_BITS 1ul /* bit 0 of a pointer marks a lock that inherits priority: there are none */

int set_robust_list(unsigned long head, size_t len)
{
	if (len != sizeof(struct robust_list_head) || !current_task())
		return -EINVAL;
	current_task()->robust_list = head;
	return 0;
}

void set_tid_address(unsigned long uaddr)
{
	if (current_task())
		current_task()->clear_child_tid = uaddr;
}

static int fetch_entry(u64 *entry, unsigned long uaddr)
{
	int err = get_user(entry, uaddr);

	*entry &= ~ENTRY_BITS;
	return err;
}

/*
 * The word at @uaddr is no longer @pid's, if it was. @pending: the thread ended in the middle of
 * taking it or giving it back. 0: go on with the list.
 */
static int handle_futex_death(unsigned long uaddr, u32 pid, bool pending)
{
	u32 seen = 0, now;
	int err;

	if (uaddr % sizeof(u32))
		return -EINVAL;
	err = get_user(&seen, uaddr);
	if (err)
		return err;
	/* Given back already, but not told: or woken to take it, and did not. Another one may. */
	if (pending && !seen) {
		futex_wake(uaddr, 1);
		return 0;
	}
	do {
		if ((seen & FUTEX_TID_MASK) != pid)
			return 0;
		now = seen;
		err = cmpxchg_user(uaddr, &seen, (now & FUTEX_WAITERS) | FUTEX_OWNER_DIED);
		if (err)
			return err;
	} while (seen != now);
	if (now & FUTEX_WAITERS)
		futex_wake(uaddr, 1);
	return 0;
}

/* All but @pending, in the order of the list. 0, or what ended it. */
static int walk_list(unsigned long head, u64 entry, s64 offset, u64 pending, u32 pid)
{
	for (unsigned left = ROBUST_LIST_LIMIT; entry != head && left; left--) {
		u64 next = 0;
		/* First: a waiter that takes the lock over may free its memory. */
		int err = fetch_entry(&next, entry);

		if (entry != pending && handle_futex_death(entry + (u64)offset, pid, false))
			return -EFAULT;
		if (err)
			return err;
		entry = next;
	}
	return 0;
}

static void exit_robust_list(unsigned long head, u32 pid)
{
	u64 entry = 0, offset = 0, pending = 0;

	if (fetch_entry(&entry, head + offsetof(struct robust_list_head, list)) ||
	    get_user(&offset, head + offsetof(struct robust_list_head, futex_offset)) ||
	    fetch_entry(&pending, head + offsetof(struct robust_list_head, list_op_pending)))
		return;
	if (!walk_list(head, entry, (s64)offset, pending, pid) && pending)
		handle_futex_death(pending + offset, pid, true);
}

void futex_exit_release(struct task_struct *tsk)
{
	unsigned long head = tsk->robust_list;

	tsk->robust_list = 0;
	if (head)
		exit_robust_list(head, tsk->pid);
}
