/*
 * test_threads.c - the crowd of crowd.h on the host's threads.
 *
 * Run under ThreadSanitizer and AddressSanitizer.
 */
#include "tests/host/maple/crowd.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include "tests/host/htest.h"
#include "tests/host/maple/nodes.h"

#define READERS	    3
#define MAX_WRITERS 2

struct thread {
	struct person person; /* first: the crowd knows only this */
	pthread_t id;
	unsigned long writes;
	int *writers_left;
};

static pthread_mutex_t print = PTHREAD_MUTEX_INITIALIZER;

void crowd_env_wrong(struct crowd *c, const char *what, unsigned long index, const void *seen)
{
	pthread_mutex_lock(&print);
	printf("# %s: index %#lx (cell %u), saw %p\n", what, index, cell_of(index), seen);
	pthread_mutex_unlock(&print);
}

static void *write_all(void *arg)
{
	struct thread *t = arg;
	unsigned long i;

	for (i = 0; i < t->writes; i++) {
		crowd_write(&t->person, i);
		if (i % 16 == 0)
			rcu_poll();
	}
	rcu_thread_exit();
	__atomic_sub_fetch(t->writers_left, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void *read_on(void *arg)
{
	struct thread *t = arg;

	while (__atomic_load_n(t->writers_left, __ATOMIC_SEQ_CST))
		crowd_read(&t->person);
	rcu_thread_exit();
	return NULL;
}

static void run_crowd(enum world world, int writers, unsigned long writes, unsigned int flags)
{
	unsigned long max_stamp = 2 * writes + 4 * CELLS, reads = 0, passes = 0, nulls = 0;
	struct thread threads[READERS + MAX_WRITERS] = {0};
	struct stamp *stamps = calloc(max_stamp, sizeof(*stamps));
	struct crowd *c = calloc(1, sizeof(*c));
	int i, n = READERS + writers, writers_left = writers;

	crowd_init(c, world, flags, stamps, max_stamp);
	for (i = 0; i < n; i++) {
		threads[i].person = (struct person){.crowd = c, .rng = htest_seed() * 1000 + i};
		threads[i].writes = writes / writers;
		threads[i].writers_left = &writers_left;
		pthread_create(&threads[i].id, NULL, i < writers ? write_all : read_on,
			       &threads[i]);
	}
	for (i = 0; i < n; i++) {
		pthread_join(threads[i].id, NULL);
		reads += threads[i].person.reads;
		passes += threads[i].person.passes;
		nulls += threads[i].person.nulls;
	}
	mt_validate(&c->mt);
	printf("# %lu writes, %lu reads (%lu saw NULL), %lu passes, %lu faults, seed %lu\n", writes,
	       reads, nulls, passes, c->faults, htest_seed());
	h_expect_eq(c->faults, 0);
	h_expect(reads > 1000 && passes > 5 && nulls > 10);
	mtree_destroy(&c->mt);
	nodes_quiesce();
	h_expect_eq(nodes_live(), 0);
	free(stamps);
	free(c);
}

static unsigned long writes(void)
{
	const char *text = getenv("MAPLE_WRITES");

	return text ? strtoul(text, NULL, 0) : 20000;
}

HTEST(readers_beside_one_writer)
{
	run_crowd(WORLD_FREE, 1, writes(), MT_FLAGS_ALLOC_RANGE);
}

HTEST(readers_beside_two_writers)
{
	run_crowd(WORLD_FREE, 2, writes(), 0);
}

HTEST(readers_meet_every_piece_that_stays)
{
	run_crowd(WORLD_PILLARS, 2, writes(), MT_FLAGS_ALLOC_RANGE);
}

HTEST(readers_see_no_hole_where_equals_are_exchanged)
{
	run_crowd(WORLD_REPLACED, 2, writes(), MT_FLAGS_ALLOC_RANGE);
}
