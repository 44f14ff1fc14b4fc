/*
 * bench_run.c - one bench at one value of its axis.
 *
 * Owns: the measuring thread, warm-up, samples, the empty region, the counting pass, what must be
 *       left behind.
 * Not here: statistics and fits (bench_stat.c), tables and records (bench_report.c), the command
 *       (cmd_bench.c).
 * Idea: the machine is settled before each call, and the paths are warmed up by the very work that
 *       is measured; so the state a sample starts from is a function of the bench alone, not of
 *       what ran before it.
 */
#include "tests/bench_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/core/ledger.h"
#include "kernel/core/thread_base.h"
#include "kernel/sched/kthread.h"
#include "kernel/sched/parallel.h"
#include "kernel/shell/out.h"

#define EMPTY_REGIONS 32

/* ---- what a body calls ---- */

void bench_region_begin(struct bench *b)
{
	b->nr_regions++;
	if (unlikely(b->run->counting))
		events_read(&b->run->at_start);
	if (static_branch_unlikely(&model_key))
		model_counts_read(&b->run->model_start);
}

void bench_region_end(struct bench *b, u64 now, u64 units)
{
	struct bench_run *run = b->run;

	b->total += now - b->start;
	b->units += units;
	if (static_branch_unlikely(&model_key)) {
		struct model_counts at_end;

		model_counts_read(&at_end);
		for (unsigned i = 0; i < MODEL_PARAMS; i++)
			b->model.n[i] += at_end.n[i] - run->model_start.n[i];
	}
	if (unlikely(run->counting)) {
		struct event_counts at_end;

		events_read(&at_end);
		for (unsigned i = 0; i < EV_NR; i++)
			run->event[i] += at_end.n[i] - run->at_start.n[i];
	}
}

static void __printf(3, 0)
give_up(struct bench *b, enum bench_outcome outcome, const char *fmt, va_list ap)
{
	b->run->outcome = outcome;
	vsnprintf(b->run->why, sizeof(b->run->why), fmt, ap);
}

void bench_skip(struct bench *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	give_up(b, BENCH_SKIPPED, fmt, ap);
	va_end(ap);
}

void bench_fail(struct bench *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	give_up(b, BENCH_FAILED, fmt, ap);
	va_end(ap);
}

/* ---- one call, in a thread of its own ---- */

static void fail(struct bench_run *run, const char *why)
{
	run->outcome = BENCH_FAILED;
	snprintf(run->why, sizeof(run->why), "%s", why);
}

/* What a region costs that holds nothing. */
static u64 empty_region(struct bench_run *run)
{
	u64 least = ~0ull;

	for (unsigned i = 0; i < EMPTY_REGIONS; i++) {
		struct bench b = {.run = run};

		bench_start(&b);
		bench_stop(&b, 1);
		if (b.total < least) {
			least = b.total;
			run->model_overhead = b.model;
		}
	}
	return least;
}

static void calling_thread(void *arg)
{
	struct bench *b = arg;

	tick_hold();
	b->run->overhead = empty_region(b->run);
	b->run->bc->fn(b);
	tick_release();
}

/*
 * One call of the body from a settled machine, its figures in @b. False once the bench gave up.
 * Each call has a fresh thread, so that the settling before it runs in no measured thread.
 */
static bool call_body(struct bench_run *run, u64 x, struct bench *b)
{
	struct thread *thread;

	*b = (struct bench){.x = x, .run = run};
	rng_init(&b->rng, run->opts->seed ^ x);
	ledger_settle();
	thread = kthread_create("bench", calling_thread, b);
	if (!thread) {
		fail(run, "no memory for its thread");
		return false;
	}
	thread->base.flags |= TF_FPU;
	if (thread_set_affinity(thread, 1)) {
		fail(run, "its thread cannot be bound to CPU 0");
		kthread_free(thread);
		return false;
	}
	thread_start(thread);
	thread_join(thread);
	if (run->outcome == BENCH_RAN && (b->nr_regions == 0 || b->units == 0))
		fail(run, "measured nothing");
	return run->outcome == BENCH_RAN;
}

/* ---- all calls of one value ---- */

static bool take_sample(struct bench_run *run, struct bench_result *result, u64 *sample)
{
	struct bench b;
	u64 empty;

	if (!call_body(run, result->x, &b))
		return false;
	if (result->units && result->units != b.units) {
		fail(run, "its units of work differ from call to call");
		return false;
	}
	result->units = b.units;
	empty = run->overhead * b.nr_regions;
	*sample = b.total > empty ? b.total - empty : 0;
	if (clock_kind() == CLOCK_MODEL)
		*sample = (*sample + MODEL_UNITS_PER_CYCLE / 2) / MODEL_UNITS_PER_CYCLE;
	for (unsigned i = 0; i < MODEL_PARAMS; i++) {
		u64 idle = run->model_overhead.n[i] * b.nr_regions;

		result->model.n[i] = b.model.n[i] > idle ? b.model.n[i] - idle : 0;
	}
	return true;
}

static bool take_samples(struct bench_run *run, struct bench_result *result, u64 *sample)
{
	const struct bench_opts *opts = run->opts;

	for (unsigned i = 0; i < opts->nr_warm; i++) {
		if (!take_sample(run, result, &sample[0]))
			return false;
	}
	for (unsigned i = 0; i < opts->nr_samples; i++) {
		if (!take_sample(run, result, &sample[i]))
			return false;
	}
	memcpy(result->kept, sample,
	       min(opts->nr_samples, (unsigned)BENCH_KEPT_SAMPLES) * sizeof(u64));
	result->total = bench_stat_of(sample, opts->nr_samples);
	return true;
}

/* With events on, and so points: what happened in the regions. Its time is thrown away. */
static void count_events(struct bench_run *run, struct bench_result *result)
{
	struct bench b;

	events_set(true); /* points listen while events are on */
	run->counting = true;
	call_body(run, result->x, &b);
	run->counting = false;
	events_set(false);
	memcpy(result->event, run->event, sizeof(result->event));
}

static void print_ledger(const char *line)
{
	out("# %s\n", line);
}

enum bench_outcome bench_measure(struct bench_run *run, u64 x, struct bench_result *result)
{
	static struct ledger before, after;
	u64 *sample = calloc(run->opts->nr_samples, sizeof(u64));

	*result = (struct bench_result){.x = x};
	if (!sample) {
		fail(run, "no memory for samples");
		return run->outcome;
	}
	ledger_settle();
	ledger_snapshot(&before);
	if (take_samples(run, result, sample))
		count_events(run, result);
	ledger_settle();
	ledger_snapshot(&after);
	if (ledger_diff(&before, &after, print_ledger))
		fail(run, "the ledger differs");
	free(sample);
	return run->outcome;
}
