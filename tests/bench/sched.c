/*
 * sched.c - what it costs to let another thread run, and to wait for the last reader.
 *
 * All threads are bound to virtual CPU 0, where the bench runs. A unit of the switch benches is one
 * switch from one thread to the other; both directions are inside the region.
 */
#include "kernel/sched/completion.h"
#include "kernel/sched/kthread.h"
#include "kernel/sched/rcu.h"
#include "tests/bench.h"

#define TURNS 200

/* Field key: [I] set before the partner starts  [A] both threads */
struct partner {
	struct thread *thread;	  /* [I] */
	struct completion to, fro; /* [A] */
	u32 stop;		  /* [A] */
};

/* A thread beside the bench on its CPU; false (reported) if there is no memory for one. */
static bool partner_start(struct bench *b, struct partner *p, thread_fn fn)
{
	*p = (struct partner){.stop = 0};
	init_completion(&p->to);
	init_completion(&p->fro);
	p->thread = kthread_create("bench-partner", fn, p);
	if (!p->thread) {
		bench_fail(b, "no memory for a second thread");
		return false;
	}
	if (thread_set_affinity(p->thread, 1)) {
		kthread_free(p->thread);
		bench_fail(b, "the second thread cannot be bound to CPU 0");
		return false;
	}
	thread_start(p->thread);
	return true;
}

/* ---- yield ---- */

static void yielding(void *arg)
{
	struct partner *p = arg;

	while (!READ_ONCE_NOPOINT(p->stop))
		yield();
}

BENCH(switch_yield, "switch", BENCH_ONCE)
{
	struct partner p;

	if (!partner_start(b, &p, yielding))
		return;
	yield(); /* it has begun */
	bench_start(b);
	for (unsigned i = 0; i < TURNS; i++)
		yield();
	bench_stop(b, 2 * TURNS);
	WRITE_ONCE_NOPOINT(p.stop, 1);
	thread_join(p.thread);
}

/* ---- block and wake ---- */

static void answering(void *arg)
{
	struct partner *p = arg;

	for (;;) {
		wait_for_completion(&p->to);
		if (READ_ONCE_NOPOINT(p->stop))
			break;
		complete(&p->fro);
	}
}

/* Wake, block, switch, and the same back. */
BENCH(switch_wake, "switch", BENCH_ONCE)
{
	struct partner p;

	if (!partner_start(b, &p, answering))
		return;
	yield();
	bench_start(b);
	for (unsigned i = 0; i < TURNS; i++) {
		complete(&p.to);
		wait_for_completion(&p.fro);
	}
	bench_stop(b, 2 * TURNS);
	WRITE_ONCE_NOPOINT(p.stop, 1);
	complete(&p.to);
	thread_join(p.thread);
}

/* ---- thread life ---- */

static void nothing(void *arg)
{
}

BENCH(thread_life, "thread", BENCH_ONCE)
{
	unsigned made = 0;

	bench_start(b);
	for (unsigned i = 0; i < 20; i++) {
		struct thread *t = kthread_run("bench-short", nothing, NULL);

		if (!t)
			break;
		thread_join(t);
		made++;
	}
	bench_stop(b, made ? made : 1);
	if (made < 20)
		bench_fail(b, "no memory for a thread");
}

/* ---- grace periods ---- */

BENCH(rcu_grace_period, "period", BENCH_ONCE)
{
	bench_start(b);
	for (unsigned i = 0; i < 20; i++)
		synchronize_rcu();
	bench_stop(b, 20);
}

static struct rcu_head heads[1000];

static void callback(struct rcu_head *head)
{
}

/* Queueing and running callbacks, of one grace period. */
BENCH(rcu_callback, "callback", BENCH_SWEEP("callbacks", 10, 100, 500, 1000))
{
	unsigned nr = (unsigned)bench_x(b);

	bench_start(b);
	for (unsigned i = 0; i < nr; i++)
		call_rcu(&heads[i], callback);
	rcu_barrier();
	bench_stop(b, nr);
}
