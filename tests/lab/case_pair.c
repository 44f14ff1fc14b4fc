/*
 * case_pair.c - two locks and a transfer between two accounts: order of locks, and a flag that says
 * "ready".
 */
#include "kernel/core/once.h"
#include "kernel/core/spinlock.h"
#include "tests/lab/case.h"

enum { MUT_ABBA };
enum { REACH_BOTH };

static struct account {
	spinlock_t lock;
	u64 balance;
} accounts[2] __lab_world;

/* Lower index first; the mutant takes the source first. */
static void transfer(unsigned from, unsigned to)
{
	unsigned first = case_mutant(MUT_ABBA) ? from : min(from, to);
	struct account *a = &accounts[first], *b = &accounts[1 - first];

	if (spin_is_locked(&a->lock))
		lab_reach(REACH_BOTH);
	spin_lock(&a->lock);
	spin_lock_nested(&b->lock);
	WRITE_ONCE(accounts[from].balance, READ_ONCE(accounts[from].balance) - 1);
	WRITE_ONCE(accounts[to].balance, READ_ONCE(accounts[to].balance) + 1);
	spin_unlock(&b->lock);
	spin_unlock(&a->lock);
}

static void actor(void *index)
{
	unsigned me = (unsigned)(unsigned long)index & 1;

	transfer(me, 1 - me);
}

static int setup(unsigned actors)
{
	for (unsigned i = 0; i < 2; i++) {
		spin_lock_init(&accounts[i].lock, LC_TEST_SPIN_A);
		accounts[i].balance = 100;
	}
	lab_name(&accounts[0].lock, sizeof(spinlock_t), "A.lock");
	lab_name(&accounts[1].lock, sizeof(spinlock_t), "B.lock");
	lab_name(&accounts[0].balance, 8, "A.balance");
	lab_name(&accounts[1].balance, 8, "B.balance");
	return case_actors("clerk", actors, actor);
}

static void check(unsigned actors)
{
	(void)actors;
	lab_assert(accounts[0].balance + accounts[1].balance == 200);
}

static const char *const reach[] = {"contended", NULL};
static const struct lab_mutant mutants[] = {
	[MUT_ABBA] = {"abba", "each takes its own account's lock first", LV_DEADLOCK},
	{NULL, NULL, LV_SAFE},
};
static const struct lab_case the_case = {
	.name = "pair",
	.what = "two locks in one order",
	.actors = 2,
	.actors_min = 2,
	.actors_max = 8,
	.reach = reach,
	.mutants = mutants,
	.setup = setup,
	.check = check,
};
LAB_CASE(the_case);
