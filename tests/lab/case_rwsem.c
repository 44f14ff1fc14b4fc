/*
 * case_rwsem.c - two words that readers must find equal, under a read-write semaphore.
 */
#include "kernel/core/once.h"
#include "kernel/sched/rwsem.h"
#include "tests/lab/case.h"

enum { MUT_WRITE_UNDER_READ, MUT_READ_AGAIN };
enum { REACH_READ_AFTER_WRITE };

static struct rw_semaphore sem __lab_world;
static u64 left __lab_world, right __lab_world;

/* Faults on purpose: no analysis here and in reader(). */
static void writer(void) NO_LOCK_ANALYSIS
{
	if (case_mutant(MUT_WRITE_UNDER_READ))
		down_read(&sem);
	else
		down_write(&sem);
	WRITE_ONCE(left, READ_ONCE(left) + 1);
	WRITE_ONCE(right, READ_ONCE(right) + 1);
	if (case_mutant(MUT_WRITE_UNDER_READ)) {
		up_read(&sem);
	} else {
		downgrade_write(&sem);
		lab_assert(READ_ONCE(left) == READ_ONCE(right));
		up_read(&sem);
	}
}

static void reader(void) NO_LOCK_ANALYSIS
{
	u64 l, r;

	down_read(&sem);
	l = READ_ONCE(left);
	if (case_mutant(MUT_READ_AGAIN))
		down_read(&sem);
	r = READ_ONCE(right);
	if (l > 0)
		lab_reach(REACH_READ_AFTER_WRITE);
	if (case_mutant(MUT_READ_AGAIN))
		up_read(&sem);
	up_read(&sem);
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
	init_rwsem(&sem, LC_TEST_SLEEP_A);
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
	[MUT_READ_AGAIN] = {"read-again", "a reader takes it twice, a writer waits in between",
			    LV_CORRUPT},
	{NULL, NULL, LV_SAFE},
};
static const struct lab_case the_case = {
	.name = "rwsem",
	.what = "readers and a writer under a rw_semaphore",
	.actors = 3,
	.actors_min = 2,
	.actors_max = 8,
	.reach = reach,
	.mutants = mutants,
	.setup = setup,
	.check = check,
};
LAB_CASE(the_case);
