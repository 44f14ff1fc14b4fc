/*
 * bench.c - the measuring harness, measured.
 *
 * Benches here are not registered; each is measured inside a test. What a region costs is exact
 * only on the insn clock, so those checks are skipped elsewhere; what is counted and refused is
 * checked on any.
 */
#include <string.h>

#include "kernel/core/atomic.h"
#include "kernel/core/clock.h"
#include "kernel/core/ledger.h"
#include "tests/bench_internal.h"
#include "tests/ktest.h"

/* Measure @fn at @x. The run is static: it is large, and one test runs at a time. */
static struct bench_run run;

static enum bench_outcome measure(void (*fn)(struct bench *b), u64 x, struct bench_result *result)
{
	static const struct bench_opts opts = {.nr_samples = 3, .nr_warm = 1, .seed = 1};
	static struct bench_case bc;

	bc = (struct bench_case){.name = "measured", .per = "unit", .fn = fn, .axis = BENCH_ONCE};
	run = (struct bench_run){.bc = &bc, .opts = &opts};
	return bench_measure(&run, x, result);
}

/* ---- what a region costs ---- */

static void body_empty(struct bench *b)
{
	bench_start(b);
	bench_stop(b, 1);
}

static void body_100_nops(struct bench *b)
{
	bench_start(b);
	__asm__ volatile(".rept 100; nop; .endr");
	bench_stop(b, 100);
}

/* Two regions with something expensive between them. */
static void body_two_regions(struct bench *b)
{
	bench_start(b);
	__asm__ volatile(".rept 30; nop; .endr");
	bench_stop(b, 30);
	__asm__ volatile(".rept 500; nop; .endr");
	bench_start(b);
	__asm__ volatile(".rept 70; nop; .endr");
	bench_stop(b, 70);
}

KTEST(bench, regions_are_exact, KT_UNIT)
{
	struct bench_result r;

	if (!clock_is_insn())
		t_skip(t, "needs --clock insn");
	t_expect_eq(t, measure(body_empty, 0, &r), BENCH_RAN);
	t_expect_eq(t, r.total.max, 0);
	t_expect_eq(t, measure(body_100_nops, 0, &r), BENCH_RAN);
	t_expect_eq(t, r.total.min, 100);
	t_expect_eq(t, r.total.max, 100);
	t_expect_eq(t, measure(body_two_regions, 0, &r), BENCH_RAN);
	t_expect_eq(t, r.total.median, 100);
	t_expect_eq(t, r.units, 100);
}

/* ---- what a region does ---- */

static atomic_t counter;

static void body_counted(struct bench *b)
{
	atomic_inc(&counter); /* outside: not counted */
	bench_start(b);
	for (u64 i = 0; i < bench_x(b); i++)
		atomic_inc(&counter);
	bench_stop(b, bench_x(b));
	atomic_inc(&counter);
}

KTEST(bench, events_of_regions_are_exact, KT_UNIT)
{
	struct bench_result r;

	t_expect_eq(t, measure(body_counted, 7, &r), BENCH_RAN);
	t_expect_eq(t, r.x, 7);
	t_expect_eq(t, r.units, 7);
	t_expect_eq(t, r.event[EV_ATOMIC], 7);
	t_expect_eq(t, r.event[EV_POINT], 7);
	t_expect_eq(t, r.event[EV_SWITCH], 0);
	t_expect(t, !static_key_enabled(&events_key));
	t_expect_eq(t, r.total.nr, 3);
}

static u64 drawn[8];
static unsigned nr_drawn;

static void body_draws(struct bench *b)
{
	drawn[nr_drawn++ % 8] = bench_rand(b);
	body_empty(b);
}

KTEST(bench, each_call_draws_the_same, KT_UNIT)
{
	struct bench_result r;

	nr_drawn = 0;
	t_expect_eq(t, measure(body_draws, 5, &r), BENCH_RAN);
	t_expect_eq(t, nr_drawn, 5); /* one to warm up, three samples, one to count */
	for (unsigned i = 1; i < 5; i++)
		t_expect(t, drawn[i] == drawn[0]);
}

/* ---- what is refused ---- */

static void body_measures_nothing(struct bench *b)
{
}

static unsigned calls;

static void body_varies(struct bench *b)
{
	bench_start(b);
	bench_stop(b, 1 + calls++);
}

static long kept;

static long kept_live(void)
{
	return kept;
}

LEDGER_KIND(bench_kept, kept_live, NULL);

static void body_keeps(struct bench *b)
{
	body_empty(b);
	kept++;
}

static void body_cannot(struct bench *b)
{
	bench_skip(b, "needs %s", "luck");
}

static void body_fails(struct bench *b)
{
	bench_fail(b, "no memory for %u", 3);
}

/* What the ledger of a bench shows is printed; here it is expected. */
static void expect_refused(struct ktest *t, void (*fn)(struct bench *b), const char *why)
{
	struct bench_result r;

	t_expect_eq(t, measure(fn, 0, &r), BENCH_FAILED);
	t_expect_str_eq(t, run.why, why);
}

KTEST(bench, bad_benches_fail, KT_UNIT)
{
	struct bench_result r;

	expect_refused(t, body_measures_nothing, "measured nothing");
	expect_refused(t, body_varies, "its units of work differ from call to call");
	expect_refused(t, body_keeps, "the ledger differs");
	kept = 0;
	expect_refused(t, body_fails, "no memory for 3");
	t_expect_eq(t, measure(body_cannot, 0, &r), BENCH_SKIPPED);
	t_expect_str_eq(t, run.why, "needs luck");
}
