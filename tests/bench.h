/*
 * bench.h - measured work: how a bench is declared and what its body may say.
 *
 * Owns: the declaration and the measured region.
 * Not here: running (bench_run.c), statistics (bench_stat.c), tables and records (bench_report.c).
 * Idea: the body prepares, measures one region of N units of work, and puts everything back. The
 *       harness calls it for every value of the axis: to warm up, to measure, and once more with
 *       events and schedule points on to count what the region does. The last never gives a time.
 *
 *	BENCH(frame_alloc, "frame", BENCH_CASES("order", 0, 1, 4, 9))
 *	{
 *		bench_start(b);
 *		for (i = 0; i < NR; i++)
 *			pages[i] = alloc_pages(GFP_KERNEL, bench_x(b));
 *		bench_stop(b, NR);
 *		for (i = 0; i < NR; i++)
 *			free_pages(pages[i], bench_x(b));
 *	}
 *
 * A body runs in a thread of its own (floating point allowed) bound to virtual CPU 0, with nothing
 * else runnable there, so no tick comes. It starts from a settled machine (ledger_settle()) and
 * must leave the ledger as it was. Everything it does must be a function of the axis value and
 * bench_rand(): on the `insn` clock two runs must agree to the instruction.
 */
#ifndef TESTS_BENCH_H
#define TESTS_BENCH_H

#include "kernel/base/compiler.h"
#include "kernel/core/clock.h"
#include "kernel/core/model.h"
#include "kernel/core/random.h"
#include "kernel/core/registry.h"

#define BENCH_MAX_POINTS 12

/* The values a bench is run for. */
struct bench_axis {
	const char *name; /* NULL: a single point without a parameter */
	bool linear;	  /* fit total against the value: slope, intercept, R2 */
	unsigned nr;
	u64 value[BENCH_MAX_POINTS];
};

struct bench;

struct bench_case {
	const char *name; /* unique, what filters match */
	const char *per;  /* the unit of work: "pte", "frame", "switch" */
	void (*fn)(struct bench *b);
	struct bench_axis axis;
};

/* BENCH(name, "unit of work", axis) { body }; axis is one of the three below. */
#define BENCH(name_, per_, ...)                                                                    \
	static void bench_fn_##name_(struct bench *b);                                             \
	static const struct bench_case bench_case_##name_ = {                                      \
		.name = #name_,                                                                    \
		.per = per_,                                                                       \
		.fn = bench_fn_##name_,                                                            \
		.axis = __VA_ARGS__,                                                               \
	};                                                                                         \
	REGISTER(bench, &bench_case_##name_);                                                      \
	static void bench_fn_##name_(struct bench *b)

/* Cost is expected to grow linearly with the value: measured at each, and fitted. */
#define BENCH_SWEEP(name_, ...)                                                                    \
	{                                                                                          \
		.name = name_, .linear = true,                                                     \
		.nr = sizeof((u64[]){__VA_ARGS__}) / sizeof(u64), .value = {__VA_ARGS__}           \
	}
/* Separate cases named by a number. */
#define BENCH_CASES(name_, ...)                                                                    \
	{                                                                                          \
		.name = name_, .linear = false,                                                    \
		.nr = sizeof((u64[]){__VA_ARGS__}) / sizeof(u64), .value = {__VA_ARGS__}           \
	}
#define BENCH_ONCE                                                                                 \
	{                                                                                          \
		.name = NULL, .linear = false, .nr = 1, .value = { 0 }                             \
	}

/* What one call of a body measured. */
struct bench {
	u64 start;    /* clock at bench_start() */
	u64 total;    /* sum over the regions, overhead included */
	u64 units;    /* sum of units over the regions */
	u64 x;	      /* value of the axis */
	u32 nr_regions;
	bool skipped;
	struct model_counts model; /* under the model: what it counted in the regions */
	struct rng rng;
	struct bench_run *run;
};

/* The value of the axis for this call. */
static inline u64 bench_x(const struct bench *b)
{
	return b->x;
}

/*
 * The measured region: from the clock read that ends bench_start() to the one that begins
 * bench_stop(). A body may have several; they add up, and the cost of an empty region is taken off
 * for each. Both are serialising on the tsc clock. No log line belongs inside.
 */
void bench_region_begin(struct bench *b);
void bench_region_end(struct bench *b, u64 now, u64 units);

/* Instructions or ticks; under the model 1/64 modelled cycles. */
static __always_inline u64 bench_clock(void)
{
	if (static_branch_unlikely(&model_key))
		return model_read(MODEL_UNITS);
	return rdtsc_ordered();
}

static __always_inline void bench_start(struct bench *b)
{
	bench_region_begin(b);
	b->start = bench_clock();
}

static __always_inline void bench_stop(struct bench *b, u64 units)
{
	u64 now = bench_clock();

	bench_region_end(b, now, units);
}

/* This machine or build cannot run the bench, and why (one line). The body returns after it. */
void __printf(2, 3) bench_skip(struct bench *b, const char *fmt, ...);

/*
 * A failed setup: the bench fails with this line. The body returns after it, everything put back.
 */
void __printf(2, 3) bench_fail(struct bench *b, const char *fmt, ...);

/* The body's random numbers: the same in every call with the same axis value. */
static inline u64 bench_rand(struct bench *b)
{
	return rng_next(&b->rng);
}

#endif
