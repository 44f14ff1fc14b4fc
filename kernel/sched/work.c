/*
 * work.c - work queues.
 *
 * Invariant: a work is on at most one queue, and on it at most once; the thread takes it off
 *       before it runs it, and does not touch it afterwards, so that a work may free itself.
 */
#include "kernel/sched/work.h"
#include "kernel/base/err.h"
#include "kernel/core/bug.h"
#include "kernel/sched/kthread.h"
#include "kernel/sched/sched_internal.h"

struct workqueue system_wq;

void init_work(struct work *work, work_fn fn)
{
	INIT_LIST_HEAD(&work->node);
	work->fn = fn;
}

bool queue_work(struct workqueue *wq, struct work *work)
{
	unsigned long flags;
	bool fresh;

	spin_lock_irqsave(&wq->wait.lock, flags);
	fresh = list_empty(&work->node);
	if (fresh) {
		work->seq = ++wq->last_seq;
		list_add_tail(&work->node, &wq->works);
		wake_up_all_locked(&wq->wait);
	}
	spin_unlock_irqrestore(&wq->wait.lock, flags);
	return fresh;
}

/* The next work, which is running from now on; NULL: none. */
static struct work *workqueue_take(struct workqueue *wq)
{
	struct work *work;
	unsigned long flags;

	spin_lock_irqsave(&wq->wait.lock, flags);
	work = list_first_entry_or_null(&wq->works, struct work, node);
	if (work) {
		list_del_init(&work->node);
		wq->running = work;
		wq->running_seq = work->seq;
	}
	spin_unlock_irqrestore(&wq->wait.lock, flags);
	return work;
}

static void workqueue_finished(struct workqueue *wq)
{
	unsigned long flags;

	spin_lock_irqsave(&wq->wait.lock, flags);
	wq->running = NULL;
	wake_up_all_locked(&wq->wait);
	spin_unlock_irqrestore(&wq->wait.lock, flags);
}

static bool workqueue_idle(struct workqueue *wq)
{
	unsigned long flags;
	bool idle;

	spin_lock_irqsave(&wq->wait.lock, flags);
	idle = list_empty(&wq->works);
	spin_unlock_irqrestore(&wq->wait.lock, flags);
	return idle;
}

static void workqueue_thread(void *arg)
{
	struct workqueue *wq = arg;
	struct work *work;

	for (;;) {
		while ((work = workqueue_take(wq))) {
			work->fn(work);
			workqueue_finished(wq);
		}
		if (kthread_should_stop())
			break;
		wait_event(&wq->wait, !workqueue_idle(wq) || kthread_should_stop());
	}
}

int workqueue_init(struct workqueue *wq, const char *name)
{
	*wq = (struct workqueue){0};
	init_waitqueue_head(&wq->wait);
	spin_lock_init(&wq->wait.lock, LC_WORK);
	INIT_LIST_HEAD(&wq->works);
	wq->thread = kthread_run(name, workqueue_thread, wq);
	return wq->thread ? 0 : -ENOMEM;
}

void workqueue_destroy(struct workqueue *wq)
{
	kthread_stop(wq->thread);
	ASSERT(list_empty(&wq->works));
}

static u64 workqueue_last_seq(struct workqueue *wq)
{
	unsigned long flags;
	u64 seq;

	spin_lock_irqsave(&wq->wait.lock, flags);
	seq = wq->last_seq;
	spin_unlock_irqrestore(&wq->wait.lock, flags);
	return seq;
}

/* Is every work queued up to @seq done or taken back? They leave in the order of their numbers. */
static bool workqueue_done_until(struct workqueue *wq, u64 seq)
{
	struct work *first;
	unsigned long flags;
	bool done;

	spin_lock_irqsave(&wq->wait.lock, flags);
	first = list_first_entry_or_null(&wq->works, struct work, node);
	done = (!first || first->seq > seq) && (!wq->running || wq->running_seq > seq);
	spin_unlock_irqrestore(&wq->wait.lock, flags);
	return done;
}

void flush_workqueue(struct workqueue *wq)
{
	u64 seq = workqueue_last_seq(wq);

	wait_event(&wq->wait, workqueue_done_until(wq, seq));
}

static bool workqueue_runs(struct workqueue *wq, struct work *work)
{
	unsigned long flags;
	bool runs;

	spin_lock_irqsave(&wq->wait.lock, flags);
	runs = wq->running == work;
	spin_unlock_irqrestore(&wq->wait.lock, flags);
	return runs;
}

bool cancel_work_sync(struct workqueue *wq, struct work *work)
{
	unsigned long flags;
	bool removed;

	spin_lock_irqsave(&wq->wait.lock, flags);
	removed = !list_empty(&work->node);
	if (removed) {
		list_del_init(&work->node);
		wake_up_all_locked(&wq->wait);
	}
	spin_unlock_irqrestore(&wq->wait.lock, flags);
	wait_event(&wq->wait, !workqueue_runs(wq, work));
	return removed;
}

/* ---- delayed works ------------------------------------------------------------------------- */

static void delayed_work_timer(struct timer *timer)
{
	struct delayed_work *dw = container_of(timer, struct delayed_work, timer);

	queue_work(dw->wq, &dw->work);
}

void init_delayed_work(struct delayed_work *dw, work_fn fn)
{
	init_work(&dw->work, fn);
	timer_setup(&dw->timer, delayed_work_timer);
	dw->wq = NULL;
}

bool queue_delayed_work(struct workqueue *wq, struct delayed_work *dw, u64 delay_ns)
{
	if (timer_pending(&dw->timer))
		return false;
	dw->wq = wq;
	mod_timer(&dw->timer, wait_deadline(delay_ns));
	return true;
}

bool cancel_delayed_work_sync(struct delayed_work *dw)
{
	bool removed = del_timer_sync(&dw->timer);

	if (!dw->wq)
		return false;
	return cancel_work_sync(dw->wq, &dw->work) || removed;
}

long system_works_live(void)
{
	unsigned long flags;
	long n;

	spin_lock_irqsave(&system_wq.wait.lock, flags);
	n = (long)list_count(&system_wq.works) + (system_wq.running != NULL);
	spin_unlock_irqrestore(&system_wq.wait.lock, flags);
	return n;
}
