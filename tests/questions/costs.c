/*
 * costs.c - `costs`: what each rule set for a failed fork costs, beside the matrix's verdicts.
 *
 * Owns: the table. Not here: the measurements, which are benches (bench/fork_fail.c, bench/fork.c).
 * Columns: held, all: until the parent is unlocked, until the child is gone, at half of the way;
 *          their slopes for each VMA copied before the failure, with R2 of the first; and what a
 *          VMA of a fork that succeeds costs under the same rules.
 */
#include <stdio.h>
#include <string.h>

#include "kernel/core/clock.h"
#include "kernel/shell/env.h"
#include "kernel/shell/out.h"
#include "kernel/shell/record.h"
#include "kernel/shell/shell.h"
#include "mm/semantics.h"
#include "tests/bench_internal.h"

#define HALF 128
#define VMAS 256

struct cost {
	u64 held, all, fork; /* fork: of all VMAs */
	struct bench_fit held_fit, all_fit;
};

/* The total of bench @bc at @x; false after an error line. */
static bool total_of(const struct bench_case *bc, u64 x, u64 *total)
{
	static struct bench_result result;
	static struct bench_run run;
	const struct bench_opts opts = {
		.glob = bc->name, .nr_samples = clock_is_insn() ? 1 : 7, .nr_warm = 2,
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

static void print_cost(const char *sem, const struct cost *c)
{
	struct record r;
	const char *text;

	out("%-24s%8lu%8lu%8ld%8ld%8ld%8lu\n", sem, c->held, c->all,
	    c->held_fit.slope_milli / 1000, c->held_fit.r2_micro / 1000,
	    c->all_fit.slope_milli / 1000, c->fork / VMAS);
	record_begin(&r, "cost");
	record_str(&r, "semantics", sem);
	record_str(&r, "clock", clock_record_name());
	record_u64(&r, "held", c->held);
	record_u64(&r, "all", c->all);
	record_ratio(&r, "held_per_vma", c->held_fit.slope_milli, 1000, 3);
	record_ratio(&r, "held_r2", c->held_fit.r2_micro, 1000000, 6);
	record_ratio(&r, "all_per_vma", c->all_fit.slope_milli, 1000, 3);
	record_ratio(&r, "all_r2", c->all_fit.r2_micro, 1000000, 6);
	record_ratio(&r, "fork_per_vma", (s64)c->fork, VMAS, 3);
	text = record_end(&r);
	out_line(text ? text : "# a record did not fit and was left out");
}

static bool is_measured(const struct semantics *sem)
{
	char name[64];

	snprintf(name, sizeof(name), "fork_fail_hold_%s", sem->name);
	return registry_find(bench, name) != NULL;
}

static int cmd_costs(int argc, char **argv)
{
	const struct semantics *sem;

	if (argc > 1)
		return shell_error("costs", "%s: no words are accepted", argv[1]);
	env_record(SEED_DEFAULT);
	out("a fork of %u VMAs that fails at VMA %u; %s (R2 in thousandths)\n", VMAS, HALF,
	    bench_clock_unit());
	out("%-24s%8s%8s%8s%8s%8s%8s\n", "", "held", "all", "/VMA", "R2", "all/VMA", "fork/VMA");
	for_each_registered(semantics, sem) {
		struct cost c = {0};

		if (!is_measured(sem))
			continue;
		if (!line_of("hold", sem->name, &c.held, &c.held_fit) ||
		    !line_of("total", sem->name, &c.all, &c.all_fit) ||
		    !success_of(sem->name, &c.fork))
			return SHELL_FAIL;
		print_cost(sem->name, &c);
	}
	return SHELL_OK;
}

SHELL_CMD(costs,
	  "costs: what each rule set for a failed fork costs\n"
	  "  held until the parent is unlocked, all until the child is gone, their slopes",
	  cmd_costs);
