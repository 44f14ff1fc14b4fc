/*
 * case_handshake.c - one thread waits for a word of another: waits that end, and loops that do not.
 */
#include "kernel/core/once.h"
#include "tests/lab/case.h"

enum { MUT_NO_POINT, MUT_NEVER };
enum { REACH_WAITED };

static u64 word __lab_world;

/* The mistakes: a loop that no schedule point interrupts, and one that polls what never comes. */
static void wait_wrongly(void)
{
	if (case_mutant(MUT_NO_POINT))
		while (READ_ONCE_NOPOINT(word) == 0)
			barrier();
	else
		while (READ_ONCE(word) == 0)
			barrier();
}

static void waiter(void)
{
	if (READ_ONCE(word) == 0)
		lab_reach(REACH_WAITED);
	if (case_mutant(MUT_NO_POINT) || case_mutant(MUT_NEVER))
		wait_wrongly();
	else
		spin_wait_until(&word, smp_load_acquire(&word) != 0);
}

static void actor(void *index)
{
	if (index == NULL)
		waiter();
	else if (!case_mutant(MUT_NEVER))
		smp_store_release(&word, 1);
}

static int setup(unsigned actors)
{
	word = 0;
	lab_name(&word, sizeof(word), "word");
	return case_actors("hand", actors, actor);
}

static void check(unsigned actors)
{
	(void)actors;
	lab_assert(word == 1);
}

static const char *const reach[] = {"waited", NULL};
static const struct lab_mutant mutants[] = {
	[MUT_NO_POINT] = {"no-point", "the wait is a loop without a point", LV_STALL},
	[MUT_NEVER] = {"never", "the word is polled and never written", LV_STALL},
	{NULL, NULL, LV_SAFE},
};
static const struct lab_case the_case = {
	.name = "handshake",
	.what = "one thread waits for a word of another",
	.actors = 2,
	.actors_min = 2,
	.actors_max = 2,
	.reach = reach,
	.mutants = mutants,
	.setup = setup,
	.check = check,
};
LAB_CASE(the_case);
