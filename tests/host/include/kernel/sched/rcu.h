/*
 * rcu.h (host) - grace periods for user-space threads, or a plain queue for one thread.
 *
 * Threads (default): tests/host/shim/rcu.c. A reader publishes the epoch it entered in; a grace
 *   period ends when every reader's epoch is newer than the callback's or the reader is outside.
 *   A thread registers itself at its first read section. Nobody frees in the background:
 *   callbacks run in rcu_poll() (whatever is due) and rcu_barrier() (all, waiting for readers).
 * HOST_RCU_QUEUE: one thread, read sections are compiler barriers, rcu_poll() and rcu_barrier()
 *   run everything queued: every call of theirs is a quiescent point.
 */
#ifndef KERNEL_SCHED_RCU_H
#define KERNEL_SCHED_RCU_H

#include "kernel/core/once.h"

struct rcu_head {
	struct rcu_head *next;
	void (*func)(struct rcu_head *head);
};

typedef void (*rcu_callback_t)(struct rcu_head *head);

#ifdef HOST_RCU_QUEUE
#define rcu_read_lock()	  barrier()
#define rcu_read_unlock() barrier()
#else
void rcu_read_lock(void);
void rcu_read_unlock(void);
/* rcu_thread_exit - a thread that ever read calls this before it ends. */
void rcu_thread_exit(void);
#endif

/* call_rcu - run @func(@head) after all readers of now have left. Never sleeps. */
void call_rcu(struct rcu_head *head, rcu_callback_t func);

/* rcu_poll - run callbacks whose grace period is over. Not inside a read section. */
void rcu_poll(void);

/* rcu_barrier - wait until every callback queued so far has run. Not inside a read section. */
void rcu_barrier(void);

/* synchronize_rcu - wait until all readers of now have left. */
void synchronize_rcu(void);

/* rcu_pending - callbacks queued and not yet run. */
unsigned long rcu_pending(void);

#endif
