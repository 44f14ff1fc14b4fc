/*
 * case_percpu.c - two words that readers must find equal, under a percpu_rw_semaphore.
 */
#include "kernel/core/once.h"
#include "kernel/sched/percpu_rwsem.h"
#include "tests/lab/case.h"

enum { MUT_WRITE_UNDER_READ, MUT_NO_PERIOD };
enum { REACH_READ_AFTER_WRITE };

static struct percpu_rw_semaphore sem __lab_world;
static u64 left __lab_world, right __lab_world;

/* As percpu_down_write() without its grace period: a reader may have missed the word. */
static void down_write_at_once(void) NO_LOCK_ANALYSIS
{
	down_write(&sem.rw_sem);
	WRITE_ONCE(sem.writer, 1);
	for (unsigned i = 0; i < nr_vcpus; i++)
		wait_event(&sem.all_left, READ_ONCE(sem.readers[i].nr) == 0);
}

/* Faults on purpose: no analysis here and in reader(). */
static void writer(void) NO_LOCK_ANALYSIS
{
	if (case_mutant(MUT_WRITE_UNDER_READ))
		percpu_down_read(&sem);
	else if (case_mutant(MUT_NO_PERIOD))
		down_write_at_once();
	else
		percpu_down_write(&sem);
	WRITE_ONCE(left, READ_ONCE(left) + 1);
	WRITE_ONCE(right, READ_ONCE(right) + 1);
	if (case_mutant(MUT_WRITE_UNDER_READ))
		percpu_up_read(&sem);
	else
		percpu_up_write(&sem);
}

static void reader(void) NO_LOCK_ANALYSIS
{
	u64 l, r;

	percpu_down_read(&sem);
	l = READ_ONCE(left);
	r = READ_ONCE(right);
	percpu_up_read(&sem);
	if (l > 0)
		lab_reach(REACH_READ_AFTER_WRITE);
	lab_assert(l == r);
}

static void actor(void *index)
{
	if (index == NULL)
		writer();
	else
		reader();
}

static int setup(unsigned actors)
{
	percpu_init_rwsem(&sem, LC_TEST_SLEEP_A);
	left = right = 0;
	lab_name(&sem, sizeof(sem), "sem");
	lab_name(&left, 8, "left");
	lab_name(&right, 8, "right");
	return case_actors("rw", actors, actor);
}

static void check(unsigned actors)
{
	(void)actors;
	lab_assert(left == right);
}

static const char *const reach[] = {"read-after-write", NULL};
static const struct lab_mutant mutants[] = {
	[MUT_WRITE_UNDER_READ] = {"write-under-read", "the writer takes the lock for reading",
				  LV_CORRUPT},
	[MUT_NO_PERIOD] = {"no-period",
			   "the writer does not wait for a grace period, and no wake-up comes",
			   LV_DEADLOCK},
	{NULL, NULL, LV_SAFE},
};
static const struct lab_case the_case = {
	.name = "percpu",
	.what = "readers and a writer under a percpu_rw_semaphore",
	.actors = 2,
	.actors_min = 2,
	.actors_max = 8,
	.reach = reach,
	.mutants = mutants,
	.setup = setup,
	.check = check,
};
LAB_CASE(the_case);
