/*
 * sched_wait.c - wait queues and completions: no wake is lost, none reaches too many.
 */
#include "kernel/core/atomic.h"
#include "kernel/core/sched_ops.h"
#include "kernel/sched/completion.h"
#include "kernel/sched/kthread.h"
#include "kernel/sched/timer.h"
#include "kernel/sched/wait.h"
#include "tests/ktest.h"

/* ---- completions --------------------------------------------------------------------------- */

KTEST(sched, completion_counts_events_that_came_first, KT_UNIT)
{
	struct completion x;

	init_completion(&x);
	t_expect(t, !completion_done(&x));
	t_expect(t, !try_wait_for_completion(&x));
	complete(&x);
	complete(&x);
	wait_for_completion(&x);
	t_expect(t, completion_done(&x));
	t_expect(t, try_wait_for_completion(&x));
	t_expect(t, !try_wait_for_completion(&x));
	complete_all(&x);
	wait_for_completion(&x);
	wait_for_completion(&x);
	t_expect(t, completion_done(&x));
}

struct waiter {
	struct completion *x;
	atomic_t *passed;
	int err;
};

static void wait_once(void *arg)
{
	struct waiter *w = arg;

	wait_for_completion(w->x);
	atomic_inc(w->passed);
}

static void wait_once_killable(void *arg)
{
	struct waiter *w = arg;

	w->err = wait_for_completion_killable(w->x);
	atomic_inc(w->passed);
}

/* One event lets one waiter through, not more. */
KTEST(sched, completion_wakes_one_per_event, KT_UNIT)
{
	enum { N = 4 };
	struct completion x;
	atomic_t passed = ATOMIC_INIT(0);
	struct waiter w = {.x = &x, .passed = &passed};
	struct thread *n[N];
	int i;

	init_completion(&x);
	for (i = 0; i < N; i++) {
		n[i] = kthread_run("waiter", wait_once, &w);
		t_assert(t, n[i] != NULL);
	}
	for (i = 0; i < N; i++)
		t_until_blocked(n[i], TS_BLOCKED);
	for (i = 0; i < N - 1; i++) {
		complete(&x);
		while (atomic_read(&passed) <= i)
			yield();
		t_expect_eq(t, atomic_read(&passed), i + 1);
	}
	sleep_ns(200 * NSEC_PER_USEC);
	t_expect_eq(t, atomic_read(&passed), N - 1);
	complete_all(&x);
	for (i = 0; i < N; i++)
		thread_join(n[i]);
	t_expect_eq(t, atomic_read(&passed), N);
}

/* A killed waiter takes no event with it. */
KTEST(sched, completion_killed_waiter_leaves_the_event, KT_UNIT)
{
	struct completion x;
	atomic_t passed = ATOMIC_INIT(0);
	struct waiter w = {.x = &x, .passed = &passed};
	struct thread *n;

	init_completion(&x);
	n = kthread_run("killed", wait_once_killable, &w);
	t_assert(t, n != NULL);
	t_until_blocked(n, TS_KILLABLE);
	thread_kill(n);
	thread_join(n);
	t_expect_eq(t, w.err, -EINTR);
	complete(&x);
	t_expect(t, try_wait_for_completion(&x));

	/* An event that is there already is taken although a signal is pending. */
	complete(&x);
	n = kthread_create("killed-late", wait_once_killable, &w);
	t_assert(t, n != NULL);
	thread_kill(n);
	thread_start(n);
	thread_join(n);
	t_expect_eq(t, w.err, 0);
	t_expect(t, !completion_done(&x));
}

/* ---- wait queues --------------------------------------------------------------------------- */

struct gate {
	struct wait_queue_head wq;
	u32 open;
	u32 tickets;
	atomic_t passed;
};

static void gate_init(struct gate *g)
{
	*g = (struct gate){0};
	init_waitqueue_head(&g->wq);
}

static void pass_gate(void *arg)
{
	struct gate *g = arg;

	wait_event(&g->wq, READ_ONCE(g->open));
	atomic_inc(&g->passed);
}

static bool take_ticket(struct gate *g)
{
	u32 n = READ_ONCE(g->tickets);

	return n && cmpxchg(&g->tickets, n, n - 1) == n;
}

static void pass_with_ticket(void *arg)
{
	struct gate *g = arg;

	wait_event_exclusive(&g->wq, take_ticket(g));
	atomic_inc(&g->passed);
}

/* wake_up reaches every plain waiter; a wake with the condition false lets none through. */
KTEST(sched, wake_up_reaches_all_plain_waiters, KT_UNIT)
{
	enum { N = 5 };
	struct thread *n[N];
	struct gate g;
	int i;

	gate_init(&g);
	for (i = 0; i < N; i++) {
		n[i] = kthread_run("plain", pass_gate, &g);
		t_assert(t, n[i] != NULL);
	}
	for (i = 0; i < N; i++)
		t_until_blocked(n[i], TS_BLOCKED);
	wake_up(&g.wq);
	for (i = 0; i < N; i++)
		t_until_blocked(n[i], TS_BLOCKED);
	t_expect_eq(t, atomic_read(&g.passed), 0);
	WRITE_ONCE(g.open, 1);
	wake_up(&g.wq);
	for (i = 0; i < N; i++)
		thread_join(n[i]);
	t_expect_eq(t, atomic_read(&g.passed), N);
	t_expect(t, !waitqueue_active(&g.wq));
}

KTEST(sched, wake_up_reaches_one_exclusive_waiter, KT_UNIT)
{
	enum { N = 5 };
	struct thread *n[N];
	struct gate g;
	int i;

	gate_init(&g);
	for (i = 0; i < N; i++) {
		n[i] = kthread_run("exclusive", pass_with_ticket, &g);
		t_assert(t, n[i] != NULL);
		t_until_blocked(n[i], TS_BLOCKED);
	}
	for (i = 0; i < N; i++) {
		atomic_inc((atomic_t *)&g.tickets);
		wake_up(&g.wq);
		thread_join(n[i]); /* first come, first served */
		t_expect_eq(t, atomic_read(&g.passed), i + 1);
	}
	t_expect(t, !waitqueue_active(&g.wq));
}

static void wait_killable(void *arg)
{
	struct gate *g = arg;

	if (wait_event_killable(&g->wq, READ_ONCE(g->open)) == -EINTR)
		atomic_inc(&g->passed);
}

KTEST(sched, wait_event_killable_leaves_the_queue, KT_UNIT)
{
	struct gate g;
	struct thread *n;

	gate_init(&g);
	n = kthread_run("killed", wait_killable, &g);
	t_assert(t, n != NULL);
	t_until_blocked(n, TS_KILLABLE);
	t_expect(t, waitqueue_active(&g.wq));
	thread_kill(n);
	thread_join(n);
	t_expect_eq(t, atomic_read(&g.passed), 1);
	t_expect(t, !waitqueue_active(&g.wq));
}

static void open_gate(void *arg)
{
	struct gate *g = arg;

	WRITE_ONCE(g->open, 1);
	wake_up(&g->wq);
}

KTEST(sched, wait_event_timeout_ends_either_way, KT_UNIT)
{
	u64 start = sched_ops->now();
	struct thread *n;
	struct gate g;

	gate_init(&g);
	t_expect(t, !wait_event_timeout(&g.wq, READ_ONCE(g.open), 300 * NSEC_PER_USEC));
	t_expect_ge(t, sched_ops->now() - start, 300 * NSEC_PER_USEC);
	t_expect(t, !waitqueue_active(&g.wq));

	/* With the condition true nobody looks at the clock. */
	g.open = 1;
	t_expect(t, wait_event_timeout(&g.wq, READ_ONCE(g.open), 0));

	/* A wake ends it; the time never would. */
	g.open = 0;
	n = kthread_run("opener", open_gate, &g);
	t_assert(t, n != NULL);
	t_expect(t, wait_event_timeout(&g.wq, READ_ONCE(g.open), TIME_NEVER));
	thread_join(n);
}

/* ---- no wake is lost ----------------------------------------------------------------------- */

/* A token goes round a ring of threads; each waits for its turn in its own way. */
struct ring {
	struct wait_queue_head wq[16];
	struct completion x[16];
	u32 turn;
	unsigned nr;
	u64 laps;
};

static void pass_token_by_queue(struct ktest *t, unsigned i, void *arg)
{
	struct ring *r = arg;
	unsigned next = (i + 1) % r->nr;
	u64 lap;

	for (lap = 0; lap < r->laps; lap++) {
		wait_event(&r->wq[i], READ_ONCE(r->turn) == i);
		WRITE_ONCE(r->turn, next);
		wake_up(&r->wq[next]);
	}
	t_expect_eq(t, lap, r->laps);
}

static void pass_token_by_completion(struct ktest *t, unsigned i, void *arg)
{
	struct ring *r = arg;
	u64 lap;

	for (lap = 0; lap < r->laps; lap++) {
		wait_for_completion(&r->x[i]);
		complete(&r->x[(i + 1) % r->nr]);
	}
	t_expect_eq(t, lap, r->laps);
}

static void ring_init(struct ring *r, unsigned nr, u64 handoffs)
{
	unsigned i;

	*r = (struct ring){.nr = nr, .laps = handoffs / nr};
	for (i = 0; i < nr; i++) {
		init_waitqueue_head(&r->wq[i]);
		init_completion(&r->x[i]);
	}
}

static unsigned ring_size(void)
{
	return nr_vcpus < 8 ? 2 * nr_vcpus : 16;
}

KTEST(sched, handoffs_by_queue_are_never_lost, KT_STRESS)
{
	struct ring r;

	ring_init(&r, ring_size(), t_scale(t, 300));
	t_parallel(t, r.nr, pass_token_by_queue, &r);
	t_expect_eq(t, r.turn, 0);
}

KTEST(sched, handoffs_by_completion_are_never_lost, KT_STRESS)
{
	struct ring r;

	ring_init(&r, ring_size(), t_scale(t, 300));
	complete(&r.x[0]);
	t_parallel(t, r.nr, pass_token_by_completion, &r);
	t_expect(t, try_wait_for_completion(&r.x[0]));
}

/* Kills, timers and wakes all hit the same wait: it ends, and only when its condition holds. */
static void wait_with_timeouts(struct ktest *t, unsigned i, void *arg)
{
	struct ring *r = arg;
	unsigned next = (i + 1) % r->nr;
	struct rng rng;
	u64 lap;

	rng_init(&rng, t_seed(t) + i);
	for (lap = 0; lap < r->laps; lap++) {
		while (!wait_event_timeout(&r->wq[i], READ_ONCE(r->turn) == i,
					   rng_below(&rng, 200000)))
			thread_wake(current);
		WRITE_ONCE(r->turn, next);
		wake_up(&r->wq[next]);
	}
	t_expect_eq(t, lap, r->laps);
}

KTEST(sched, handoffs_survive_timeouts, KT_STRESS)
{
	struct ring r;

	ring_init(&r, ring_size(), t_scale(t, 500));
	t_parallel(t, r.nr, wait_with_timeouts, &r);
	t_expect_eq(t, r.turn, 0);
}
