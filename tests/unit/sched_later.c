/*
 * sched_later.c - things that happen later: timers and works.
 */
#include "kernel/core/atomic.h"
#include "kernel/core/preempt.h"
#include "kernel/core/sched_ops.h"
#include "kernel/sched/completion.h"
#include "kernel/sched/kthread.h"
#include "kernel/sched/timer.h"
#include "kernel/sched/work.h"
#include "tests/ktest.h"

/* ---- timers -------------------------------------------------------------------------------- */

#define NR_TIMERS 40

struct alarm {
	struct timer timer;
	u64 deadline;
	u32 rank; /* position in which it fired, from 1 */
	u32 fired;
	u64 at;
	bool in_irq;
	u32 *next_rank;
	atomic_t *left;
};

static void alarm_fires(struct timer *timer)
{
	struct alarm *a = container_of(timer, struct alarm, timer);

	a->at = sched_ops->now();
	a->in_irq = in_irq();
	a->rank = ++*a->next_rank;
	WRITE_ONCE(a->fired, a->fired + 1);
	atomic_dec(a->left);
}

/* Whatever the order of arming: fired by deadline, equal ones in order of arming, none early. */
KTEST(timer, fire_in_order_never_early, KT_MODEL)
{
	static struct alarm a[NR_TIMERS];
	u64 base = sched_ops->now() + 2 * NSEC_PER_MSEC;
	atomic_t left = ATOMIC_INIT(NR_TIMERS);
	u32 next_rank = 0;
	int i, k;

	t_assert_eq(t, thread_set_affinity(current, 1), 0);
	local_irq_disable(); /* none fires here before all are armed */
	for (i = 0; i < NR_TIMERS; i++) {
		a[i] = (struct alarm){.next_rank = &next_rank, .left = &left};
		a[i].deadline = base + t_rand_below(t, 8) * 100 * NSEC_PER_USEC;
		timer_setup(&a[i].timer, alarm_fires);
		t_expect(t, !mod_timer(&a[i].timer, a[i].deadline));
	}
	local_irq_enable();
	while (atomic_read(&left))
		sleep_ns(100 * NSEC_PER_USEC);
	for (i = 0; i < NR_TIMERS; i++) {
		t_expect_eq(t, a[i].fired, 1);
		t_expect(t, a[i].in_irq);
		t_expect_ge(t, a[i].at, a[i].deadline);
		for (k = 0; k < i; k++)
			t_expect_eq(t, a[k].rank < a[i].rank, a[k].deadline <= a[i].deadline);
	}
}

KTEST(timer, del_and_mod, KT_UNIT)
{
	atomic_t left = ATOMIC_INIT(100);
	u32 rank = 0;
	struct alarm a = {.next_rank = &rank, .left = &left};
	u64 now = sched_ops->now();

	timer_setup(&a.timer, alarm_fires);
	t_expect(t, !timer_pending(&a.timer));
	t_expect(t, !del_timer(&a.timer));
	t_expect(t, !del_timer_sync(&a.timer));
	mod_timer(&a.timer, now + 3600 * NSEC_PER_SEC);
	t_expect(t, timer_pending(&a.timer));
	t_expect(t, mod_timer(&a.timer, now + 7200 * NSEC_PER_SEC));
	t_expect(t, del_timer(&a.timer));
	t_expect(t, !timer_pending(&a.timer));

	/* Moved nearer it fires once, not twice. */
	mod_timer(&a.timer, now + 3600 * NSEC_PER_SEC);
	mod_timer(&a.timer, now);
	while (!READ_ONCE(a.fired))
		yield();
	sleep_ns(NSEC_PER_MSEC);
	t_expect(t, !del_timer_sync(&a.timer));
	t_expect_eq(t, a.fired, 1);
}

/* A timer armed on one CPU is moved and deleted from others. */
KTEST(timer, moves_between_cpus, KT_UNIT)
{
	atomic_t left = ATOMIC_INIT(100);
	u32 rank = 0;
	struct alarm a = {.next_rank = &rank, .left = &left};
	unsigned cpu;

	timer_setup(&a.timer, alarm_fires);
	for (cpu = 0; cpu < nr_vcpus; cpu++) {
		t_assert_eq(t, thread_set_affinity(current, 1ull << cpu), 0);
		t_expect_eq(t, mod_timer(&a.timer, sched_ops->now() + 3600 * NSEC_PER_SEC),
			    cpu > 0);
	}
	t_assert_eq(t, thread_set_affinity(current, 1), 0);
	t_expect(t, del_timer_sync(&a.timer));
	t_expect_eq(t, a.fired, 0);
}

struct periodic {
	struct timer timer;
	u32 ticks;
	u32 running;
	u32 stop;
};

static void tick_again(struct timer *timer)
{
	struct periodic *p = container_of(timer, struct periodic, timer);

	WRITE_ONCE(p->running, 1);
	WRITE_ONCE(p->ticks, p->ticks + 1);
	if (!READ_ONCE(p->stop))
		mod_timer(timer, sched_ops->now() + 100 * NSEC_PER_USEC);
	WRITE_ONCE(p->running, 0);
}

/* del_timer_sync waits for the function, on whatever CPU it runs. */
KTEST(timer, del_sync_waits_for_the_function, KT_STRESS)
{
	u64 n = t_scale(t, 30);
	struct periodic p;

	while (n--) {
		p = (struct periodic){0};
		timer_setup(&p.timer, tick_again);
		t_assert_eq(t, thread_set_affinity(current, 1), 0);
		mod_timer(&p.timer, 0);
		t_assert_eq(t, thread_set_affinity(current, AFFINITY_ANY), 0);
		while (READ_ONCE(p.ticks) < 3)
			yield();
		WRITE_ONCE(p.stop, 1);
		del_timer_sync(&p.timer);
		t_expect_eq(t, p.running, 0);
		t_expect(t, !timer_pending(&p.timer));
		p.timer.fn = NULL; /* it will not be called any more */
	}
}

/* ---- works --------------------------------------------------------------------------------- */

struct job {
	struct work work;
	struct workqueue *wq;
	u32 *next;
	u32 rank;
	u32 runs;
	u32 again; /* queue itself so many times more */
	u32 hold;  /* spin until cleared */
};

static void do_job(struct work *work)
{
	struct job *j = container_of(work, struct job, work);

	j->rank = ++*j->next;
	WRITE_ONCE(j->runs, j->runs + 1);
	if (j->again) {
		j->again--;
		queue_work(j->wq, work);
	}
	while (READ_ONCE(j->hold))
		yield();
}

static void job_init(struct job *j, struct workqueue *wq, u32 *next)
{
	*j = (struct job){.wq = wq, .next = next};
	init_work(&j->work, do_job);
}

KTEST(work, runs_once_in_order, KT_UNIT)
{
	enum { N = 10 };
	static struct job j[N];
	static struct workqueue wq;
	u32 next = 0, i;

	t_assert_eq(t, workqueue_init(&wq, "test-wq"), 0);
	for (i = 0; i < N; i++)
		job_init(&j[i], &wq, &next);
	j[0].hold = 1;
	t_expect(t, queue_work(&wq, &j[0].work));
	while (!READ_ONCE(j[0].runs))
		yield();
	for (i = 1; i < N; i++) {
		t_expect(t, queue_work(&wq, &j[i].work));
		t_expect(t, !queue_work(&wq, &j[i].work));
	}
	t_expect_eq(t, READ_ONCE(next), 1);
	WRITE_ONCE(j[0].hold, 0);
	flush_workqueue(&wq);
	for (i = 0; i < N; i++) {
		t_expect_eq(t, j[i].runs, 1);
		t_expect_eq(t, j[i].rank, i + 1);
	}
	workqueue_destroy(&wq);
}

/* A work that runs may be queued again, by itself too; destroying the queue lets it finish. */
KTEST(work, queued_again_while_running, KT_UNIT)
{
	static struct workqueue wq;
	static struct job j;
	u32 next = 0;

	t_assert_eq(t, workqueue_init(&wq, "test-wq"), 0);
	job_init(&j, &wq, &next);
	j.again = 5;
	queue_work(&wq, &j.work);
	workqueue_destroy(&wq);
	t_expect_eq(t, j.runs, 6);
}

KTEST(work, cancel_takes_back_or_waits, KT_UNIT)
{
	static struct workqueue wq;
	static struct job running, waiting;
	u32 next = 0;

	t_assert_eq(t, workqueue_init(&wq, "test-wq"), 0);
	job_init(&running, &wq, &next);
	job_init(&waiting, &wq, &next);
	t_expect(t, !cancel_work_sync(&wq, &waiting.work));
	running.hold = 1;
	queue_work(&wq, &running.work);
	queue_work(&wq, &waiting.work);
	while (!READ_ONCE(running.runs))
		yield();
	t_expect(t, cancel_work_sync(&wq, &waiting.work));
	WRITE_ONCE(running.hold, 0);
	t_expect(t, !cancel_work_sync(&wq, &running.work));
	flush_workqueue(&wq);
	t_expect_eq(t, waiting.runs, 0);
	t_expect_eq(t, running.runs, 1);
	workqueue_destroy(&wq);
}

struct late_job {
	struct delayed_work dw;
	u64 at;
	struct completion done;
};

static void do_late_job(struct work *work)
{
	struct late_job *l = container_of(work, struct late_job, dw.work);

	l->at = sched_ops->now();
	complete(&l->done);
}

KTEST(work, delayed_work_comes_after_its_delay, KT_UNIT)
{
	struct late_job l;
	u64 start = sched_ops->now();

	init_completion(&l.done);
	init_delayed_work(&l.dw, do_late_job);
	t_expect(t, !cancel_delayed_work_sync(&l.dw));
	t_expect(t, queue_delayed_work(&system_wq, &l.dw, 500 * NSEC_PER_USEC));
	wait_for_completion(&l.done);
	t_expect_ge(t, l.at - start, 500 * NSEC_PER_USEC);
	flush_workqueue(&system_wq);

	t_expect(t, queue_delayed_work(&system_wq, &l.dw, 3600 * NSEC_PER_SEC));
	t_expect(t, !queue_delayed_work(&system_wq, &l.dw, 0));
	t_expect(t, cancel_delayed_work_sync(&l.dw));
	t_expect(t, !completion_done(&l.done));
}

/* Everybody queues on one queue and flushes it: each flush covers what its caller queued. */
static void queue_and_flush(struct ktest *t, unsigned i, void *arg)
{
	u64 n = *(u64 *)arg;
	struct job j;
	u32 next = 0;
	u64 k;

	job_init(&j, &system_wq, &next);
	for (k = 1; k <= n; k++) {
		queue_work(&system_wq, &j.work);
		flush_workqueue(&system_wq);
		t_expect_eq(t, READ_ONCE(j.runs), (u32)k);
	}
}

KTEST(work, flush_covers_the_callers_works, KT_STRESS)
{
	u64 n = t_scale(t, 50);

	t_parallel(t, 2 * nr_vcpus, queue_and_flush, &n);
}
