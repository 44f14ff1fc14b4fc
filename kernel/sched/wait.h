/*
 * wait.h - wait queues: threads that wait for a condition somebody else makes true.
 *
 * Owns: struct wait_queue_head, the wait_event family, wake_up.
 * Idea: the waiter lists itself and sets its state under the queue's lock, tests the condition,
 *       and only then blocks; the waker makes the condition true first and then calls wake_up,
 *       which takes the same lock. So either the waiter sees the condition or the waker sees the
 *       waiter.
 * Rule:  the condition must not sleep (it is tested with the state already set to blocked).
 */
#ifndef KERNEL_SCHED_WAIT_H
#define KERNEL_SCHED_WAIT_H

#include "kernel/base/compiler.h"
#include "kernel/base/err.h"
#include "kernel/base/list.h"
#include "kernel/core/spinlock.h"
#include "kernel/sched/thread_state.h"

struct thread;

/* Field key: [L] lock */
struct wait_queue_head {
	spinlock_t lock;	 /*     class LC_WAIT, interrupts off */
	struct list_head head;	 /* [L] struct wait_entry: non-exclusive first, then exclusive */
};

/* Lives on the waiter's stack. Field key: [L] the queue's lock  [I] set at creation */
struct wait_entry {
	struct list_head node;	 /* [L] empty when not listed */
	struct thread *thread;	 /* [I] */
	bool exclusive;		 /* [I] wake_up() stops after one of these */
};

#define WAIT_QUEUE_INIT(name)                                                                      \
	{                                                                                          \
		.lock = __SPIN_LOCK_UNLOCKED(LC_WAIT), .head = {&(name).head, &(name).head},       \
	}

void init_waitqueue_head(struct wait_queue_head *wq);

/* Wake every non-exclusive waiter and one exclusive one. Context: any. */
void wake_up(struct wait_queue_head *wq);

/* Wake every waiter. Context: any. */
void wake_up_all(struct wait_queue_head *wq);

/* As wake_up/wake_up_all, wq->lock held by the caller. */
void wake_up_locked(struct wait_queue_head *wq);
void wake_up_all_locked(struct wait_queue_head *wq);

/* A hint without the lock: order your condition before the test with smp_mb(). */
bool waitqueue_active(struct wait_queue_head *wq);

/* The steps of a wait, for loops that wait_event cannot express. */
void wait_entry_init(struct wait_entry *we, bool exclusive);
void prepare_to_wait(struct wait_queue_head *wq, struct wait_entry *we, u32 state);
void finish_wait(struct wait_queue_head *wq, struct wait_entry *we);

/*
 * Block until a wake or @deadline_ns of sched_ops->now(), whichever comes first, and return true.
 * False, without blocking, when the deadline has come already: so the condition is always tested
 * once more after the last block.
 */
bool wait_block_until(u64 deadline_ns);

/* Block unless the state is killable and a fatal signal is pending: then -EINTR. */
int wait_block(u32 state);

/* Deadline @ns from now, saturating. */
u64 wait_deadline(u64 ns);

#define wait_event_state_(wq, cond, state, excl)                                                   \
	({                                                                                         \
		struct wait_entry wait_we_;                                                        \
		int wait_ret_ = 0;                                                                 \
		wait_entry_init(&wait_we_, excl);                                                  \
		for (;;) {                                                                         \
			prepare_to_wait(wq, &wait_we_, state);                                     \
			if (cond)                                                                  \
				break;                                                             \
			wait_ret_ = wait_block(state);                                             \
			if (wait_ret_)                                                             \
				break;                                                             \
		}                                                                                  \
		finish_wait(wq, &wait_we_);                                                        \
		wait_ret_;                                                                         \
	})

/* Sleep until @cond. Context: may sleep. */
#define wait_event(wq, cond)                                                                       \
	do {                                                                                       \
		if (!(cond))                                                                       \
			(void)wait_event_state_(wq, cond, TS_BLOCKED, false);                      \
	} while (0)

/* As wait_event, but wake_up() wakes only one such waiter. */
#define wait_event_exclusive(wq, cond)                                                             \
	do {                                                                                       \
		if (!(cond))                                                                       \
			(void)wait_event_state_(wq, cond, TS_BLOCKED, true);                       \
	} while (0)

/* 0 when @cond holds, -EINTR when a fatal signal came first. */
#define wait_event_killable(wq, cond)                                                              \
	((cond) ? 0 : wait_event_state_(wq, cond, TS_KILLABLE, false))

/* True when @cond holds, false when @ns nanoseconds passed without it. */
#define wait_event_timeout(wq, cond, ns)                                                           \
	({                                                                                         \
		struct wait_entry wait_we_;                                                        \
		u64 wait_end_ = wait_deadline(ns);                                                 \
		bool wait_ok_ = true;                                                              \
		wait_entry_init(&wait_we_, false);                                                 \
		for (;;) {                                                                         \
			prepare_to_wait(wq, &wait_we_, TS_BLOCKED);                                \
			wait_ok_ = (cond);                                                         \
			if (wait_ok_ || !wait_block_until(wait_end_))                              \
				break;                                                             \
		}                                                                                  \
		finish_wait(wq, &wait_we_);                                                        \
		wait_ok_;                                                                          \
	})

#endif
