/*
 * case_scaling.c - the same work under ways of sharing, for virtual time: one spinlock, a counter
 * per vCPU, a semaphore held for reading, or now and then for writing. What scales shows in when
 * the last actor is done.
 */
#include "kernel/core/once.h"
#include "kernel/core/spinlock.h"
#include "kernel/sched/rwsem.h"
#include "kernel/x86/percpu.h"
#include "tests/lab/case.h"

#define ROUNDS 16
#define INSIDE 200 /* turns of work while holding */

enum { REACH_ALL };

static spinlock_t lock __lab_world;
static struct rw_semaphore sem __lab_world;
static u64 total __lab_world;
static DEFINE_PER_CPU(u64, own_total);

static void work(void)
{
	for (unsigned i = 0; i < INSIDE; i++)
		barrier();
}

static void under_lock(void)
{
	spin_lock(&lock);
	total++;
	work();
	spin_unlock(&lock);
}

static void per_vcpu(void)
{
	preempt_disable();
	this_cpu_inc(own_total);
	work();
	preempt_enable();
}

static void as_reader(void)
{
	down_read(&sem);
	work();
	up_read(&sem);
}

static void as_writer(void)
{
	down_write(&sem);
	total++;
	work();
	up_write(&sem);
}

static void lock_actor(void *index)
{
	(void)index;
	for (unsigned i = 0; i < ROUNDS; i++)
		under_lock();
	lab_reach(REACH_ALL);
}

static void percpu_actor(void *index)
{
	(void)index;
	for (unsigned i = 0; i < ROUNDS; i++)
		per_vcpu();
	lab_reach(REACH_ALL);
}

static void reader_actor(void *index)
{
	(void)index;
	for (unsigned i = 0; i < ROUNDS; i++)
		as_reader();
	lab_reach(REACH_ALL);
}

/* Writers are spread over the rounds. */
static void mostly_actor(void *index)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		if (i == (unsigned long)index % ROUNDS)
			as_writer();
		else
			as_reader();
	}
	lab_reach(REACH_ALL);
}

static void name_objects(void)
{
	spin_lock_init(&lock, LC_TEST_SPIN_A);
	init_rwsem(&sem, LC_TEST_SLEEP_A);
	total = 0;
	lab_name(&lock, sizeof(lock), "lock");
	lab_name(&sem, sizeof(sem), "sem");
}

static int setup_lock(unsigned actors)
{
	name_objects();
	return case_actors("w", actors, lock_actor);
}

static int setup_percpu(unsigned actors)
{
	name_objects();
	return case_actors("w", actors, percpu_actor);
}

static int setup_reader(unsigned actors)
{
	name_objects();
	return case_actors("w", actors, reader_actor);
}

static int setup_mostly(unsigned actors)
{
	name_objects();
	return case_actors("w", actors, mostly_actor);
}

static void check_lock(unsigned actors)
{
	lab_assert(total == actors * ROUNDS);
}

static void check_percpu(unsigned actors)
{
	u64 sum = 0;
	unsigned i;

	for_each_vcpu(i)
		sum += *per_cpu_ptr(own_total, i);
	lab_assert(sum == actors * ROUNDS);
}

static void check_reader(unsigned actors)
{
	(void)actors;
	lab_assert(down_write_trylock(&sem));
	up_write(&sem);
}

static void check_mostly(unsigned actors)
{
	lab_assert(total == actors);
	check_reader(actors);
}

static const char *const reach[] = {"done", NULL};

#define SCALING_CASE(var, name_, what_, setup_, check_) \
	static const struct lab_case var = {            \
		.name = name_,                          \
		.what = what_,                          \
		.actors = 2,                            \
		.actors_min = 1,                        \
		.actors_max = 64,                       \
		.reach = reach,                         \
		.setup = setup_,                        \
		.check = check_,                        \
	};                                              \
	LAB_CASE(var)

SCALING_CASE(scale_lock, "scale-lock", "work under one spinlock", setup_lock, check_lock);
SCALING_CASE(scale_percpu, "scale-percpu", "work on a counter per vCPU", setup_percpu,
	     check_percpu);
SCALING_CASE(scale_reader, "scale-reader", "work under a semaphore held for reading", setup_reader,
	     check_reader);
SCALING_CASE(scale_mostly, "scale-mostly", "work under a semaphore, one round in 16 writes",
	     setup_mostly, check_mostly);
