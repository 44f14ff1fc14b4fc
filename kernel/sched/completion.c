/*
 * completion.c - counting events for waiters that come before or after them.
 *
 * Invariant: everything is read and written under wait.lock; a waiter leaves only after it has had
 * that lock, so complete() is finished with the object when the waiter goes on.
 */
#include "kernel/sched/completion.h"
#include "kernel/sched/thread.h"

void init_completion(struct completion *x)
{
	x->done = 0;
	init_waitqueue_head(&x->wait);
}

void complete(struct completion *x)
{
	unsigned long flags;

	spin_lock_irqsave(&x->wait.lock, flags);
	if (x->done != COMPLETION_ALL)
		x->done++;
	wake_up_locked(&x->wait);
	spin_unlock_irqrestore(&x->wait.lock, flags);
}

void complete_all(struct completion *x)
{
	unsigned long flags;

	spin_lock_irqsave(&x->wait.lock, flags);
	x->done = COMPLETION_ALL;
	wake_up_all_locked(&x->wait);
	spin_unlock_irqrestore(&x->wait.lock, flags);
}

static void completion_consume(struct completion *x)
{
	if (x->done != COMPLETION_ALL)
		x->done--;
}

static int completion_wait(struct completion *x, u32 state)
{
	struct wait_entry we;
	unsigned long flags;
	int err = 0;

	wait_entry_init(&we, true);
	spin_lock_irqsave(&x->wait.lock, flags);
	while (!x->done) {
		if (signal_pending_state(state, current)) {
			err = -EINTR;
			break;
		}
		if (list_empty(&we.node))
			list_add_tail(&we.node, &x->wait.head);
		set_current_state(state);
		spin_unlock_irqrestore(&x->wait.lock, flags);
		thread_block();
		spin_lock_irqsave(&x->wait.lock, flags);
	}
	list_del_init(&we.node);
	if (!err)
		completion_consume(x);
	spin_unlock_irqrestore(&x->wait.lock, flags);
	return err;
}

void wait_for_completion(struct completion *x)
{
	(void)completion_wait(x, TS_BLOCKED);
}

int wait_for_completion_killable(struct completion *x)
{
	return completion_wait(x, TS_KILLABLE);
}

bool try_wait_for_completion(struct completion *x)
{
	unsigned long flags;
	bool done;

	spin_lock_irqsave(&x->wait.lock, flags);
	done = x->done != 0;
	if (done)
		completion_consume(x);
	spin_unlock_irqrestore(&x->wait.lock, flags);
	return done;
}

bool completion_done(struct completion *x)
{
	unsigned long flags;
	bool done;

	spin_lock_irqsave(&x->wait.lock, flags);
	done = x->done != 0;
	spin_unlock_irqrestore(&x->wait.lock, flags);
	return done;
}
