/*
 * sched_rcu.c - what a grace period waits for, what it does not, and that callbacks come after it.
 */
#include "kernel/core/atomic.h"
#include "kernel/core/preempt.h"
#include "kernel/sched/completion.h"
#include "kernel/sched/kthread.h"
#include "kernel/sched/rcu.h"
#include "kernel/sched/timer.h"
#include "tests/ktest.h"

/* ---- the period and its readers ------------------------------------------------------------ */

struct reader {
	u32 inside; /* has begun */
	u32 leave;  /* may end */
	u32 depth;
	bool yields;
	bool pinned; /* keeps its vCPU: only the look can find it */
};

static void read_until_told(void *arg)
{
	struct reader *r = arg;
	u32 i;

	if (r->pinned)
		preempt_disable();
	for (i = 0; i < r->depth; i++)
		rcu_read_lock();
	WRITE_ONCE(r->inside, 1);
	while (!READ_ONCE(r->leave)) {
		if (r->yields)
			yield();
		__asm__ volatile("pause");
	}
	for (i = 0; i < r->depth; i++)
		rcu_read_unlock();
	if (r->pinned)
		preempt_enable();
}

struct syncer {
	u32 done;
};

static void synchronize_and_tell(void *arg)
{
	synchronize_rcu();
	WRITE_ONCE(((struct syncer *)arg)->done, 1);
}

/*
 * Until the period that @s asked for has begun everywhere, or is over. Sleeps, so that this vCPU
 * may fetch the rcu thread from one whose reader does not give way.
 */
static void until_period_waits(const struct syncer *s)
{
	while (!rcu_waits_for_readers() && !READ_ONCE(s->done))
		sleep_ns(100 * NSEC_PER_USEC);
}

/* A grace period that begins while @r reads ends only after it. */
static void period_waits_for(struct ktest *t, struct reader *r)
{
	struct syncer s = {0};
	struct thread *reader = kthread_run("reader", read_until_told, r);
	struct thread *syncer;

	t_assert(t, reader != NULL);
	while (!READ_ONCE(r->inside))
		yield();
	syncer = kthread_run("syncer", synchronize_and_tell, &s);
	t_assert(t, syncer != NULL);
	until_period_waits(&s);
	t_expect_eq(t, READ_ONCE(s.done), 0);
	sleep_ns(NSEC_PER_MSEC);
	t_expect_eq(t, READ_ONCE(s.done), 0);
	WRITE_ONCE(r->leave, 1);
	thread_join(syncer);
	thread_join(reader);
	t_expect_eq(t, s.done, 1);
}

KTEST(rcu, period_waits_for_running_reader, KT_UNIT)
{
	struct reader r = {.depth = 1};

	period_waits_for(t, &r);
}

KTEST(rcu, period_waits_for_reader_that_never_switches, KT_UNIT)
{
	struct reader r = {.depth = 1, .pinned = true};

	t_need_cpus(t, 2);
	period_waits_for(t, &r);
}

KTEST(rcu, period_waits_for_reader_that_gave_way, KT_UNIT)
{
	struct reader r = {.depth = 1, .yields = true};

	period_waits_for(t, &r);
}

KTEST(rcu, period_waits_for_outermost_unlock, KT_UNIT)
{
	struct reader r = {.depth = 7, .yields = true};

	period_waits_for(t, &r);
}

/* A reader that begins after the period has begun everywhere does not hold it up. */
KTEST(rcu, period_ignores_later_readers, KT_UNIT)
{
	struct reader first = {.depth = 1, .yields = true};
	struct reader second = {.depth = 1, .yields = true};
	struct syncer s = {0};
	struct thread *a, *b, *syncer;

	synchronize_rcu(); /* the next period is the syncer's */
	a = kthread_run("first", read_until_told, &first);
	b = kthread_create("second", read_until_told, &second);
	syncer = kthread_create("syncer", synchronize_and_tell, &s);
	t_assert(t, a && b && syncer);
	while (!READ_ONCE(first.inside))
		yield();
	thread_start(syncer);
	until_period_waits(&s);
	t_expect_eq(t, READ_ONCE(s.done), 0);
	thread_start(b);
	while (!READ_ONCE(second.inside))
		yield();
	WRITE_ONCE(first.leave, 1);
	thread_join(syncer); /* would hang if it waited for b */
	t_expect_eq(t, READ_ONCE(s.done), 1);
	t_expect_eq(t, READ_ONCE(second.leave), 0);
	WRITE_ONCE(second.leave, 1);
	thread_join(a);
	thread_join(b);
}

/* With nobody reading, a period ends by itself, also on a machine whose other CPUs sleep. */
KTEST(rcu, period_without_readers_ends, KT_UNIT)
{
	u64 before = rcu_periods_done();
	int i;

	for (i = 0; i < 20; i++)
		synchronize_rcu();
	t_expect_ge(t, rcu_periods_done() - before, 20);
}

KTEST(rcu, nesting_is_counted, KT_UNIT)
{
	t_expect(t, !rcu_read_lock_held());
	rcu_read_lock();
	rcu_read_lock();
	rcu_read_unlock();
	t_expect(t, rcu_read_lock_held());
	rcu_read_unlock();
	t_expect(t, !rcu_read_lock_held());
}

/* ---- callbacks ----------------------------------------------------------------------------- */

struct numbered {
	struct rcu_head rcu;
	unsigned *next; /* the number expected */
	unsigned number;
	bool in_order;
};

static void note_order(struct rcu_head *head)
{
	struct numbered *n = container_of(head, struct numbered, rcu);

	n->in_order = n->number == *n->next;
	++*n->next;
}

KTEST(rcu, callbacks_of_a_cpu_run_in_order, KT_UNIT)
{
	enum { N = 100 };
	static struct numbered n[N];
	unsigned next = 0, i;

	t_assert_eq(t, thread_set_affinity(current, 1), 0);
	for (i = 0; i < N; i++) {
		n[i] = (struct numbered){.number = i, .next = &next};
		call_rcu(&n[i].rcu, note_order);
	}
	rcu_barrier();
	t_expect_eq(t, next, N);
	for (i = 0; i < N; i++)
		t_expect(t, n[i].in_order);
	t_expect_eq(t, rcu_callbacks_live(), 0);
}

struct requeued {
	struct rcu_head rcu;
	int left;
	struct completion done;
};

static void requeue(struct rcu_head *head)
{
	struct requeued *r = container_of(head, struct requeued, rcu);

	if (--r->left)
		call_rcu(&r->rcu, requeue);
	else
		complete(&r->done);
}

KTEST(rcu, callback_may_queue_itself, KT_UNIT)
{
	struct requeued r = {.left = 10};
	u64 before = rcu_periods_done();

	init_completion(&r.done);
	call_rcu(&r.rcu, requeue);
	wait_for_completion(&r.done);
	t_expect_eq(t, r.left, 0);
	t_expect_ge(t, rcu_periods_done() - before, 10);
	rcu_barrier();
}

struct barriered {
	struct rcu_head rcu;
	atomic_t *count;
};

static void count_callback(struct rcu_head *head)
{
	atomic_inc(container_of(head, struct barriered, rcu)->count);
}

/* rcu_barrier() on one CPU covers what other CPUs queued before. */
static void queue_and_barrier(struct ktest *t, unsigned i, void *arg)
{
	u64 rounds = *(u64 *)arg;
	atomic_t count = ATOMIC_INIT(0);
	struct barriered b[8];
	u64 r;
	unsigned k;

	for (r = 0; r < rounds; r++) {
		for (k = 0; k < ARRAY_SIZE(b); k++) {
			b[k].count = &count;
			if (thread_set_affinity(current, 1ull << ((i + k) % nr_vcpus)))
				t_fail(t, "affinity refused");
			call_rcu(&b[k].rcu, count_callback);
		}
		rcu_barrier();
		t_expect_eq(t, atomic_read(&count), (int)((r + 1) * ARRAY_SIZE(b)));
	}
}

KTEST(rcu, barrier_covers_all_cpus, KT_STRESS)
{
	u64 rounds = t_scale(t, 20);

	t_parallel(t, nr_vcpus, queue_and_barrier, &rounds);
	t_expect_eq(t, rcu_callbacks_live(), 0);
}

/* ---- readers against updaters -------------------------------------------------------------- */

#define LIVE 0x600dul
#define DEAD 0xdeadul

struct box {
	struct rcu_head rcu;
	unsigned long state;
	u32 used;
};

struct shop {
	struct box *shown;
	struct box box[64];
	u32 closed;
	atomic_t updaters;
	u64 updates;
};

static void box_retire(struct rcu_head *head)
{
	struct box *b = container_of(head, struct box, rcu);

	WRITE_ONCE(b->state, DEAD);
	smp_store_release(&b->used, 0);
}

static struct box *box_get(struct shop *s)
{
	unsigned i;

	for (i = 0;; i = (i + 1) % ARRAY_SIZE(s->box)) {
		if (!READ_ONCE(s->box[i].used) && !xchg(&s->box[i].used, 1))
			return &s->box[i];
		if (i == ARRAY_SIZE(s->box) - 1)
			rcu_barrier();
	}
}

static void shop_update(struct shop *s, struct rng *rng)
{
	struct box *fresh = box_get(s);
	struct box *old;

	WRITE_ONCE(fresh->state, LIVE);
	old = xchg(&s->shown, fresh);
	if (rng_chance(rng, 20)) {
		synchronize_rcu();
		box_retire(&old->rcu);
	} else {
		call_rcu(&old->rcu, box_retire);
	}
}

static void shop_read(struct ktest *t, struct shop *s, struct rng *rng)
{
	struct box *b;
	u64 looks = 1 + rng_below(rng, 50);

	rcu_read_lock();
	b = rcu_dereference(s->shown);
	while (looks--) {
		if (READ_ONCE(b->state) != LIVE)
			t_fail(t, "a reader saw a retired object");
		if (rng_chance(rng, 2))
			yield();
	}
	rcu_read_unlock();
}

static void visit_shop(struct ktest *t, unsigned i, void *arg)
{
	struct shop *s = arg;
	struct rng rng;
	u64 n, looked = 0;

	rng_init(&rng, t_seed(t) + i);
	if (i & 1) {
		for (n = 0; n < s->updates; n++)
			shop_update(s, &rng);
		if (atomic_dec_and_test(&s->updaters))
			WRITE_ONCE(s->closed, 1);
		return;
	}
	/* A vCPU that the host stalls comes when the shop is closed: it looks once all the same. */
	do {
		shop_read(t, s, &rng);
		looked++;
	} while (!READ_ONCE(s->closed));
	t_expect_gt(t, looked, 0);
}

KTEST(rcu, readers_never_see_retired_objects, KT_STRESS)
{
	static struct shop s;
	unsigned pairs = nr_vcpus + 1;

	s = (struct shop){.updates = t_scale(t, 200)};
	s.box[0].state = LIVE;
	s.box[0].used = 1;
	s.shown = &s.box[0];
	atomic_set(&s.updaters, (int)pairs);
	t_parallel(t, 2 * pairs, visit_shop, &s);
	rcu_barrier();
	t_expect_eq(t, s.shown->state, LIVE);
}
