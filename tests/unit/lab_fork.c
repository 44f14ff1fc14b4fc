/*
 * lab_fork.c - failed forks in the lab: the named bugs are found, and where they cannot be is not.
 *
 * What a semantics leaves, state by state, is tested without the lab (unit/fork.c).
 */
#include <stdio.h>
#include <string.h>

#include "kernel/base/err.h"
#include "kernel/core/lock_order.h"
#include "mm/semantics.h"
#include "mm/walkers/walker.h"
#include "tests/ktest.h"
#include "tests/lab/bugs.h"
#include "tests/lab/lab.h"
#include "tests/lab/world.h"

#define SHAPE  "vmas=3 pages=2 swap=1 walkers=swapoff"
#define MAPPED "vmas=3 pages=1 file=3 touching=on clean=on site=F13 k=1 walkers=uprobe"

static struct scenario sc;
static struct lab_result res;

/* @first and @second are words of `scenario`. */
static void search_line(struct ktest *t, const char *first, const char *second)
{
	char why[256];

	if (world_arena_bytes() == 0)
		t_skip(t, "no lab arena on this machine");
	if (scenario_read(&sc, why, sizeof(why), "%s %s", first, second) ||
	    lab_search(&sc, &res, false, why, sizeof(why)))
		t_fail(t, "%s: %s", first, why);
}

static void search_shape(struct ktest *t, const char *shape, const char *words)
{
	char first[256];

	snprintf(first, sizeof(first), "fork %s%s", shape, words);
	search_line(t, first, "");
}

static void search(struct ktest *t, const char *words)
{
	search_shape(t, SHAPE, words);
}

/* Swapoff as it was walks into the marker of a failed fork, and dereferences it. */
KTEST(lab_fork, swapoff_meets_the_marker, KT_UNIT)
{
	search(t, ",swapoff.stable=0 site=F13 k=1 sem=zero_marker_flagged strategy=random:1000");
	t_expect_eq(t, res.verdict, LV_MARKER);
	t_expect(t, res.reproduced);
	t_note(t, "in schedule %lu: %s", res.summary.first_run + 1, res.summary.first.why);
}

/* The test of MMF_UNSTABLE under the lock is enough. */
KTEST(lab_fork, swapoff_with_its_check_does_not, KT_UNIT)
{
	search(t, " site=F13 k=1 sem=zero_marker_flagged strategy=random:60");
	t_expect(t, !lab_verdicts[res.verdict].bad);
	t_expect_eq(t, res.summary.reached[0], res.summary.runs);
}

/* A fatal signal in the middle of the copy leads there as well. */
KTEST(lab_fork, a_killed_forker_leaves_it_too, KT_UNIT)
{
	search(t, " kill=1 sem=zero_marker strategy=random:1000");
	t_expect_eq(t, res.verdict, LV_MARKER);
}

/* Rules that leave a marker and no flag; all others must be sound whatever swapoff tests. */
static bool leaves_a_bare_marker(const char *name)
{
	return !strcmp(name, "zero_marker") || !strcmp(name, "zero_marker_sem");
}

KTEST(lab_fork, every_rule_set_beside_swapoff, KT_UNIT)
{
	const struct semantics *sem;
	char words[128];

	for_each_registered(semantics, sem) {
		if (sem->axis != SEM_FORK || leaves_a_bare_marker(sem->name))
			continue;
		snprintf(words, sizeof(words), " site=F18 k=1 threads=1 sem=%s strategy=random:10",
			 sem->name);
		search(t, words);
		t_expect(t, !lab_verdicts[res.verdict].bad);
		if (lab_verdicts[res.verdict].bad)
			t_note(t, "%s: %s", sem->name, res.summary.first.why);
		t_expect_eq(t, res.summary.runs, 10);
	}
}

/* A breakpoint needs an anon_vma, and looks for one at the neighbours: the next is the marker. */
KTEST(lab_fork, uprobe_meets_it_at_a_neighbour, KT_UNIT)
{
	search_shape(t, MAPPED, ",uprobe.stable=0 sem=zero_marker strategy=random:1000");
	t_expect_eq(t, res.verdict, LV_MARKER);
	t_expect(t, res.reproduced);
	t_note(t, "in schedule %lu: %s", res.summary.first_run + 1, res.summary.first.why);
}

/* Held until the child is gone, dup_mmap_sem keeps the walker away. */
KTEST(lab_fork, uprobe_waits_for_the_semaphore, KT_UNIT)
{
	search_shape(t, MAPPED, ",uprobe.stable=0 sem=zero_marker_sem strategy=random:60");
	t_expect_eq(t, res.verdict, LV_UNREACHED);
	t_expect_eq(t, res.summary.reached[0], res.summary.runs);
}

/* Walkers are as they were in a release whose rules are named; what is said beside it counts. */
KTEST(lab_fork, releases_have_their_walkers, KT_UNIT)
{
	search_shape(t, SHAPE, " site=F13 k=1 sem=linux-6.14 strategy=random:1000");
	t_expect_eq(t, res.verdict, LV_MARKER);
	search_shape(t, SHAPE, " site=F13 k=1 sem=linux-6.18 strategy=random:20");
	t_expect(t, !lab_verdicts[res.verdict].bad);
	search_shape(t, SHAPE, ",swapoff.stable=1 site=F13 k=1 sem=linux-6.14 strategy=random:20");
	t_expect(t, !lab_verdicts[res.verdict].bad);
}

/* Every check that a release is said to lack is one. */
KTEST(lab_fork, releases_name_checks, KT_UNIT)
{
	const struct semantics *sem;
	unsigned nr = 0;

	for_each_registered(semantics, sem) {
		char names[128], *name, *rest = names;

		if (!sem->unfixed)
			continue;
		t_expect_lt(t, strlen(sem->unfixed), sizeof(names));
		snprintf(names, sizeof(names), "%s", sem->unfixed);
		while ((name = strsep(&rest, ",")) != NULL) {
			t_expect(t, walker_check_find(name) != NULL);
			nr++;
		}
	}
	t_expect_ge(t, nr, 10);
}

/* What is only told of ends a search if that is asked for, and is replayed as what is bad is. */
KTEST(lab_fork, until_it_is_told, KT_UNIT)
{
	search(t, " site=F13 k=1 sem=prune_tail until=waste strategy=random:1000");
	t_expect_eq(t, res.verdict, LV_WASTE);
	t_expect_eq(t, res.summary.runs, res.summary.first_run + 1);
	t_expect(t, res.schedule && res.reproduced);
	search(t, " site=F13 k=1 sem=prune_tail until=late strategy=random:40");
	t_expect_eq(t, res.summary.runs, 40);
	t_expect(t, !res.schedule);
}

/* ---- every bug that has a name ---- */

static void search_bug(struct ktest *t, const struct lab_bug *bug, bool old, const char *strategy)
{
	char words[96];

	snprintf(words, sizeof(words), "until=%s %s", lab_verdicts[bug->verdict].name, strategy);
	search_line(t, old ? bug->old_words : bug->fixed_words, words);
}

KTEST(lab_fork, named_bugs_are_found, KT_UNIT)
{
	for (unsigned i = 0; i < nr_lab_bugs; i++) {
		const struct lab_bug *bug = &lab_bugs[i];

		search_bug(t, bug, true, "strategy=random:4000 seed=8");
		t_expect_eq(t, res.verdict, bug->verdict);
		t_expect(t, res.reproduced);
		t_note(t, "%s: %s, %lu schedules", bug->name, lab_verdicts[res.verdict].name,
		       res.summary.runs);
	}
}

KTEST(lab_fork, fixed_ones_are_not, KT_UNIT)
{
	for (unsigned i = 0; i < nr_lab_bugs; i++) {
		const struct lab_bug *bug = &lab_bugs[i];

		search_bug(t, bug, false, "strategy=random:10");
		t_expect(t, res.verdict != bug->verdict && !lab_verdicts[res.verdict].bad);
		if (res.summary.first.verdict != LV_SAFE)
			t_note(t, "%s: %s", bug->name, res.summary.first.why);
	}
}

/* An entry is empty while its page goes to another frame: a fault then must not believe it. */
KTEST(lab_fork, a_page_that_moves_is_not_missing, KT_UNIT)
{
	search_shape(t, "vmas=1 pages=1 userfault=1 threads=2 walkers=migrate",
		     " strategy=random:100");
	t_expect_eq(t, res.verdict, LV_SAFE);
}

/* ---- who waits for which lock ---- */

static unsigned actor_called(const char *name)
{
	for (unsigned i = 1; lock_stat_actor_name(i); i++) {
		if (!strcmp(lock_stat_actor_name(i), name))
			return i;
	}
	return 0;
}

/* Statistics are kept by actor, in steps; with those of all others they are the whole. */
KTEST(lab_fork, locks_are_counted_by_actor, KT_UNIT)
{
	bool were_on = static_key_enabled(&lockstat_key);
	struct lock_stat forker, walker, others, all;

	lockstat_set(true);
	lock_stat_clear();
	search(t, " site=F13 k=1 sem=full_teardown_both_locks strategy=random:40");
	lockstat_set(were_on);
	t_assert(t, actor_called("forker") && actor_called("swapoff"));
	lock_stat_read_actor(actor_called("forker"), LC_DUP_MMAP, &forker);
	t_expect_eq(t, forker.acquired, res.summary.runs);
	t_expect_eq(t, forker.contended, 0);
	t_expect_ge(t, forker.hold_max * res.summary.runs, forker.hold);

	lock_stat_read_actor(actor_called("forker"), LC_MMAP, &forker);
	lock_stat_read_actor(actor_called("swapoff"), LC_MMAP, &walker);
	lock_stat_read_actor(0, LC_MMAP, &others);
	lock_stat_read(LC_MMAP, &all);
	t_expect_gt(t, walker.contended, 0);
	t_expect_ge(t, walker.wait, walker.wait_max);
	t_expect_gt(t, walker.wait_max, 0);
	t_expect_eq(t, forker.acquired + walker.acquired + others.acquired, all.acquired);
	t_expect_eq(t, forker.hold + walker.hold + others.hold, all.hold);
	lock_stat_clear();
	t_expect(t, !lock_stat_actor_name(1));
}
