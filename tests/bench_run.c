/*
 * bench_run.c - one bench at one value of its axis.
 *
 * Owns: the measuring thread, warm-up, samples, the empty region, the counting pass, what must be
 *       left behind.
 * Not here: statistics and fits (bench_stat.c), tables and records (bench_report.c), the command
 *       (cmd_bench.c).
 * Idea: the machine is settled before each value, and the paths are warmed up by the very work that
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
}

void bench_region_end(struct bench *b, u64 now, u64 units)
{
	struct bench_run *run = b->run;

	b->total += now - b->start;
	b->units += units;
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

/* ---- the measuring thread ---- */

struct measurement {
	struct bench_run *run;
	struct bench_result *result;
	u64 x;
	u64 *sample;
};

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
		least = min(least, b.total);
	}
	return least;
}

/* One call of the body. False once it gave up. */
static bool call_body(struct measurement *m, struct bench *b)
{
	*b = (struct bench){.x = m->x, .run = m->run};
	rng_init(&b->rng, m->run->opts->seed ^ m->x);
	m->run->bc->fn(b);
	if (m->run->outcome != BENCH_RAN)
		return false;
	if (b->nr_regions == 0 || b->units == 0)
		fail(m->run, "measured nothing");
	else if (m->result->units && m->result->units != b->units)
		fail(m->run, "its units of work differ from call to call");
	m->result->units = b->units;
	return m->run->outcome == BENCH_RAN;
}

static void take_samples(struct measurement *m)
{
	const struct bench_opts *opts = m->run->opts;
	struct bench b;

	m->run->overhead = empty_region(m->run);
	for (unsigned i = 0; i < opts->nr_warm; i++) {
		if (!call_body(m, &b))
			return;
	}
	for (unsigned i = 0; i < opts->nr_samples; i++) {
		u64 empty;

		if (!call_body(m, &b))
			return;
		empty = m->run->overhead * b.nr_regions;
		m->sample[i] = b.total > empty ? b.total - empty : 0;
	}
	memcpy(m->result->kept, m->sample,
	       min(opts->nr_samples, (unsigned)BENCH_KEPT_SAMPLES) * sizeof(u64));
	m->result->total = bench_stat_of(m->sample, opts->nr_samples);
}

/* With events on, and so points: what happened in the regions. Its time is thrown away. */
static void count_events(struct measurement *m)
{
	struct bench b;

	events_set(true); /* points listen while events are on */
	m->run->counting = true;
	call_body(m, &b);
	m->run->counting = false;
	events_set(false);
	memcpy(m->result->event, m->run->event, sizeof(m->result->event));
}

static void measuring_thread(void *arg)
{
	struct measurement *m = arg;

	tick_hold();
	take_samples(m);
	if (m->run->outcome == BENCH_RAN)
		count_events(m);
	tick_release();
}

static void measure_in_thread(struct measurement *m)
{
	struct thread *thread = kthread_create("bench", measuring_thread, m);

	if (!thread) {
		fail(m->run, "no memory for its thread");
		return;
	}
	thread->base.flags |= TF_FPU;
	if (thread_set_affinity(thread, 1)) {
		fail(m->run, "its thread cannot be bound to CPU 0");
		kthread_free(thread);
		return;
	}
	thread_start(thread);
	thread_join(thread);
}

static void print_ledger(const char *line)
{
	out("# %s\n", line);
}

enum bench_outcome bench_measure(struct bench_run *run, u64 x, struct bench_result *result)
{
	static struct ledger before, after;
	struct measurement m = {
		.run = run,
		.result = result,
		.x = x,
		.sample = calloc(run->opts->nr_samples, sizeof(u64)),
	};

	*result = (struct bench_result){.x = x};
	if (!m.sample) {
		fail(run, "no memory for samples");
		return run->outcome;
	}
	ledger_settle();
	ledger_snapshot(&before);
	measure_in_thread(&m);
	ledger_settle();
	ledger_snapshot(&after);
	if (ledger_diff(&before, &after, print_ledger))
		fail(run, "the ledger differs");
	free(m.sample);
	return run->outcome;
}
