/*
 * lab.c - what a schedule of the lab costs, and a page put back after it.
 *
 * The world is made once per search, so the price of one schedule is the slope over the number of
 * schedules; the fit's intercept is the world's making and the first, fully judged run.
 */
#include <stdio.h>

#include "kernel/base/err.h"
#include "tests/bench.h"
#include "tests/lab/lab.h"
#include "tests/lab/world.h"

/* Host side and large: not for a stack. */
static struct scenario sc;
static struct lab_result res;

/* Search "locks case=counter" with @actors for @runs schedules. False: the bench is over. */
static bool search(struct bench *b, unsigned actors, unsigned runs, bool whole)
{
	char kind[] = "locks", name[] = "case=counter", words[2][32], why[256];
	char *argv[] = {kind, name, words[0], words[1]};
	int err;

	if (world_arena_bytes() == 0) {
		bench_skip(b, "no lab arena on this machine");
		return false;
	}
	snprintf(words[0], sizeof(words[0]), "actors=%u", actors);
	snprintf(words[1], sizeof(words[1]), "strategy=random:%u", runs);
	err = scenario_parse(&sc, ARRAY_SIZE(argv), argv, why, sizeof(why));
	if (whole)
		bench_start(b);
	if (!err)
		err = lab_search(&sc, &res, false, why, sizeof(why));
	if (whole)
		bench_stop(b, runs);
	if (err || lab_verdicts[res.verdict].bad) {
		bench_fail(b, "%s", err ? why : res.summary.first.why);
		return false;
	}
	return true;
}

BENCH(lab_schedule, "schedule", BENCH_SWEEP("schedules", 256, 512, 1024, 2048))
{
	search(b, 2, (unsigned)bench_x(b), true);
}

/* The searches themselves say how long their restores took: one region of just that. */
BENCH(lab_restore, "page", BENCH_CASES("actors", 2, 8, 32))
{
	if (static_branch_unlikely(&model_key)) {
		bench_skip(b, "restores are timed by the processor's clock");
		return;
	}
	if (!search(b, (unsigned)bench_x(b), 256, false))
		return;
	bench_region_begin(b);
	b->start = 0;
	bench_region_end(b, res.ticks_restore, res.restored_pages);
}
