/*
 * sched_thread.c - threads: start and end, sleep, preemption, affinity, stopping.
 */
#include "kernel/core/atomic.h"
#include "kernel/core/clock.h"
#include "kernel/core/sched_ops.h"
#include "kernel/sched/kthread.h"
#include "kernel/sched/parallel.h"
#include "kernel/sched/thread.h"
#include "kernel/sched/timer.h"
#include "kernel/sched/wait.h"
#include "tests/ktest.h"

static void add_one(void *arg)
{
	atomic_inc(arg);
}

/* Every thread runs its function once, and its memory comes back. */
KTEST(sched, join_after_end_and_before, KT_UNIT)
{
	atomic_t ran = ATOMIC_INIT(0);
	struct thread *early, *late;

	early = kthread_run("early", add_one, &ran);
	t_assert(t, early != NULL);
	while (atomic_read(&ran) == 0)
		yield();
	thread_join(early);

	late = kthread_run("late", add_one, &ran);
	t_assert(t, late != NULL);
	thread_join(late);
	t_expect_eq(t, atomic_read(&ran), 2);
}

KTEST(sched, detached_threads_go_by_themselves, KT_UNIT)
{
	atomic_t ran = ATOMIC_INIT(0);
	long before = threads_live();
	int i;

	for (i = 0; i < 8; i++) {
		struct thread *d = kthread_run("detached", add_one, &ran);

		t_assert(t, d != NULL);
		if (i & 1)
			while (atomic_read(&ran) <= i)
				yield();
		thread_detach(d);
	}
	while (atomic_read(&ran) < 8 || threads_live() > before)
		yield();
	t_expect_eq(t, threads_live(), before);
}

/* A thread made and never started gives everything back. */
KTEST(sched, never_started, KT_UNIT)
{
	atomic_t ran = ATOMIC_INIT(0);
	struct thread *n = kthread_create("never", add_one, &ran);

	t_assert(t, n != NULL);
	t_expect_str_eq(t, thread_state_name(n), "new");
	kthread_free(n);
	t_expect_eq(t, atomic_read(&ran), 0);
}

KTEST(sched, sleep_lasts_at_least_its_time, KT_UNIT)
{
	static const u64 ns[] = {0, 1, 1000, 200000, 3 * NSEC_PER_MSEC};
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(ns); i++) {
		u64 start = sched_ops->now();

		sleep_ns(ns[i]);
		t_expect_ge(t, sched_ops->now() - start, ns[i]);
	}
}

struct sleeper {
	struct ktest *t;
	int err;
};

static void sleep_killable(void *arg)
{
	struct sleeper *s = arg;

	s->err = sleep_ns_killable(3600 * NSEC_PER_SEC);
}

KTEST(sched, kill_ends_a_killable_sleep, KT_UNIT)
{
	struct sleeper before = {.t = t}, during = {.t = t};
	struct thread *a = kthread_create("killed-before", sleep_killable, &before);
	struct thread *b = kthread_run("killed-during", sleep_killable, &during);

	t_assert(t, a && b);
	thread_kill(a);
	thread_start(a);
	t_until_blocked(b, TS_KILLABLE);
	thread_kill(b);
	thread_join(a);
	thread_join(b);
	t_expect_eq(t, before.err, -EINTR);
	t_expect_eq(t, during.err, -EINTR);
}

static void sleep_deaf(void *arg)
{
	sleep_ns(2 * NSEC_PER_MSEC);
}

/* A wait that is not killable is not shortened by a kill. */
KTEST(sched, kill_spares_an_unkillable_sleep, KT_UNIT)
{
	u64 start = sched_ops->now();
	struct thread *d = kthread_run("deaf", sleep_deaf, NULL);

	t_assert(t, d != NULL);
	thread_kill(d);
	thread_join(d);
	t_expect_ge(t, sched_ops->now() - start, 2 * NSEC_PER_MSEC);
}

/* Spin without ever giving way, until told to stop by someone who needs this very CPU. */
static void spin_until_set(void *arg)
{
	spin_wait_until((u32 *)arg, READ_ONCE(*(u32 *)arg));
}

static void set_word(void *arg)
{
	WRITE_ONCE(*(u32 *)arg, 1);
}

KTEST(sched, spinning_thread_is_preempted, KT_UNIT)
{
	u32 stop = 0;
	struct thread *spinner = kthread_create("spinner", spin_until_set, &stop);
	struct thread *setter = kthread_create("setter", set_word, &stop);

	t_assert(t, spinner && setter);
	t_assert_eq(t, thread_set_affinity(spinner, 1), 0);
	t_assert_eq(t, thread_set_affinity(setter, 1), 0);
	thread_start(spinner);
	while (READ_ONCE(spinner->nr_switches) == 0)
		yield();
	thread_start(setter);
	thread_join(setter);
	thread_join(spinner);
	t_expect_eq(t, stop, 1);
}

/* Two spinners and a sleeper on one CPU: each of the three gets on. */
KTEST(sched, slices_are_shared, KT_UNIT)
{
	u32 stop = 0;
	struct thread *spin[2];
	int i;

	for (i = 0; i < 2; i++) {
		spin[i] = kthread_create("spinner", spin_until_set, &stop);
		t_assert(t, spin[i] != NULL);
		t_assert_eq(t, thread_set_affinity(spin[i], 1), 0);
		thread_start(spin[i]);
	}
	t_assert_eq(t, thread_set_affinity(current, 1), 0);
	for (i = 0; i < 5; i++)
		sleep_ns(100 * NSEC_PER_USEC);
	t_expect_ge(t, READ_ONCE(spin[0]->nr_switches), 2);
	t_expect_ge(t, READ_ONCE(spin[1]->nr_switches), 2);
	WRITE_ONCE(stop, 1);
	thread_join(spin[0]);
	thread_join(spin[1]);
}

KTEST(sched, affinity_moves_the_caller, KT_UNIT)
{
	unsigned cpu, round;

	for (round = 0; round < 20; round++) {
		for (cpu = 0; cpu < nr_vcpus; cpu++) {
			t_assert_eq(t, thread_set_affinity(current, 1ull << cpu), 0);
			t_expect_eq(t, smp_processor_id(), cpu);
			yield();
			t_expect_eq(t, smp_processor_id(), cpu);
		}
	}
	t_expect_eq(t, thread_set_affinity(current, 0), -EINVAL);
	if (nr_vcpus < 64)
		t_expect_eq(t, thread_set_affinity(current, 1ull << nr_vcpus), -EINVAL);
}

struct mover {
	u32 stop;
	u32 cpu; /* where it last saw itself */
};

static void note_cpu(void *arg)
{
	struct mover *m = arg;

	while (!READ_ONCE(m->stop)) {
		WRITE_ONCE(m->cpu, smp_processor_id());
		__asm__ volatile("pause");
	}
}

/* A thread that spins elsewhere follows a change of its affinity. */
KTEST(sched, affinity_moves_a_running_thread, KT_UNIT)
{
	struct mover m = {.cpu = ~0u};
	struct thread *n;
	unsigned i;

	t_need_cpus(t, 2);
	n = kthread_run("mover", note_cpu, &m);
	t_assert(t, n != NULL);
	for (i = 0; i < 3 * nr_vcpus; i++) {
		unsigned cpu = i % nr_vcpus;

		t_expect_eq(t, thread_set_affinity(n, 1ull << cpu), 0);
		while (READ_ONCE(m.cpu) != cpu)
			yield();
	}
	t_expect_eq(t, READ_ONCE(m.cpu), (i - 1) % nr_vcpus);
	WRITE_ONCE(m.stop, 1);
	thread_join(n);
}

static void wait_for_stop(void *arg)
{
	struct wait_queue_head *wq = arg;

	wait_event(wq, kthread_should_stop());
}

KTEST(sched, kthread_stop_ends_a_wait, KT_UNIT)
{
	struct wait_queue_head wq;
	struct thread *s;

	init_waitqueue_head(&wq);
	s = kthread_run("stopped", wait_for_stop, &wq);
	t_assert(t, s != NULL);
	kthread_stop(s);
	t_expect(t, !waitqueue_active(&wq));
}

static void end_at_once(void *arg)
{
}

/* Threads come and go on all CPUs; every one is joined, nothing is left. */
static void spawn_and_join(struct ktest *t, unsigned i, void *arg)
{
	u64 n = *(u64 *)arg;

	while (n--) {
		struct thread *a = kthread_run("a", end_at_once, NULL);
		struct thread *b = kthread_run("b", end_at_once, NULL);

		t_assert(t, a && b);
		thread_join(b);
		thread_join(a);
	}
}

KTEST(sched, many_short_lives, KT_STRESS)
{
	u64 n = t_scale(t, 300);
	long before = threads_live();

	t_parallel(t, 2 * nr_vcpus, spawn_and_join, &n);
	t_expect_eq(t, threads_live(), before);
}
