/*
 * lab_shrink.c - bad schedules made short in the world itself: as short as is known, the same
 * verdict, again when replayed.
 *
 * Not here: what is left out in which order, against all schedules of toys (tests/host/lab).
 */
#include <stdio.h>

#include "tests/ktest.h"
#include "tests/lab/case.h"
#include "tests/lab/world.h"

static struct scenario sc;
static struct lab_result res, again;

/* Search @line and make what is found short. */
static void shrink(struct ktest *t, const char *line)
{
	char why[256];

	if (world_arena_bytes() == 0)
		t_skip(t, "no lab arena on this machine");
	if (scenario_read(&sc, why, sizeof(why), "%s shrink=switches", line) ||
	    lab_search(&sc, &res, false, why, sizeof(why)))
		t_fail(t, "%s: %s", line, why);
	if (!lab_verdicts[res.verdict].bad)
		t_fail(t, "%s: nothing found", line);
	t_expect(t, res.reproduced);
	t_expect_le(t, res.shrunk.switches, res.shrunk.switches_before);
}

static unsigned nr_steps;

static void count_step(const char *text __maybe_unused)
{
	nr_steps++;
}

/* The schedule found last, typed in: the same verdict after as many steps. */
static void expect_replay(struct ktest *t, const char *line)
{
	struct lab_print print = {.line = count_step};
	char why[256];

	nr_steps = 0;
	if (!res.schedule || lab_replay(&sc, res.schedule, &again, &print, why, sizeof(why)))
		t_fail(t, "%s: %s", line, res.schedule ? why : "no schedule");
	t_expect_eq(t, again.verdict, res.verdict);
	t_expect_eq(t, again.summary.points, res.shrunk.points);
	t_expect_gt(t, nr_steps, 0);
	t_expect_le(t, nr_steps, res.shrunk.points);
}

/*
 * An update is lost if one adder stands between its load and its store while the other adds: the
 * first runs, the second does and ends, and what is left of it is cleared away before the first
 * goes on. Three turns; there is no shorter way.
 */
KTEST(lab_shrink, as_short_as_is_known, KT_UNIT)
{
	char line[96];

	for (unsigned seed = 1; seed <= 8; seed++) {
		snprintf(line, sizeof(line),
			 "locks case=counter mutant=unlocked strategy=random:1000 seed=%u", seed);
		shrink(t, line);
		t_expect_eq(t, res.verdict, LV_CORRUPT);
		t_expect_eq(t, res.shrunk.switches, 2);
		t_expect(t, !res.shrunk.ended);
	}
}

KTEST(lab_shrink, every_mutant_of_locks, KT_UNIT)
{
	const struct lab_case *c;
	char line[128];

	for_each_registered(lab_case, c) {
		if (c->slow || c->kind)
			continue;
		for (unsigned i = 0; c->mutants && c->mutants[i].name; i++) {
			if (c->mutants[i].expect == LV_STALL)
				continue;
			snprintf(line, sizeof(line),
				 "locks case=%s mutant=%s strategy=random:10000", c->name,
				 c->mutants[i].name);
			shrink(t, line);
			t_expect(t, lab_case_shows(res.verdict, c->mutants[i].expect));
			expect_replay(t, line);
			t_note(t, "%s %s: %u switches instead of %u, %u runs", c->name,
			       c->mutants[i].name, res.shrunk.switches, res.shrunk.switches_before,
			       res.shrunk.runs);
		}
	}
}

KTEST(lab_shrink, a_marker_met_by_swapoff, KT_UNIT)
{
	const char *line = "fork vmas=3 pages=2 swap=1 site=F13 k=1 sem=zero_marker "
			   "walkers=swapoff,swapoff.stable=0 strategy=random:1000";

	shrink(t, line);
	t_expect_eq(t, res.verdict, LV_MARKER);
	t_expect_lt(t, res.shrunk.switches, res.shrunk.switches_before);
	expect_replay(t, line);
}

KTEST(lab_shrink, not_without_being_asked, KT_UNIT)
{
	char why[256];

	if (world_arena_bytes() == 0)
		t_skip(t, "no lab arena on this machine");
	t_expect_eq(t, scenario_read(&sc, why, sizeof(why), "locks case=counter mutant=unlocked"),
		    0);
	t_expect_eq(t, lab_search(&sc, &res, false, why, sizeof(why)), 0);
	t_expect_eq(t, res.verdict, LV_CORRUPT);
	t_expect_eq(t, res.shrunk.runs, 0);
	t_expect(t, res.schedule != NULL);
}
