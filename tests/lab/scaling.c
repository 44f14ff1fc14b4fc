/*
 * scaling.c - `scaling`: what contention costs, in virtual time.
 *
 * Owns: the table. Not here: the cases (case_scaling.c), virtual time (lockstep.c).
 */
#include "tests/lab/scaling.h"

#include <errno.h>
#include <stdio.h>

#include "kernel/core/clock.h"
#include "kernel/shell/out.h"
#include "kernel/shell/shell.h"
#include "tests/lab/lab.h"

const unsigned scaling_vcpus[SCALING_SIZES] = {2, 4, 16, 64};

const struct scaling_row scaling_rows[] = {
	{"scale-lock", "one spinlock"},
	{"scale-percpu", "a counter per vCPU"},
	{"scale-reader", "rw_semaphore, readers"},
	{"scale-mostly", "rw_semaphore, 1 of 16 writes"},
	{NULL, NULL},
};

/* Host side and large: not for a stack. */
static struct scenario sc;
static struct lab_result res;

int scaling_measure(const char *name, unsigned vcpus, u64 *vtime, char *why, size_t len)
{
	char kind[] = "locks", words[4][32];
	char *argv[] = {kind, words[0], words[1], words[2], words[3]};
	int err;

	snprintf(words[0], sizeof(words[0]), "case=%s", name);
	snprintf(words[1], sizeof(words[1]), "actors=%u", vcpus);
	snprintf(words[2], sizeof(words[2]), "cpus=%u", vcpus);
	snprintf(words[3], sizeof(words[3]), "strategy=vtime");
	err = scenario_parse(&sc, ARRAY_SIZE(argv), argv, why, len);
	if (!err)
		err = lab_search(&sc, &res, false, why, len);
	if (err)
		return err;
	*vtime = res.vtime;
	if (res.verdict == LV_SAFE)
		return 0;
	snprintf(why, len, "%s: %s", name, res.summary.first.why);
	return -EIO;
}

static int print_row(const struct scaling_row *row)
{
	char why[256];

	out("%-30s", row->what);
	for (unsigned i = 0; i < SCALING_SIZES; i++) {
		u64 vtime;

		if (scaling_measure(row->name, scaling_vcpus[i], &vtime, why, sizeof(why)) != 0) {
			out("\n");
			return shell_error("scaling", "%s", why);
		}
		out("%10lu", vtime);
	}
	out("\n");
	return SHELL_OK;
}

static int cmd_scaling(int argc, char **argv)
{
	if (argc > 1)
		return shell_error("scaling", "%s: no words are accepted", argv[1]);
	if (!clock_is_insn())
		return shell_error("scaling", "virtual time counts instructions: boot with --clock "
					      "insn --smp 1");
	out("virtual time until the last vCPU has done its work\n%-30s", "vCPUs");
	for (unsigned i = 0; i < SCALING_SIZES; i++)
		out("%10u", scaling_vcpus[i]);
	out("\n");
	for (const struct scaling_row *row = scaling_rows; row->name; row++)
		if (print_row(row) != SHELL_OK)
			return SHELL_FAIL;
	return SHELL_OK;
}

SHELL_CMD(scaling, "scaling: contention in virtual time, 2 to 64 vCPUs", cmd_scaling);
