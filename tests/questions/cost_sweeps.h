/*
 * cost_sweeps.h - what the cost of a fork, failed under each rule set or not, grows with.
 */
#ifndef TESTS_QUESTIONS_COST_SWEEPS_H
#define TESTS_QUESTIONS_COST_SWEEPS_H

#include "kernel/base/types.h"

struct semantics;

/* Is it one of the rule sets whose costs are measured: those that decide about a failed fork? */
bool costs_measured(const struct semantics *sem);

/* Measure and print the sweep called @name, or all; a shell status. */
int cost_sweeps(const char *name);

#endif
