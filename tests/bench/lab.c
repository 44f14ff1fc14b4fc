/*
 * lab.c - what a schedule of the lab costs, and a page put back after it.
 *
 * The world is made once per search, so the price of one schedule is the slope over the number of
 * schedules; the fit's intercept is the world's making and the first, fully judged run.
 */
#include <stdio.h>
#include <string.h>

#include "kernel/base/err.h"
#include "tests/bench.h"
#include "tests/lab/lab.h"
#include "tests/lab/world.h"

/* Host side and large: not for a stack. */
static struct scenario sc;
static struct lab_result res;

/* Search the scenario of @words for @runs schedules at random. False: the bench is over. */
static bool search(struct bench *b, const char *words, unsigned runs, bool whole)
{
	char text[160], strategy[32], why[256];
	char *argv[16], *rest = text;
	int argc = 0, err;

	if (world_arena_bytes() == 0) {
		bench_skip(b, "no lab arena on this machine");
		return false;
	}
	strlcpy(text, words, sizeof(text));
	snprintf(strategy, sizeof(strategy), "strategy=random:%u", runs);
	while ((argv[argc] = strsep(&rest, " ")) != NULL)
		argc++;
	argv[argc++] = strategy;
	err = scenario_parse(&sc, argc, argv, why, sizeof(why));
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
	search(b, "locks case=counter actors=2", (unsigned)bench_x(b), true);
}

/* A fork of four VMAs of one page each, in memory, and a walker; ledger and mm_check each time. */
BENCH(lab_fork, "schedule", BENCH_SWEEP("schedules", 32, 64, 128))
{
	search(b, "fork vmas=4 pages=1 walkers=maps", (unsigned)bench_x(b), true);
}

/* The same with the page of each VMA in swap, where swapoff finds it. */
BENCH(lab_fork_swap, "schedule", BENCH_SWEEP("schedules", 32, 64, 128))
{
	search(b, "fork vmas=4 pages=1 swap=1 walkers=swapoff", (unsigned)bench_x(b), true);
}

/* The searches themselves say how long their restores took: one region of just that. */
BENCH(lab_restore, "page", BENCH_CASES("actors", 2, 8, 32))
{
	char words[48];

	if (static_branch_unlikely(&model_key)) {
		bench_skip(b, "restores are timed by the processor's clock");
		return;
	}
	snprintf(words, sizeof(words), "locks case=counter actors=%u", (unsigned)bench_x(b));
	if (!search(b, words, 256, false))
		return;
	bench_region_begin(b);
	b->start = 0;
	bench_region_end(b, res.ticks_restore, res.restored_pages);
}
