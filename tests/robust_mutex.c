/*
 * robust_mutex.c - see robust_mutex.h.
 */
#include "tests/robust_mutex.h"

#include <errno.h>

#include "kernel/core/bug.h"
#include "kernel/proc/task.h"
#include "kernel/proc/task_user.h"

#define OFFSET_OF_LIST	  offsetof(struct robust_list_head, list)
#define OFFSET_OF_PENDING offsetof(struct robust_list_head, list_op_pending)

u32 rmutex_tid(void)
{
	return current_task()->pid;
}

void rmutex_thread_init(unsigned long head)
{
	int err;

	task_store_u64(head + OFFSET_OF_LIST, head);
	task_store_u64(head + offsetof(struct robust_list_head, futex_offset), RMUTEX_WORD);
	task_store_u64(head + OFFSET_OF_PENDING, 0);
	err = set_robust_list(head, RMUTEX_HEAD_BYTES);
	ASSERT_EQ(err, 0);
}

void rmutex_set_pending(unsigned long head, unsigned long lock)
{
	task_store_u64(head + OFFSET_OF_PENDING, lock);
}

void rmutex_list_add(unsigned long head, unsigned long lock)
{
	task_store_u64(lock, task_load_u64(head + OFFSET_OF_LIST));
	task_store_u64(head + OFFSET_OF_LIST, lock);
}

static void list_remove(unsigned long head, unsigned long lock)
{
	unsigned long at = head + OFFSET_OF_LIST;

	while (task_load_u64(at) != lock)
		at = task_load_u64(at);
	task_store_u64(at, task_load_u64(lock));
}

/* One attempt from @seen on. True: it is ours. */
static bool try_take(unsigned long word, u32 *seen, u32 bits)
{
	u32 want = *seen;

	*seen = task_cmpxchg_u32(word, want, rmutex_tid() | (want & FUTEX_WAITERS) | bits);
	return *seen == want;
}

/* Held by another: sleep until it may not be any more. From now on who gives it back wakes. */
static void wait_for(unsigned long word, u32 seen)
{
	u32 waited = seen | FUTEX_WAITERS;

	if (seen != waited && task_cmpxchg_u32(word, seen, waited) != seen)
		return;
	/* Whatever ended it, the word tells what to do. */
	(void)!futex_wait(word, waited);
}

int rmutex_lock(unsigned long head, unsigned long lock)
{
	unsigned long word = lock + RMUTEX_WORD;
	u32 seen, bits = 0;

	rmutex_set_pending(head, lock);
	for (;;) {
		seen = task_load_u32(word);
		if (seen & FUTEX_TID_MASK) {
			wait_for(word, seen);
			/* One was woken; there may be more. */
			bits = FUTEX_WAITERS;
		} else if (try_take(word, &seen, bits)) {
			break;
		}
	}
	rmutex_list_add(head, lock);
	rmutex_set_pending(head, 0);
	return seen & FUTEX_OWNER_DIED ? -EOWNERDEAD : 0;
}

void rmutex_unlock(unsigned long head, unsigned long lock)
{
	unsigned long word = lock + RMUTEX_WORD;
	u32 seen, now;

	rmutex_set_pending(head, lock);
	list_remove(head, lock);
	seen = task_load_u32(word);
	do {
		now = seen;
		seen = task_cmpxchg_u32(word, now, 0);
	} while (seen != now);
	if (now & FUTEX_WAITERS)
		futex_wake(word, 1);
	rmutex_set_pending(head, 0);
}
