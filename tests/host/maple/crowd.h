/*
 * crowd.h - readers without locks beside writers: what each of them does.
 *
 * Owns: the three worlds (free for all, pillars, replaced pillars), the calls of writers and
 *       readers, what counts as wrong. Not here: threads, which are the host's (test_threads.c) or
 *       the kernel's (tests/stress/maple_readers.c); which values are right (witness.h).
 * Idea: in the worlds with pillars every eighth cell is a piece that exists throughout, left alone
 *       or replaced by an equal one: every pass over the tree must meet all of them, in order.
 * The reader side never takes the tree's lock.
 */
#ifndef TESTS_HOST_MAPLE_CROWD_H
#define TESTS_HOST_MAPLE_CROWD_H

#include "tests/host/maple/witness.h"

#define PILLAR 8 /* every PILLAR-th cell */

enum world { WORLD_FREE, WORLD_PILLARS, WORLD_REPLACED };

struct crowd {
	struct maple_tree mt;
	struct witness w;
	enum world world;
	unsigned long faults;
};

struct person {
	struct crowd *crowd;
	uint64_t rng;
	unsigned long reads, passes, nulls;
};

/* @stamps: room for the record of @max_stamp / 2 writes, CELLS of them before anybody starts. */
void crowd_init(struct crowd *c, enum world world, unsigned int flags, struct stamp *stamps,
		unsigned long max_stamp);

/* One write by any of several writers; the @nr-th of a writer. */
void crowd_write(struct person *p, unsigned long nr);

/* Some looks at single keys, one at a neighbour, one pass up or down. */
void crowd_read(struct person *p);

/* Surroundings: something was wrong at @index. Any thread, also inside a read section. */
void crowd_env_wrong(struct crowd *c, const char *what, unsigned long index, const void *seen);

#endif
