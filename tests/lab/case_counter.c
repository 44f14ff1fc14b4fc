/*
 * case_counter.c - a counter under a spinlock: the smallest program that can lose an update.
 */
#include "kernel/base/compiler.h"
#include "kernel/core/once.h"
#include "kernel/core/spinlock.h"
#include "tests/lab/case.h"

#define ROUNDS 2

enum { MUT_UNLOCKED, MUT_DOUBLE_UNLOCK, MUT_FORGOTTEN_UNLOCK, MUT_PLAIN };
enum { REACH_CONTENDED };

static spinlock_t lock __lab_world;
static u64 counter __lab_world;

/* Its faults are on purpose: no analysis here and in actor(). */
static void add_one(bool locked, bool unlocked) NO_LOCK_ANALYSIS
{
	if (locked) {
		if (spin_is_locked(&lock))
			lab_reach(REACH_CONTENDED);
		spin_lock(&lock);
	}
	WRITE_ONCE(counter, READ_ONCE(counter) + 1);
	if (locked && unlocked)
		spin_unlock(&lock);
}

static void actor(void *index) NO_LOCK_ANALYSIS
{
	bool second = index != NULL;

	if (second && case_mutant(MUT_PLAIN))
		*(u64 *)&counter += 1; /* no point, no lock: only the race build can know */
	for (unsigned i = 0; i < ROUNDS; i++)
		add_one(!(second && case_mutant(MUT_UNLOCKED)),
			!(second && i == ROUNDS - 1 && case_mutant(MUT_FORGOTTEN_UNLOCK)));
	if (second && case_mutant(MUT_DOUBLE_UNLOCK)) {
		preempt_disable();
		spin_unlock(&lock);
	}
}

static int setup(unsigned actors)
{
	spin_lock_init(&lock, LC_TEST_SPIN_A);
	counter = 0;
	lab_name(&lock, sizeof(lock), "lock");
	lab_name(&counter, sizeof(counter), "counter");
	return case_actors("adder", actors, actor);
}

static void check(unsigned actors)
{
	lab_assert(counter >= actors * ROUNDS);
	lab_assert(counter == actors * ROUNDS || case_mutant(MUT_PLAIN));
}

static const char *const reach[] = {"contended", NULL};
static const struct lab_mutant mutants[] = {
	[MUT_UNLOCKED] = {"unlocked", "one actor does not take the lock", LV_CORRUPT},
	[MUT_DOUBLE_UNLOCK] = {"double-unlock", "one actor unlocks twice", LV_CORRUPT},
	[MUT_FORGOTTEN_UNLOCK] = {"no-unlock", "one actor ends with the lock held", LV_CORRUPT},
#ifdef MMLIFE_RACE
	[MUT_PLAIN] = {"plain", "one actor touches the counter without a word", LV_RACE},
#endif
	{NULL, NULL, LV_SAFE},
};
static const struct lab_case the_case = {
	.name = "counter",
	.what = "a counter under a spinlock",
	.actors = 2,
	.actors_min = 2,
	.actors_max = 32,
	.reach = reach,
	.mutants = mutants,
	.setup = setup,
	.check = check,
};
LAB_CASE(the_case);
