/*
 * costs.c - `costs`: what each rule set for a failed fork costs, beside the matrix's verdicts.
 *
 * Owns: the command, its two tables. Not here: the measurements (bench/fork_fail.c, bench/fork.c,
 *       bench/fork_marks.c), what costs grow with (cost_sweeps.c).
 * Columns: held, all: until the parent is unlocked, until the child is gone, at half of the way;
 *          when 50, 90, 100 % of its memory was back, from the failure on; the slopes of the former
 *          for each VMA copied before the failure, with R2; what a VMA of a fork that succeeds
 *          costs under the same rules. Then the phases of the copy and the windows of the child.
 */
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
#include "tests/questions/cost_sweeps.h"

#define HALF 128
#define VMAS 256

struct cost {
	u64 held, all, fork; /* fork: of all VMAs */
	u64 back[3];
	struct bench_fit held_fit, all_fit;
	struct fork_marks marks;
};

static const unsigned percent[] = {50, 90, 100};

/* The total of bench @bc at @x; false after an error line. */
static bool total_of(const struct bench_case *bc, u64 x, u64 *total)
{
	static struct bench_result result;
	static struct bench_run run;
	const struct bench_opts opts = {.glob = bc->name,
					.nr_samples = clock_is_insn() ? 1 : 7,
					.nr_warm = 2,
					.seed = SEED_DEFAULT};

	run = (struct bench_run){.bc = bc, .opts = &opts};
	if (bench_measure(&run, x, &result) != BENCH_RAN) {
		(void)shell_error("costs", "%s: %s", bc->name, run.why);
		return false;
	}
	*total = result.total.median;
	return true;
}

/* bench fork_fail_@kind_@sem over its axis: the total at half of the way, and the line. */
static bool line_of(const char *kind, const char *sem, u64 *half, struct bench_fit *fit)
{
	char name[64];
	u64 y[BENCH_MAX_POINTS];
	const struct bench_case *bc;

	snprintf(name, sizeof(name), "fork_fail_%s_%s", kind, sem);
	bc = registry_find(bench, name);
	for (unsigned i = 0; i < bc->axis.nr; i++) {
		if (!total_of(bc, bc->axis.value[i], &y[i]))
			return false;
		if (bc->axis.value[i] == HALF)
			*half = y[i];
	}
	return bench_fit_of(bc->axis.value, y, bc->axis.nr, fit);
}

/* A fork that succeeds, under the rules @sem. */
static bool success_of(const char *sem, u64 *total)
{
	const struct sem_set *before = sem_current(), *set = NULL;
	struct sem_choice choice;
	char why[160];
	bool ok;

	if (!sem_parse(sem, &choice, why, sizeof(why)))
		set = sem_set_of(&choice);
	if (!set) {
		(void)shell_error("costs", "no rule set %s", sem);
		return false;
	}
	sem_install(set);
	ok = total_of(registry_find(bench, "fork_vma_page"), VMAS, total);
	sem_install(before);
	return ok;
}

/* bench fork_fail_back*: from the failure until so much of the child's memory was given back. */
static bool back_of(const char *sem, u64 back[3])
{
	char name[64];

	for (unsigned i = 0; i < ARRAY_SIZE(percent); i++) {
		snprintf(name, sizeof(name), "fork_fail_back%u_%s", percent[i], sem);
		if (!total_of(registry_find(bench, name), HALF, &back[i]))
			return false;
	}
	return true;
}

static bool marks_of(const char *sem, struct fork_marks *marks)
{
	const struct fork_parent parent = {.vmas = VMAS, .k = HALF, .pages = 1};
	char why[FORK_MARKS_WHY];

	if (!fork_marks_measure(&parent, sem, marks, why))
		return true;
	(void)shell_error("costs", "%s: %s", sem, why);
	return false;
}

static bool measure(const char *sem, struct cost *c)
{
	return line_of("hold", sem, &c->held, &c->held_fit) &&
	       line_of("total", sem, &c->all, &c->all_fit) && back_of(sem, c->back) &&
	       success_of(sem, &c->fork) && marks_of(sem, &c->marks);
}

/* ---- phases and windows ---- */

/* From a moment to the first of those that may end it. */
static const struct part {
	const char *name;
	enum mm_mark from, until[3];
} parts[] = {
	{"clone", MARK_CLONE, {MARK_COPY}},
	{"copy", MARK_COPY, {MARK_RECOVER}},
	{"recover", MARK_RECOVER, {MARK_UNLOCK}},
	{"W0", MARK_PUBLISH, {MARK_UNLOCK}},
	{"W1", MARK_UNLOCK, {MARK_ZAP}},
	{"W2", MARK_ZAP, {MARK_ZAPPED, MARK_TABLES, MARK_SHELL}},
	{"W3", MARK_ZAPPED, {MARK_TABLES, MARK_SHELL}},
	{"W4", MARK_TABLES, {MARK_SHELL}},
	{"W5", MARK_SHELL, {MARK_END}},
};

static u64 part_of(const struct fork_marks *marks, const struct part *part)
{
	for (unsigned i = 0; i < ARRAY_SIZE(part->until) && part->until[i]; i++) {
		if (marks->at[part->until[i]])
			return fork_marks_between(marks, part->from, part->until[i]);
	}
	return 0;
}

/* ---- what is printed ---- */

static void record_cost(const char *sem, const struct cost *c)
{
	struct record r;
	const char *text;

	record_begin(&r, "cost");
	record_str(&r, "semantics", sem);
	record_str(&r, "clock", clock_record_name());
	record_u64(&r, "held", c->held);
	record_u64(&r, "all", c->all);
	record_u64(&r, "back_50", c->back[0]);
	record_u64(&r, "back_90", c->back[1]);
	record_u64(&r, "back_100", c->back[2]);
	record_ratio(&r, "held_per_vma", c->held_fit.slope_milli, 1000, 3);
	record_ratio(&r, "held_r2", c->held_fit.r2_micro, 1000000, 6);
	record_ratio(&r, "all_per_vma", c->all_fit.slope_milli, 1000, 3);
	record_ratio(&r, "all_r2", c->all_fit.r2_micro, 1000000, 6);
	record_ratio(&r, "fork_per_vma", (s64)c->fork, VMAS, 3);
	for (unsigned i = 0; i < ARRAY_SIZE(parts); i++)
		record_u64(&r, parts[i].name, part_of(&c->marks, &parts[i]));
	text = record_end(&r);
	out_line(text ? text : "# a record did not fit and was left out");
}

bool costs_measured(const struct semantics *sem)
{
	char name[64];

	snprintf(name, sizeof(name), "fork_fail_hold_%s", sem->name);
	return registry_find(bench, name) != NULL;
}

#define ROWS_MAX 24u

static struct {
	const char *sem;
	struct cost cost;
} row[ROWS_MAX];

static void print_tables(unsigned nr)
{
	out("%-24s%8s%8s%8s%8s%8s%8s\n", "", "held", "all", "/VMA", "R2", "all/VMA", "fork/VMA");
	for (unsigned i = 0; i < nr; i++) {
		const struct cost *c = &row[i].cost;

		out("%-24s%8lu%8lu%8ld%8ld%8ld%8lu\n", row[i].sem, c->held, c->all,
		    c->held_fit.slope_milli / 1000, c->held_fit.r2_micro / 1000,
		    c->all_fit.slope_milli / 1000, c->fork / VMAS);
	}
	out("memory back after; phases of the copy; windows of the child; in thousands\n%-24s", "");
	out("%5s%5s%5s", "50 %", "90 %", "100%");
	for (unsigned p = 1; p < ARRAY_SIZE(parts); p++)
		out("%*s", p < 3 ? 8 : 5, parts[p].name);
	out("\n");
	for (unsigned i = 0; i < nr; i++) {
		const struct cost *c = &row[i].cost;

		out("%-24s", row[i].sem);
		for (unsigned b = 0; b < ARRAY_SIZE(percent); b++)
			out("%5lu", (c->back[b] + 500) / 1000);
		for (unsigned p = 1; p < ARRAY_SIZE(parts); p++)
			out("%*lu", p < 3 ? 8 : 5, (part_of(&c->marks, &parts[p]) + 500) / 1000);
		out("\n");
	}
}

static int all_costs(void)
{
	const struct semantics *sem;
	unsigned nr = 0;

	env_record(SEED_DEFAULT);
	out("a fork of %u VMAs that fails at VMA %u; %s (R2 in thousandths)\n", VMAS, HALF,
	    bench_clock_unit());
	for_each_registered(semantics, sem) {
		if (!costs_measured(sem) || nr == ROWS_MAX)
			continue;
		row[nr].sem = sem->name;
		row[nr].cost = (struct cost){0};
		if (!measure(sem->name, &row[nr].cost))
			return SHELL_FAIL;
		record_cost(sem->name, &row[nr].cost);
		nr++;
	}
	print_tables(nr);
	return SHELL_OK;
}

static int cmd_costs(int argc, char **argv)
{
	if (argc == 1)
		return all_costs();
	if (argc == 2 && !strncmp(argv[1], "sweep=", 6))
		return cost_sweeps(argv[1] + 6);
	return shell_error("costs", "\"%s\": accepted is sweep=NAME or nothing",
			   argv[argc > 2 ? 2 : 1]);
}

SHELL_CMD(costs,
	  "costs: what each rule set for a failed fork costs\n"
	  "  held until the parent is unlocked, all until the child is gone, their slopes,\n"
	  "  when memory is back, how long each phase of the copy and window of the child is\n"
	  "costs sweep=NAME|all: what it grows with:\n"
	  "  pages, vmas, k, sharing, swap, order, vcpus",
	  cmd_costs);
