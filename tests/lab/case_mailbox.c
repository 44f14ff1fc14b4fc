/*
 * case_mailbox.c - one sender, one receiver, a wait queue: where wake-ups are lost.
 */
#include "kernel/core/once.h"
#include "kernel/sched/thread.h"
#include "kernel/sched/wait.h"
#include "tests/lab/case.h"

#define LETTERS 2

enum { MUT_LOST_WAKEUP, MUT_NO_WAKEUP, MUT_FLAG_FIRST };
enum { REACH_SLEPT };

static struct wait_queue_head queue __lab_world;
static u64 letter __lab_world, full __lab_world;
static struct thread *sleeper __lab_world;

/*
 * The mistake: look, then say that one sleeps, then sleep; the wake in between finds nobody
 * waiting.
 */
static void wait_carelessly(void)
{
	while (smp_load_acquire(&full) == 0) {
		WRITE_ONCE(sleeper, current);
		set_current_state(TS_BLOCKED);
		thread_block();
		WRITE_ONCE(sleeper, NULL);
	}
}

static void wake_receiver(void)
{
	struct thread *t;

	if (!case_mutant(MUT_LOST_WAKEUP)) {
		wake_up(&queue);
		return;
	}
	t = READ_ONCE(sleeper);
	if (t)
		thread_wake(t);
}

static void send(u64 what)
{
	while (smp_load_acquire(&full) != 0)
		spin_wait_turn(&full);
	if (case_mutant(MUT_FLAG_FIRST)) {
		smp_store_release(&full, 1);
		WRITE_ONCE(letter, what);
	} else {
		WRITE_ONCE(letter, what);
		smp_store_release(&full, 1);
	}
	if (!case_mutant(MUT_NO_WAKEUP))
		wake_receiver();
}

static u64 receive(void)
{
	u64 got;

	if (smp_load_acquire(&full) == 0)
		lab_reach(REACH_SLEPT);
	if (case_mutant(MUT_LOST_WAKEUP))
		wait_carelessly();
	else
		wait_event(&queue, smp_load_acquire(&full) != 0);
	got = READ_ONCE(letter);
	smp_store_release(&full, 0);
	return got;
}

static void actor(void *index)
{
	for (u64 i = 1; i <= LETTERS; i++) {
		if (index == NULL)
			send(i);
		else
			lab_assert(receive() == i);
	}
}

static int setup(unsigned actors)
{
	init_waitqueue_head(&queue);
	letter = full = 0;
	sleeper = NULL;
	lab_name(&queue, sizeof(queue), "queue");
	lab_name(&letter, 8, "letter");
	lab_name(&full, 8, "full");
	lab_name(&sleeper, 8, "sleeper");
	return case_actors("post", actors, actor);
}

static void check(unsigned actors)
{
	(void)actors;
	lab_assert(full == 0);
}

static const char *const reach[] = {"found-empty", NULL};
static const struct lab_mutant mutants[] = {
	[MUT_LOST_WAKEUP] = {"lost-wakeup", "the receiver looks before it says that it sleeps",
			     LV_DEADLOCK},
	[MUT_NO_WAKEUP] = {"no-wakeup", "the sender forgets to wake", LV_DEADLOCK},
	[MUT_FLAG_FIRST] = {"flag-first", "the flag is set before the letter is written",
			    LV_CORRUPT},
	{NULL, NULL, LV_SAFE},
};
static const struct lab_case the_case = {
	.name = "mailbox",
	.what = "a wait queue between two threads",
	.actors = 2,
	.actors_min = 2,
	.actors_max = 2,
	.reach = reach,
	.mutants = mutants,
	.setup = setup,
	.check = check,
};
LAB_CASE(the_case);
