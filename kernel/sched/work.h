/*
 * work.h - do something later, in a thread that may sleep.
 *
 * Owns: work queues. Each has one thread and runs its works one after the other, in the order they
 * were queued; a work that is queued is not queued twice, one that runs may be queued again.
 */
#ifndef KERNEL_SCHED_WORK_H
#define KERNEL_SCHED_WORK_H

#include "kernel/base/compiler.h"
#include "kernel/base/list.h"
#include "kernel/sched/timer.h"
#include "kernel/sched/wait.h"

struct work;
struct workqueue;

typedef void (*work_fn)(struct work *work);

/* Field key: [I] set at creation  [L] lock of the queue */
struct work {
	struct list_head node;	/* [L] empty: not queued */
	u64 seq;		/* [L] number of its last queueing */
	work_fn fn;		/* [I] may sleep; may free the work */
};

/* A work queued when a timer fires. */
struct delayed_work {
	struct work work;
	struct timer timer;
	struct workqueue *wq;
};

/* Field key: [L] wait.lock  [I] set at creation */
struct workqueue {
	struct wait_queue_head wait; /*     its thread waits for works, flushers for the thread */
	struct list_head works;	     /* [L] queued */
	struct work *running;	     /* [L] an address to compare; the work may be gone */
	u64 running_seq;	     /* [L] its number */
	u64 last_seq;		     /* [L] given out last */
	struct thread *thread;	     /* [I] */
};

void init_work(struct work *work, work_fn fn);
void init_delayed_work(struct delayed_work *dw, work_fn fn);

/* 0, or -ENOMEM with nothing made. Context: may sleep. */
int __must_check workqueue_init(struct workqueue *wq, const char *name);

/* Finish all works and end the thread. Nobody queues any more. Context: may sleep. */
void workqueue_destroy(struct workqueue *wq);

/* True when @work was put on @wq, false when it is on it already. Context: any. */
bool queue_work(struct workqueue *wq, struct work *work);

/* As queue_work, in @delay_ns from now. False when it waits for its time already. Context: any. */
bool queue_delayed_work(struct workqueue *wq, struct delayed_work *dw, u64 delay_ns);

/* Wait until every work queued by now is done. Context: may sleep, not from a work of @wq. */
void flush_workqueue(struct workqueue *wq);

/*
 * Take @work back, or wait for it if it runs. True when it had been queued and did not run.
 * Context: may sleep, not from a work of @wq; nobody queues it meanwhile.
 */
bool cancel_work_sync(struct workqueue *wq, struct work *work);
bool cancel_delayed_work_sync(struct delayed_work *dw);

/* The queue for whoever needs none of his own. */
extern struct workqueue system_wq;

#endif
