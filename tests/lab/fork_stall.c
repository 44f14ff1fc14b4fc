/*
 * fork_stall.c - `stall`: the rules of a failed fork by what the parent's other threads wait.
 *
 * Idea: a sibling writes page after page on a vCPU of its own, in virtual time, as long as the fork
 *       lasts. A write that meets the copy waits for the lock of a VMA or of the address space; one
 *       behind it finds its entry without the right to write and copies or takes the page back.
 */
#include "tests/lab/fork_stall.h"

#include <errno.h>
#include <stdio.h>

#include "kernel/core/clock.h"
#include "kernel/shell/out.h"
#include "kernel/shell/shell.h"
#include "mm/semantics.h"
#include "tests/lab/lab.h"

#define SHAPE "vmas=32 pages=4 site=F13 threads=2"

/* Host side and large: not for a stack. */
static struct scenario sc;
static struct lab_result res;

int fork_stall_measure(const char *words, struct fork_stall *stall, char *why, size_t len)
{
	int err = scenario_read(&sc, why, len, "fork %s stall=on strategy=vtime", words);

	if (!err)
		err = lab_search(&sc, &res, false, why, len);
	if (err)
		return err;
	if (lab_verdicts[res.verdict].bad) {
		snprintf(why, len, "%s: %s", words, res.summary.first.why);
		return -EIO;
	}
	*stall = fork_stall_last();
	return 0;
}

static int print_row(const struct semantics *sem)
{
	static const unsigned at[] = {0, 16, 31};
	char words[128], why[256];
	struct fork_stall stall;

	out("%-26s", sem->name);
	for (unsigned i = 0; i < ARRAY_SIZE(at); i++) {
		snprintf(words, sizeof(words), SHAPE " k=%u sem=%s", at[i], sem->name);
		if (fork_stall_measure(words, &stall, why, sizeof(why))) {
			out("\n");
			return shell_error("stall", "%s", why);
		}
		out("%8lu %7lu", stall.longest, stall.sum / max(stall.accesses, 1ul));
	}
	out("\n");
	return SHELL_OK;
}

static int cmd_stall(int argc, char **argv)
{
	const struct semantics *sem;

	if (argc > 1)
		return shell_error("stall", "%s: no words are accepted", argv[1]);
	if (!clock_is_insn())
		return shell_error("stall", "virtual time counts instructions: boot with --clock "
					    "insn --smp 1");
	out("writes of 2 siblings while a fork of 32 VMAs fails at VMA k: longest, mean\n%-26s"
	    "%16s%16s%16s\n",
	    "", "k=0", "k=16", "k=31");
	for_each_registered(semantics, sem) {
		if (sem->axis == SEM_FORK && print_row(sem) != SHELL_OK)
			return SHELL_FAIL;
	}
	return SHELL_OK;
}
SHELL_CMD(stall, "stall: how long a failed fork stops the parent's threads", cmd_stall);
