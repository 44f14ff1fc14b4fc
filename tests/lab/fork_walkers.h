/*
 * fork_walkers.h - the walkers of a scenario `fork`: which, what they need, what they met.
 *
 * Owns: the word walkers=, the walkers as actors, what counts as having met the child.
 * Not here: the parent and the failure (tests/fork_shape.h), what walkers do (mm/walkers).
 */
#ifndef TESTS_LAB_FORK_WALKERS_H
#define TESTS_LAB_FORK_WALKERS_H

#include "tests/fork_shape.h"

#define FORK_WALKERS_MAX 4u

/* The words about walkers, those of the usage of kind fork, for a parent of @shape. Host side. */
void fork_walkers_parse(struct kv *kv, const struct fork_shape *shape);
unsigned fork_walkers_nr(void);

/* One actor each on the vCPUs from @cpu on, and what they need beside @stage. 0 or -errno. */
int __must_check fork_walkers_setup(struct fork_stage *stage, unsigned cpu);
/* What they needed goes. 0 or -errno. Before fork_stage_end(). */
int __must_check fork_walkers_end(void);

/* Checks that were to be off are off, and who reaches the child is told, until _leave(). */
void fork_walkers_enter(void);
void fork_walkers_leave(void);

/* Told by the forker: its copy begins, with its failure or without; it has come back. */
void fork_walkers_copying(bool now);

/* Places to be reached: the failure if @fails, and the child by each walker. */
const char *const *fork_walkers_reach(bool fails);
#define FORK_REACH_FAULT 0u

#endif
