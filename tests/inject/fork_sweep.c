/*
 * fork_sweep.c - every site of a fork fails at every occurrence, under every rule set there is.
 *
 * Idea: for each (parent, semantics, site) occurrences are failed one after the other until a fork
 *       passes the site less often and succeeds. Each run must have failed where it was told to,
 *       and leave the parent what it was but for what a failed fork may change, swap counts exact,
 *       and one last mmdrop of one child at most.
 * A run of the tests does a part that turns with the seed: every fourth rule set, a few failures
 * of each site. scale=1000 does all.
 */
#include <errno.h>

#include "kernel/core/fault.h"
#include "mm/mm.h"
#include "mm/swap.h"
#include "tests/fork_run.h"
#include "tests/ktest.h"
#include "tests/mm_same.h"
#include "tests/mm_swap.h"

/* What a failed fork may leave changed in the parent. */
#define ALLOWED (1u << ALLOW_WRITE_BIT | 1u << ALLOW_EXCLUSIVE | 1u << ALLOW_LOCK_SEQ)

#define OCC_MAX 100000u

struct sweep {
	struct ktest *t;
	struct fork_shape shape;
	struct fork_stage stage;
	struct mm_picture *before;
	unsigned long nr_runs; /* failures that came */
	u64 skip;	       /* of so many runs one is done */
};

static bool is_fork_site(const struct fault_site *site)
{
	return (site->name[0] == 'F' || site->name[0] == 'R') && site->name[1] >= '0' &&
	       site->name[1] <= '9';
}

/* Of the child's generation, all that was charged came back, and nothing twice. */
static void expect_all_back(struct ktest *t, const struct fork_run *run)
{
	t_expect_eq(t, run->freed_frames, run->charged_frames);
	t_expect_eq(t, run->freed_tables, run->charged_tables);
}

/* One failure; false: it did not come, since the site is not passed so often. */
static bool fail_once(struct sweep *s)
{
	struct ktest *t = s->t;
	struct fork_run run;

	t_assert_eq(t, fork_run_once(&s->shape, &s->stage, &run), 0);
	expect_all_back(t, &run);
	if (!run.fired) {
		/* For a site of the recovery the copy failed all the same. */
		t_expect_eq(t, run.err, s->shape.site->name[0] == 'R' ? -ENOMEM : 0);
		t_expect_eq(t, run.nr_ends, 1);
		return false;
	}
	if (run.err != -ENOMEM && run.err != -EINTR)
		t_fail(t, "%s occ=%lu: the fork returned %d", s->shape.site->name, s->shape.occ,
		       run.err);
	t_expect_eq(t, run.nr_ends, run.child_id != 0);
	t_expect_eq(t, t_expect_same(t, s->before, s->stage.mm) & ~ALLOWED, 0);
	s->nr_runs++;
	return true;
}

/* Of a part only: steps of a width that is drawn. */
static void sweep_site(struct sweep *s, struct fault_site *site)
{
	s->shape.site = site;
	s->shape.occ = t_rand_below(s->t, s->skip);
	while (fail_once(s) && s->shape.occ < OCC_MAX)
		s->shape.occ += 1 + t_rand_below(s->t, 2 * s->skip - 1);
}

static void sweep_shape(struct sweep *s, const struct semantics *sem)
{
	struct fault_site *site;

	s->shape.sem = (struct sem_choice){0};
	s->shape.sem.chosen[sem->axis] = sem;
	t_assert_eq(s->t, fork_stage_build(&s->shape, &s->stage), 0);
	s->before = mm_picture_take(s->stage.mm);
	t_assert(s->t, s->before != NULL);
	for_each_registered(fault_site, site) {
		if (is_fork_site(site))
			sweep_site(s, site);
	}
	t_expect_swap_sane(s->t);
	mm_picture_free(s->before);
	t_expect_eq(s->t, fork_stage_end(&s->stage), 0);
}

/* Rule sets that say something of a fork or of what it leaves. */
static bool is_about_forks(const struct semantics *sem)
{
	return sem->axis == SEM_FORK || sem->axis == SEM_GATE || sem->axis == SEM_WALKREF;
}

static void sweep_all(struct ktest *t, const struct fork_shape *shape)
{
	struct sweep s = {.t = t, .shape = *shape};
	const struct semantics *sem;
	unsigned nr_sems = 0, i = 0, every = t_scale(t, 1) < 4 ? 4 : 1;
	unsigned first = t_rand_below(t, every);

	s.shape.k = s.shape.kill = SHAPE_NO;
	/* About as many runs whatever the size. */
	s.skip = max(shape->vmas / t_scale(t, 2), (u64)1);
	fork_run_begin();
	for_each_registered(semantics, sem) {
		if (!is_about_forks(sem) || i++ % every != first)
			continue;
		sweep_shape(&s, sem);
		nr_sems++;
	}
	fork_run_end();
	t_expect_ge(t, s.nr_runs, nr_sems);
	t_note(t, "%lu failures under %u rule sets", s.nr_runs, nr_sems);
}

KTEST(fork_sweep, parent_of_one, KT_MODEL)
{
	sweep_all(t, &(struct fork_shape){.vmas = 1, .pages = 3, .dontcopy = SHAPE_NO});
}

KTEST(fork_sweep, parent_of_two, KT_MODEL)
{
	sweep_all(t, &(struct fork_shape){.vmas = 2, .pages = 2, .swap = 1, .dontcopy = 0});
}

KTEST(fork_sweep, parent_of_17, KT_MODEL)
{
	sweep_all(t, &(struct fork_shape){.vmas = 17,
					  .pages = 3,
					  .swap = 1,
					  .pinned = 2,
					  .policy = 14,
					  .userfault = 9,
					  .file = 3,
					  .shared = 2,
					  .dontcopy = 4});
}

KTEST(fork_sweep, parent_of_64, KT_MODEL)
{
	sweep_all(
		t,
		&(struct fork_shape){
			.vmas = 64, .pages = 2, .swap = 1, .file = 8, .shared = 4, .policy = 64,
			.userfault = 52, .dontcopy = 63});
}

KTEST(fork_sweep, parent_of_300, KT_MODEL)
{
	sweep_all(t, &(struct fork_shape){
			     .vmas = 300, .pages = 1, .file = 20, .shared = 20, .dontcopy = 7});
}
