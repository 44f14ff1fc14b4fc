/*
 * wait.c - wait queues: listing oneself, waking whoever is listed.
 *
 * Idea: a woken waiter is taken off the list by the waker, so that two wake_up calls reach two
 *       exclusive waiters; one that finds its condition still false lists itself again.
 * Invariant: an entry is on its queue's list or initialised; finish_wait makes sure of the latter
 *       under the lock, so the waker is done with an entry before its stack frame goes away.
 */
#include "kernel/sched/wait.h"
#include "kernel/core/sched_ops.h"
#include "kernel/sched/thread.h"
#include "kernel/sched/timer.h"

void init_waitqueue_head(struct wait_queue_head *wq)
{
	spin_lock_init(&wq->lock, LC_WAIT);
	INIT_LIST_HEAD(&wq->head);
}

void wait_entry_init(struct wait_entry *we, bool exclusive)
{
	INIT_LIST_HEAD(&we->node);
	we->thread = current;
	we->exclusive = exclusive;
}

void prepare_to_wait(struct wait_queue_head *wq, struct wait_entry *we, u32 state)
{
	unsigned long flags;

	spin_lock_irqsave(&wq->lock, flags);
	if (list_empty(&we->node)) {
		if (we->exclusive)
			list_add_tail(&we->node, &wq->head);
		else
			list_add(&we->node, &wq->head);
	}
	set_current_state(state);
	spin_unlock_irqrestore(&wq->lock, flags);
}

void finish_wait(struct wait_queue_head *wq, struct wait_entry *we)
{
	unsigned long flags;

	set_current_running();
	spin_lock_irqsave(&wq->lock, flags);
	list_del_init(&we->node);
	spin_unlock_irqrestore(&wq->lock, flags);
}

static void wake_waiters(struct wait_queue_head *wq, bool all)
{
	struct wait_entry *we, *next;

	list_for_each_entry_safe(we, next, &wq->head, node) {
		bool last = we->exclusive && !all;

		list_del_init(&we->node);
		thread_wake(we->thread);
		if (last)
			break;
	}
}

void wake_up_locked(struct wait_queue_head *wq)
{
	wake_waiters(wq, false);
}

void wake_up_all_locked(struct wait_queue_head *wq)
{
	wake_waiters(wq, true);
}

void wake_up(struct wait_queue_head *wq)
{
	unsigned long flags;

	spin_lock_irqsave(&wq->lock, flags);
	wake_waiters(wq, false);
	spin_unlock_irqrestore(&wq->lock, flags);
}

void wake_up_all(struct wait_queue_head *wq)
{
	unsigned long flags;

	spin_lock_irqsave(&wq->lock, flags);
	wake_waiters(wq, true);
	spin_unlock_irqrestore(&wq->lock, flags);
}

bool waitqueue_active(struct wait_queue_head *wq)
{
	return READ_ONCE(wq->head.next) != &wq->head;
}

int wait_block(u32 state)
{
	if (signal_pending_state(state, current))
		return -EINTR;
	thread_block();
	return 0;
}

u64 wait_deadline(u64 ns)
{
	u64 now = sched_ops->now();

	return ns < TIME_NEVER - now ? now + ns : TIME_NEVER;
}

/* A timer that wakes the thread on whose stack it lies. */
struct wake_timer {
	struct timer timer;
	struct thread *thread;
};

static void wake_timer_fn(struct timer *timer)
{
	thread_wake(container_of(timer, struct wake_timer, timer)->thread);
}

bool wait_block_until(u64 deadline_ns)
{
	struct wake_timer wt = {.thread = current};

	if (sched_ops->now() >= deadline_ns)
		return false;
	timer_setup(&wt.timer, wake_timer_fn);
	mod_timer(&wt.timer, deadline_ns);
	thread_block();
	del_timer_sync(&wt.timer);
	return true;
}
