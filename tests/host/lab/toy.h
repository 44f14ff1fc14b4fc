/*
 * toy.h - a world of little machines for the strategies: each actor is a list of steps, a step
 * touches one object. What the lockstep engine does with real threads, without any memory.
 */
#ifndef TESTS_HOST_LAB_TOY_H
#define TESTS_HOST_LAB_TOY_H

#include "tests/lab/conflict.h"
#include "tests/lab/schedule.h"
#include "tests/lab/strategy.h"

#define TOY_ACTORS 4
#define TOY_STEPS  8

struct toy {
	unsigned nr_actors;
	bool stretches; /* let steps pass unasked where the strategy knows its answer */
	unsigned nr_steps[TOY_ACTORS];
	u64 obj[TOY_ACTORS][TOY_STEPS]; /* object of each step; always written */
	struct conflict_set set;
	struct lab_schedule sched;
	char trace[TOY_ACTORS * TOY_STEPS + 1]; /* the interleaving: one letter per step */
};

/* Run one schedule under @s; the trace and the schedule are left in @t. */
void toy_run(struct toy *t, struct lab_strategy *s, u64 run);

/* Give @t and @s their memory. */
void toy_init(struct toy *t, struct lab_strategy *s, const char *word, u64 seed);

#endif
