/*
 * percpu_rwsem.c - the per-CPU reader-writer semaphore: who is in together, and who waits.
 *
 * What its orderings are for is shown by the lab (case percpu and its mutants).
 */
#include "kernel/sched/percpu_rwsem.h"

#include "kernel/sched/kthread.h"
#include "tests/ktest.h"

struct party {
	struct percpu_rw_semaphore *sem;
	bool write;
	u32 inside, leave;
	struct thread *thread;
};

static void party_main(void *arg) NO_LOCK_ANALYSIS
{
	struct party *p = arg;

	if (p->write)
		percpu_down_write(p->sem);
	else
		percpu_down_read(p->sem);
	WRITE_ONCE(p->inside, 1);
	while (!READ_ONCE(p->leave))
		yield();
	if (p->write)
		percpu_up_write(p->sem);
	else
		percpu_up_read(p->sem);
}

static void party_start(struct ktest *t, struct party *p, struct percpu_rw_semaphore *sem,
			bool write)
{
	*p = (struct party){.sem = sem, .write = write};
	p->thread = kthread_create("party", party_main, p);
	t_assert(t, p->thread != NULL);
	thread_start(p->thread);
}

static void until_inside(struct party *p)
{
	while (!READ_ONCE(p->inside))
		yield();
}

static void until_blocked(struct party *p)
{
	t_until_blocked(p->thread, TS_BLOCKED);
}

static void party_leave(struct party *p)
{
	WRITE_ONCE(p->leave, 1);
	thread_join(p->thread);
}

static struct percpu_rw_semaphore sem;

/* The writer waits for readers that came before it, also for those that leave elsewhere. */
KTEST(percpu_rwsem, a_writer_waits_for_readers, KT_UNIT)
{
	struct party r1, r2, w;

	percpu_init_rwsem(&sem, LC_TEST_SLEEP_A);
	party_start(t, &r1, &sem, false);
	party_start(t, &r2, &sem, false);
	until_inside(&r1);
	until_inside(&r2);
	if (nr_vcpus > 1)
		t_expect_eq(t, thread_set_affinity(r1.thread, 1ull << (nr_vcpus - 1)), 0);
	party_start(t, &w, &sem, true);
	while (!READ_ONCE(sem.writer))
		yield();
	party_leave(&r1);
	t_expect_eq(t, READ_ONCE(w.inside), 0);
	party_leave(&r2);
	until_inside(&w);
	party_leave(&w);
	t_expect_eq(t, sem.writer, 0);
}

KTEST(percpu_rwsem, readers_wait_for_a_writer, KT_UNIT)
{
	struct party w, r1, r2;

	percpu_init_rwsem(&sem, LC_TEST_SLEEP_A);
	party_start(t, &w, &sem, true);
	until_inside(&w);
	party_start(t, &r1, &sem, false);
	party_start(t, &r2, &sem, false);
	until_blocked(&r1);
	until_blocked(&r2);
	t_expect_eq(t, READ_ONCE(r1.inside) + READ_ONCE(r2.inside), 0);
	party_leave(&w);
	until_inside(&r1);
	until_inside(&r2);
	party_leave(&r1);
	party_leave(&r2);
}

static long sum_of_readers(void)
{
	long sum = 0;

	for (unsigned i = 0; i < MAX_VCPUS; i++)
		sum += sem.readers[i].nr;
	return sum;
}

static u64 left, right;

static void read_or_write(struct ktest *t, unsigned i, void *arg) NO_LOCK_ANALYSIS
{
	u64 nr = *(u64 *)arg;
	struct rng rng;

	rng_init(&rng, t_seed(t) + i);
	while (nr--) {
		if (rng_chance(&rng, 3)) {
			percpu_down_write(&sem);
			WRITE_ONCE(left, left + 1);
			yield();
			WRITE_ONCE(right, right + 1);
			percpu_up_write(&sem);
			continue;
		}
		percpu_down_read(&sem);
		if (READ_ONCE(left) != READ_ONCE(right))
			t_fail(t, "a reader beside a writer");
		if (rng_chance(&rng, 10))
			yield();
		percpu_up_read(&sem);
	}
}

KTEST(percpu_rwsem, excludes, KT_STRESS)
{
	u64 nr = t_scale(t, 400);

	percpu_init_rwsem(&sem, LC_TEST_SLEEP_A);
	left = right = 0;
	t_parallel(t, 4, read_or_write, &nr);
	t_expect_eq(t, sum_of_readers(), 0);
	t_expect_eq(t, left, right);
	t_expect(t, left > 0);
}
