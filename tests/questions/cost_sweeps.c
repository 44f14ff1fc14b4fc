/*
 * cost_sweeps.c - `costs sweep=`: one property of the parent varied, all else kept.
 *
 * Owns: the list of sweeps and their tables. Not here: measuring one fork (bench/fork_marks.c),
 *       siblings in virtual time (lab/fork_stall.c).
 * Idea: of each fork held (until the parent is unlocked) and all (until the call returns: a child
 *       that failed is gone) are measured at each value, and a line is fitted through them. The
 *       first two rows are a fork that succeeds and the end of its child.
 */
#include "tests/questions/cost_sweeps.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "kernel/core/clock.h"
#include "kernel/shell/env.h"
#include "kernel/shell/out.h"
#include "kernel/shell/record.h"
#include "kernel/shell/shell.h"
#include "mm/semantics.h"
#include "tests/bench/fork_marks.h"
#include "tests/bench_internal.h"
#include "tests/lab/fork_stall.h"

#define POINTS_MAX 5u
#define FAILS_LAST (~0ull) /* of k: the last VMA */
#define FAILS_HALF (~1ull) /* half of the way */
#define ALL_PAGES  (~0ull) /* of swapped */

struct sweep {
	const char *name, *per;	   /* what x counts */
	struct fork_parent parent; /* .k: a VMA, or one of the words above */
	size_t field;		   /* of struct fork_parent, that varies */
	u64 units;		   /* of x for each value */
	bool linear;
	unsigned nr;
	u64 value[POINTS_MAX];
};

#define FIELD(name) offsetof(struct fork_parent, name)

static const struct sweep sweeps[] = {
	{"pages",
	 "page",
	 {.vmas = 64, .k = FAILS_LAST, .pages = 0},
	 FIELD(pages),
	 64,
	 true,
	 3,
	 {4, 16, 64}},
	{"vmas",
	 "VMA of the parent",
	 {.k = FAILS_HALF, .pages = 1},
	 FIELD(vmas),
	 1,
	 true,
	 3,
	 {64, 256, 1024}},
	{"k",
	 "VMA copied",
	 {.vmas = 256, .pages = 1},
	 FIELD(k),
	 1,
	 true,
	 5,
	 {0, 64, 128, 192, 255}},
	{"sharing",
	 "child before",
	 {.vmas = 64, .k = FAILS_LAST, .pages = 16},
	 FIELD(sharers),
	 1,
	 false,
	 5,
	 {0, 1, 2, 4, 8}},
	{"swap",
	 "swap entry",
	 {.vmas = 64, .k = FAILS_LAST, .swapped = ALL_PAGES},
	 FIELD(pages),
	 64,
	 true,
	 3,
	 {4, 16, 64}},
	{"order",
	 "order",
	 {.vmas = 8, .k = FAILS_LAST, .pages = 512},
	 FIELD(order),
	 1,
	 false,
	 4,
	 {0, 2, 4, 9}},
};

struct curve {
	u64 held[POINTS_MAX], all[POINTS_MAX];
};

/* ---- measuring ---- */

static struct fork_parent parent_at(const struct sweep *s, unsigned point, bool fails)
{
	struct fork_parent parent = s->parent;

	*(u64 *)((char *)&parent + s->field) = s->value[point];
	if (parent.swapped == ALL_PAGES)
		parent.swapped = parent.pages;
	if (parent.k == FAILS_LAST)
		parent.k = parent.vmas - 1;
	else if (parent.k == FAILS_HALF)
		parent.k = parent.vmas / 2;
	if (!fails)
		parent.k = parent.vmas;
	return parent;
}

static bool measure(const struct sweep *s, const char *sem, bool fails, struct curve *c,
		    struct curve *exit)
{
	char why[FORK_MARKS_WHY];

	for (unsigned i = 0; i < s->nr; i++) {
		struct fork_parent parent = parent_at(s, i, fails);
		struct fork_marks marks;

		if (fork_marks_measure(&parent, sem, &marks, why)) {
			(void)shell_error("costs", "%s, %s: %s", s->name, sem, why);
			return false;
		}
		c->held[i] = marks.at[MARK_PARENT];
		c->all[i] = marks.done;
		exit->held[i] = exit->all[i] = marks.exit;
	}
	return true;
}

/* ---- what is printed ---- */

static bool fit_of(const struct sweep *s, const u64 *y, struct bench_fit *fit)
{
	u64 x[POINTS_MAX];

	for (unsigned i = 0; i < s->nr; i++)
		x[i] = s->value[i] * s->units;
	return s->linear && bench_fit_of(x, y, s->nr, fit);
}

static void record_list(struct record *r, const char *key, const u64 *value, unsigned nr, u64 units)
{
	char text[POINTS_MAX * 24 + 3];
	int len = 0;

	for (unsigned i = 0; i < nr; i++)
		len += snprintf(text + len, sizeof(text) - (size_t)len, "%s%lu", i ? "," : "[",
				value[i] * units);
	snprintf(text + len, sizeof(text) - (size_t)len, "]");
	record_raw(r, key, text);
}

static void record_fit(struct record *r, const char *slope, const char *r2,
		       const struct bench_fit *fit)
{
	record_ratio(r, slope, fit->slope_milli, 1000, 3);
	record_ratio(r, r2, fit->r2_micro, 1000000, 6);
}

static void print_row(const struct sweep *s, const char *what, const struct curve *c)
{
	struct bench_fit held, all;
	struct record r;
	const char *text;

	record_begin(&r, "sweep");
	record_str(&r, "sweep", s->name);
	record_str(&r, "rules", what);
	record_str(&r, "clock", clock_record_name());
	record_str(&r, "per", s->per);
	record_list(&r, "x", s->value, s->nr, s->units);
	record_list(&r, "held", c->held, s->nr, 1);
	record_list(&r, "all", c->all, s->nr, 1);
	if (fit_of(s, c->held, &held) && fit_of(s, c->all, &all)) {
		record_fit(&r, "held_slope", "held_r2", &held);
		record_fit(&r, "all_slope", "all_r2", &all);
		out("%-26s%10ld.%ld%8ld%10ld.%ld%8ld\n", what, held.slope_milli / 1000,
		    held.slope_milli / 100 % 10, held.r2_micro / 1000, all.slope_milli / 1000,
		    all.slope_milli / 100 % 10, all.r2_micro / 1000);
	} else {
		out("%-26s", what);
		for (unsigned i = 0; i < s->nr; i++)
			out("%9lu", (c->all[i] + 500) / 1000);
		out("\n");
	}
	text = record_end(&r);
	out_line(text ? text : "# a record did not fit and was left out");
}

static void print_head(const struct sweep *s)
{
	out("%s: a fork at", s->name);
	for (unsigned i = 0; i < s->nr; i++)
		out(" %lu", s->value[i] * s->units);
	if (s->linear) {
		out("; %s a %s (R2 in thousandths)\n%-26s%12s%8s%12s%8s\n", bench_clock_unit(),
		    s->per, "", "held", "R2", "all", "R2");
		return;
	}
	out("; thousand %s in all\n%-26s", bench_clock_unit(), "");
	for (unsigned i = 0; i < s->nr; i++)
		out("%9lu", s->value[i]);
	out("\n");
}

static int run_sweep(const struct sweep *s)
{
	const struct semantics *sem;
	struct curve c = {.held = {0}}, exit = c;

	print_head(s);
	if (s->field != FIELD(k)) {
		if (!measure(s, "zero_marker", false, &c, &exit))
			return SHELL_FAIL;
		print_row(s, "(a fork that succeeds)", &c);
		print_row(s, "(the end of its child)", &exit);
	}
	for_each_registered(semantics, sem) {
		if (!costs_measured(sem))
			continue;
		if (!measure(s, sem->name, true, &c, &exit))
			return SHELL_FAIL;
		print_row(s, sem->name, &c);
	}
	return SHELL_OK;
}

/* ---- vCPUs: the parent's other threads write on vCPUs of their own, in virtual time ---- */

static const u64 siblings[] = {1, 2, 4};

static bool stalls_of(const char *sem, struct curve *c)
{
	char words[128], why[256];

	for (unsigned i = 0; i < ARRAY_SIZE(siblings); i++) {
		struct fork_stall stall;

		snprintf(words, sizeof(words), "vmas=32 pages=4 site=F13 k=31 threads=%lu sem=%s",
			 siblings[i], sem);
		if (fork_stall_measure(words, &stall, why, sizeof(why))) {
			(void)shell_error("costs", "vcpus, %s: %s", sem, why);
			return false;
		}
		c->held[i] = stall.longest;
		c->all[i] = stall.sum / max(stall.accesses, 1ul);
	}
	return true;
}

static int sweep_vcpus(void)
{
	const struct semantics *sem;
	const char *text;
	struct curve c;
	struct record r;

	if (!clock_is_insn()) {
		out("vcpus: virtual time counts instructions: needs --clock insn --smp 1\n");
		return SHELL_OK;
	}
	out("vcpus: a write of one of 1, 2, 4 siblings while a fork of 32 VMAs fails at its\n"
	    "end, virtual time: the longest, in thousands, and the mean\n");
	for_each_registered(semantics, sem) {
		if (sem->axis != SEM_FORK)
			continue;
		if (!stalls_of(sem->name, &c))
			return SHELL_FAIL;
		out("%-26s", sem->name);
		for (unsigned i = 0; i < ARRAY_SIZE(siblings); i++)
			out("%8lu %6lu", (c.held[i] + 500) / 1000, c.all[i]);
		out("\n");
		record_begin(&r, "stall");
		record_str(&r, "rules", sem->name);
		record_list(&r, "siblings", siblings, ARRAY_SIZE(siblings), 1);
		record_list(&r, "longest", c.held, ARRAY_SIZE(siblings), 1);
		record_list(&r, "mean", c.all, ARRAY_SIZE(siblings), 1);
		text = record_end(&r);
		out_line(text ? text : "# a record did not fit and was left out");
	}
	return SHELL_OK;
}

int cost_sweeps(const char *name)
{
	bool all = !strcmp(name, "all"), any = false;
	int status = SHELL_OK;

	env_record(SEED_DEFAULT);
	for (unsigned i = 0; i < ARRAY_SIZE(sweeps) && status == SHELL_OK; i++) {
		if (!all && strcmp(name, sweeps[i].name))
			continue;
		any = true;
		status = run_sweep(&sweeps[i]);
	}
	if (status == SHELL_OK && (all || !strcmp(name, "vcpus"))) {
		any = true;
		status = sweep_vcpus();
	}
	if (any)
		return status;
	return shell_error("costs",
			   "sweep=\"%s\": accepted is pages, vmas, k, sharing, swap, order, "
			   "vcpus or all",
			   name);
}
