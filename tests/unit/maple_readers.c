/*
 * maple_readers.c - readers without locks beside writers, on real CPUs.
 *
 * The crowd and its witness are the host's (tests/host/maple/crowd.h). Here RCU frees in the
 * background, nodes are poisoned by the slab, and each thread has a CPU of its own.
 */
#include "tests/host/maple/crowd.h"

#include "kernel/sched/rcu.h"
#include "tests/ktest.h"

#define CPUS	   4
#define WRITES	   1500 /* of one writer in one round */
#define MAX_STAMPS (2 * CPUS * WRITES + 4 * CELLS)

static struct crowd crowd;
static struct stamp stamps[MAX_STAMPS];
static struct person people[CPUS];
static struct ktest *running;
static int writers, writers_left;

void crowd_env_wrong(struct crowd *c, const char *what, unsigned long index, const void *seen)
{
	t_fail(running, "%s: index %#lx (cell %u), saw %p", what, index, cell_of(index), seen);
}

static void work(struct ktest *t, unsigned i, void *arg)
{
	struct person *p = &people[i];

	if ((int)i < writers) {
		for (unsigned long nr = 0; nr < WRITES; nr++)
			crowd_write(p, nr);
		__atomic_sub_fetch(&writers_left, 1, __ATOMIC_SEQ_CST);
		return;
	}
	while (__atomic_load_n(&writers_left, __ATOMIC_SEQ_CST))
		crowd_read(p);
}

static void run_round(struct ktest *t, enum world world, int nr_writers, u64 round)
{
	writers = writers_left = nr_writers;
	crowd_init(&crowd, world, MT_FLAGS_ALLOC_RANGE, stamps, MAX_STAMPS);
	for (unsigned i = 0; i < CPUS; i++)
		people[i] = (struct person){.crowd = &crowd, .rng = t_seed(t) + round * CPUS + i};
	t_parallel(t, CPUS, work, NULL);
	t_expect_eq(t, crowd.faults, 0);
	mt_validate(&crowd.mt);
	mtree_destroy(&crowd.mt);
}

static void run_world(struct ktest *t, enum world world, int nr_writers)
{
	u64 rounds = t_scale(t, 2), reads = 0, passes = 0;

	t_need_cpus(t, CPUS);
	running = t;
	for (u64 round = 0; round < rounds; round++) {
		run_round(t, world, nr_writers, round);
		for (unsigned i = 0; i < CPUS; i++) {
			reads += people[i].reads;
			passes += people[i].passes;
		}
	}
	t_note(t, "%lu writes, %lu reads, %lu passes", rounds * nr_writers * WRITES, reads, passes);
	t_expect_gt(t, reads, 0);
	t_expect_gt(t, passes, 0);
	rcu_barrier();
}

KTEST(maple, readers_beside_two_writers, KT_STRESS)
{
	run_world(t, WORLD_FREE, 2);
}

KTEST(maple, readers_meet_every_piece_that_stays, KT_STRESS)
{
	run_world(t, WORLD_PILLARS, 1);
}

KTEST(maple, readers_see_no_hole_where_equals_are_exchanged, KT_STRESS)
{
	run_world(t, WORLD_REPLACED, 2);
}
