/*
 * bench_report.c - what a bench showed: a table for people, records for programs.
 *
 * Owns: the form of both. Not here: measuring (bench_run.c), fitting (bench_stat.c).
 * Idea: all five figures of a record are per unit of work, and `total` is the whole median region,
 *       exact; on the insn clock nothing varies, so min, median and max are one number, and the
 *       table shows where they are not.
 */
#include "tests/bench_internal.h"

#include <stdio.h>
#include <string.h>

#include "kernel/core/clock.h"
#include "kernel/shell/env.h"
#include "kernel/shell/out.h"
#include "kernel/shell/record.h"

const char *bench_clock_unit(void)
{
	if (clock_kind() == CLOCK_MODEL)
		return "modelled cycle";
	if (clock_is_insn())
		return "insn";
	return strcmp(env_accel(), "tcg") ? "cycle" : "tick";
}

/* ---- records ---- */

static void record_who(struct record *r, const struct bench_case *bc)
{
	record_str(r, "name", bc->name);
	record_str(r, "clock", clock_record_name());
	record_str(r, "accel", env_accel());
}

static void send(struct record *r)
{
	const char *text = record_end(r);

	out_line(text ? text : "# a record did not fit and was left out");
}

/* Where the clock is not exact, the samples themselves: a comparison needs more than quantiles. */
static void record_samples(struct record *r, const struct bench_result *res)
{
	unsigned nr = min(res->total.nr, (unsigned)BENCH_KEPT_SAMPLES);
	char text[BENCH_KEPT_SAMPLES * 24 + 3];
	int len = 0;

	for (unsigned i = 0; i < nr; i++) {
		u64 milli = (res->kept[i] * 1000 + res->units / 2) / res->units;

		len += snprintf(text + len, sizeof(text) - (size_t)len, "%s%lu.%03lu",
				i ? "," : "[", milli / 1000, milli % 1000);
	}
	snprintf(text + len, sizeof(text) - (size_t)len, "]");
	record_raw(r, "samples", text);
}

/* What else the model counted in the region, in all: the reasons of the figure. */
static void record_model(struct record *r, const struct model_counts *counts)
{
	static const struct {
		const char *name;
		enum model_word word;
	} field[] = {
		{"insns", MODEL_INSNS},		{"loads", MODEL_LOADS},
		{"stores", MODEL_STORES},	{"l1_misses", MODEL_L1_MISSES},
		{"l2_misses", MODEL_L2_MISSES}, {"l3_misses", MODEL_L3_MISSES},
		{"streamed", MODEL_STREAMED},	{"dtlb_misses", MODEL_DTLB_MISSES},
		{"walks", MODEL_WALKS},		{"walk_reads", MODEL_WALK_READS},
	};

	record_open(r, "model");
	for (unsigned i = 0; i < ARRAY_SIZE(field); i++)
		record_u64(r, field[i].name, counts->n[field[i].word]);
	record_close(r);
}

static void record_result(const struct bench_case *bc, const struct bench_result *res)
{
	struct record r;

	record_begin(&r, "bench");
	record_who(&r, bc);
	record_open(&r, "params");
	if (bc->axis.name)
		record_u64(&r, bc->axis.name, res->x);
	record_close(&r);
	record_str(&r, "unit", bench_clock_unit());
	record_str(&r, "per", bc->per);
	record_u64(&r, "n", res->total.nr);
	record_ratio(&r, "min", (s64)res->total.min, res->units, 3);
	record_ratio(&r, "median", (s64)res->total.median, res->units, 3);
	record_ratio(&r, "p95", (s64)res->total.p95, res->units, 3);
	record_ratio(&r, "max", (s64)res->total.max, res->units, 3);
	record_ratio(&r, "value", (s64)res->total.median, res->units, 3);
	if (!clock_is_insn())
		record_samples(&r, res);
	record_u64(&r, "units", res->units);
	record_u64(&r, "total", res->total.median);
	record_u64(&r, "off_points", res->event[EV_POINT]);
	record_open(&r, "events");
	for (unsigned i = 0; i < EV_NR; i++) {
		if (i != EV_POINT && res->event[i])
			record_u64(&r, event_name[i], res->event[i]);
	}
	record_close(&r);
	if (clock_kind() == CLOCK_MODEL)
		record_model(&r, &res->model);
	send(&r);
}

static void record_fit(const struct bench_case *bc, const struct bench_fit *fit)
{
	struct record r;

	record_begin(&r, "fit");
	record_who(&r, bc);
	record_str(&r, "x", bc->axis.name);
	record_str(&r, "unit", bench_clock_unit());
	record_ratio(&r, "slope", fit->slope_milli, 1000, 3);
	record_ratio(&r, "intercept", fit->intercept_milli, 1000, 3);
	record_ratio(&r, "r2", fit->r2_micro, 1000000, 6);
	record_u64(&r, "points", fit->nr);
	send(&r);
}

/* ---- the table ---- */

/* @total / @units with two decimals. */
static const char *per_unit(u64 total, u64 units, char text[24])
{
	u64 hundredths = (total % units * 100 + units / 2) / units;
	u64 whole = total / units + hundredths / 100;

	snprintf(text, 24, "%lu.%02lu", whole, hundredths % 100);
	return text;
}

/* Where nothing varies one figure says all; elsewhere its spread stands beside it. */
static bool table_is_exact(const struct bench_result *result, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++) {
		if (result[i].total.min != result[i].total.max)
			return false;
	}
	return true;
}

static void table_head(const struct bench_case *bc, bool exact)
{
	out("  %10s %8s %12s ", bc->axis.name ? bc->axis.name : "", "units",
	    exact ? "each" : "median");
	if (exact)
		out("%14s\n", "all");
	else
		out("%12s %12s %12s %4s\n", "min", "p95", "max", "n");
}

static void table_row(const struct bench_case *bc, const struct bench_result *res, bool exact)
{
	const struct bench_stat *t = &res->total;
	char x[24] = "", median[24], low[24], p95[24], high[24];

	if (bc->axis.name)
		snprintf(x, sizeof(x), "%lu", res->x);
	out("  %10s %8lu %12s ", x, res->units, per_unit(t->median, res->units, median));
	if (exact)
		out("%14lu\n", t->median);
	else
		out("%12s %12s %12s %4u\n", per_unit(t->min, res->units, low),
		    per_unit(t->p95, res->units, p95), per_unit(t->max, res->units, high), t->nr);
}

/* Events per unit at one value, wrapped at 80 columns. */
static void table_events(const struct bench_case *bc, const struct bench_result *res)
{
	char line[96], number[24];
	int len = snprintf(line, sizeof(line), "  per %s:", bc->per);
	bool any = false;

	for (unsigned i = 0; i < EV_NR; i++) {
		char item[48];
		int item_len;

		if (!res->event[i])
			continue;
		any = true;
		item_len = snprintf(item, sizeof(item), " %s %s",
				    i == EV_POINT ? "off-points" : event_name[i],
				    per_unit(res->event[i], res->units, number));
		if (len + item_len >= 79) {
			out_line(line);
			len = snprintf(line, sizeof(line), "     ");
		}
		memcpy(line + len, item, (size_t)item_len + 1);
		len += item_len;
	}
	if (any)
		out_line(line);
}

static void table_fit(const struct bench_case *bc, const struct bench_fit *fit)
{
	s64 slope = fit->slope_milli < 0 ? -fit->slope_milli : fit->slope_milli;

	out("  fit: %s%ld.%03ld %s per %s, intercept %ld"
	    ", R2 %ld.%06ld, %u values\n",
	    fit->slope_milli < 0 ? "-" : "", slope / 1000, slope % 1000, bench_clock_unit(),
	    bc->axis.name, fit->intercept_milli / 1000, fit->r2_micro / 1000000,
	    fit->r2_micro % 1000000, fit->nr);
}

void bench_report(const struct bench_case *bc, const struct bench_result *result, unsigned nr)
{
	u64 x[BENCH_MAX_POINTS] = {0}, y[BENCH_MAX_POINTS] = {0};
	struct bench_fit fit;
	bool fitted, exact;
	char text[24];

	for (unsigned i = 0; i < nr; i++) {
		x[i] = result[i].x;
		y[i] = result[i].total.median;
	}
	fitted = bc->axis.linear && bench_fit_of(x, y, nr, &fit);

	exact = table_is_exact(result, nr);
	if (exact && nr == 1) {
		per_unit(result->total.median, result->units, text);
		out("%-28s %s %s per %s\n", bc->name, text, bench_clock_unit(), bc->per);
	} else {
		out("%s: %s per %s\n", bc->name, bench_clock_unit(), bc->per);
		table_head(bc, exact);
		for (unsigned i = 0; i < nr; i++)
			table_row(bc, &result[i], exact);
	}
	table_events(bc, &result[nr - 1]);
	if (fitted)
		table_fit(bc, &fit);
	for (unsigned i = 0; i < nr; i++)
		record_result(bc, &result[i]);
	if (fitted)
		record_fit(bc, &fit);
}
