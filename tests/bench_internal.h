/*
 * bench_internal.h - what the files of the bench runner share.
 */
#ifndef TESTS_BENCH_INTERNAL_H
#define TESTS_BENCH_INTERNAL_H

#include "kernel/core/events.h"
#include "tests/bench.h"
#include "tests/bench_stat.h"

#define BENCH_MAX_SAMPLES 1000
#define BENCH_WHY_MAX	  96

struct bench_opts {
	const char *glob;
	unsigned nr_samples, nr_warm;
	u64 seed;
};

enum bench_outcome { BENCH_RAN, BENCH_SKIPPED, BENCH_FAILED };

/* One bench at one value of its axis, in the making. */
struct bench_run {
	const struct bench_case *bc;
	const struct bench_opts *opts;
	u64 overhead;		    /* clock counts of an empty region */
	struct model_counts model_overhead; /* the model's other counts of one */
	struct model_counts model_start;    /* when the region began */
	bool counting;		    /* the pass with events and points on */
	struct event_counts at_start; /* when the region began */
	u64 event[EV_NR];	    /* events inside regions */
	enum bench_outcome outcome;
	char why[BENCH_WHY_MAX];    /* it was skipped or failed */
};

/* What came out of it. */
/* So many samples go into a record, as they came, for tests of significance. */
#define BENCH_KEPT_SAMPLES 25

struct bench_result {
	u64 x;
	u64 units;
	struct bench_stat total; /* clock counts of a call's regions, without the empty one's */
	u64 kept[BENCH_KEPT_SAMPLES];
	u64 event[EV_NR];
	struct model_counts model; /* of the last sample */
};

/*
 * bench_measure - one bench at one value: warm up, measure, count.
 *
 * Returns: the outcome; @run->why explains one that is not BENCH_RAN, @result is set for BENCH_RAN
 *          only
 * Context: may sleep; one at a time
 */
enum bench_outcome bench_measure(struct bench_run *run, u64 x, struct bench_result *result);

/*
 * Report a bench: a table for people, then a record for each of @nr results and the fit if there is
 * one.
 */
void bench_report(const struct bench_case *bc, const struct bench_result *result, unsigned nr);

/* What the clock counts: never "cycles" under emulation. */
const char *bench_clock_unit(void);

#endif
