/*
 * fork_model.c - random address spaces that fork, against the model of tests/mm_model.h: private
 * and shared memory of files, folios, pinned pages, swap and reclaim, failed forks, siblings.
 *
 * Not here: the same in lockstep (tests/lab/walk_model_fork.c).
 */
#include <errno.h>

#include "kernel/core/fault.h"
#include "kernel/sched/thread.h"
#include "mm/fault.h"
#include "mm/reclaim.h"
#include "tests/ktest.h"
#include "tests/mm_model.h"
#include "tests/mm_swap.h"

#define SWAP_PAGES 2048
#define THREADS	   4u

static struct mm_model models[THREADS];

struct run {
	u64 nr_ops;
	atomic_t nr_forks, nr_failed;
};

static void expect_right(struct ktest *t, const struct mm_model *m)
{
	t_count_check(t);
	if (m->wrong)
		t_fail(t, "%s:%d: %s: %lu, %lu", m->wrong_file, m->wrong_line, m->wrong,
		       (unsigned long)m->wrong_left, (unsigned long)m->wrong_right);
}

/* One fork, of four one that may fail; the child is compared at once. */
static void fork_one(struct ktest *t, struct mm_model *m, struct run *run)
{
	bool fail = rng_below(&m->rng, 4) == 0;
	unsigned parent = m->now, child;
	int err;

	if (fail)
		fault_nth_arm(rng_below(&m->rng, 80));
	err = mm_model_fork(m, &child);
	fail &= fault_nth_fired();
	fault_nth_disarm();
	if (err) {
		t_expect(t, fail);
		t_expect(t, err == -ENOMEM || err == -EINTR);
		atomic_inc(&run->nr_failed);
		return;
	}
	atomic_inc(&run->nr_forks);
	mm_model_switch_to(m, child);
	mm_model_compare(m);
	mm_model_switch_to(m, parent);
}

static void step(struct ktest *t, struct mm_model *m, struct run *run)
{
	switch (rng_below(&m->rng, 48)) {
	case 0: fork_one(t, m, run); break;
	case 1: mm_model_switch(m); break;
	case 2: case 3: case 4: mm_model_pin(m); break;
	default: mm_model_step(m);
	}
}

static void compare_all(struct mm_model *m)
{
	for (unsigned i = 0; i < m->nr_mms; i++) {
		mm_model_switch_to(m, i);
		mm_model_compare(m);
	}
}

static void run_alone(struct ktest *t, unsigned i, void *arg)
{
	struct mm_model *m = &models[i];
	struct run *run = arg;

	t_assert(t, mm_model_begin(m, t_seed(t) + i, MODEL_MMS) == 0);
	for (u64 n = 0; n < run->nr_ops && !m->wrong; n++)
		step(t, m, run);
	compare_all(m);
	expect_right(t, m);
	mm_model_end(m);
}

static struct block_device *begin(struct ktest *t)
{
	struct block_device *bdev = t_swapon(t, SWAP_PAGES);

	t_assert(t, bdev);
	fault_hold();
	return bdev;
}

static void end(struct ktest *t, struct block_device *bdev, struct run *run)
{
	fault_release();
	t_expect_swap_sane(t);
	t_swapoff(t, bdev);
	t_expect_gt(t, atomic_read(&run->nr_forks), 0);
	t_note(t, "%d forks, %d failed ones", atomic_read(&run->nr_forks),
	       atomic_read(&run->nr_failed));
}

KTEST(fork_model, random_spaces_and_their_children, KT_MODEL)
{
	struct run run = {.nr_ops = t_scale(t, 4000)};
	struct block_device *bdev = begin(t);

	run_alone(t, 0, &run);
	end(t, bdev, &run);
}

KTEST(fork_model, with_folios, KT_MODEL)
{
	struct run run = {.nr_ops = t_scale(t, 2000)};
	struct block_device *bdev = begin(t);
	unsigned before = anon_order;

	anon_order = 2;
	run_alone(t, 0, &run);
	anon_order = before;
	end(t, bdev, &run);
}

/* Each has spaces of its own; they reclaim one another's pages. */
KTEST(fork_model, four_threads, KT_MODEL)
{
	struct run run = {.nr_ops = t_scale(t, 1000)};
	struct block_device *bdev = begin(t);

	t_parallel(t, THREADS, run_alone, &run);
	end(t, bdev, &run);
}

/* ---- with siblings ---- */

#define ROUNDS	8u
#define FORKS	4u  /* a round */
#define TOUCHES 60u /* of each sibling, a round */

struct round {
	struct mm_model *m;
	struct run *run;
	unsigned space; /* the one that is copied */
	u64 seed;
};

static void fork_some(struct ktest *t, struct round *r)
{
	mm_model_use(r->m);
	for (unsigned i = 0; i < FORKS; i++) {
		fork_one(t, r->m, r->run);
		yield();
	}
	mm_model_unuse(r->m);
}

static void touch_some(struct ktest *t, const struct round *r, unsigned i)
{
	struct rng rng;

	rng_init(&rng, r->seed + i);
	mm_use(r->m->mm[r->space]);
	for (unsigned n = 0; n < TOUCHES; n++) {
		t_expect(t, mm_model_touch(r->m, r->space, &rng));
		if (n % 8 == 0)
			yield();
	}
	mm_unuse(r->m->mm[r->space]);
}

static void reclaim_some(void)
{
	for (unsigned n = 0; n < TOUCHES / 2; n++) {
		(void)reclaim_frames(4);
		yield();
	}
}

static void work(struct ktest *t, unsigned i, void *arg)
{
	if (i == 0)
		fork_some(t, arg);
	else if (i < THREADS - 1)
		touch_some(t, arg, i);
	else
		reclaim_some();
}

/*
 * Rounds: the space changes at random, then it is copied while two of its threads use it and
 * another one reclaims. Children live on for a while as spaces of the model.
 */
KTEST(fork_model, siblings_fault_and_pages_go_out, KT_STRESS)
{
	struct mm_model *m = &models[0];
	struct run run = {0};
	struct round round = {.m = m, .run = &run};
	struct block_device *bdev = begin(t);

	t_assert(t, mm_model_begin(m, t_seed(t), MODEL_MMS) == 0);
	for (u64 n = 0; n < t_scale(t, ROUNDS) && !m->wrong; n++) {
		for (unsigned i = 0; i < 100; i++)
			step(t, m, &run);
		round.space = m->now;
		round.seed = t_seed(t) + n * THREADS;
		mm_model_unuse(m);
		t_parallel(t, THREADS, work, &round);
		mm_model_use(m);
		compare_all(m);
		expect_right(t, m);
	}
	mm_model_end(m);
	end(t, bdev, &run);
}
