/*
 * cmd_walkers.c - `walkers`: who reaches address spaces from outside, and what each looks at first.
 *
 * Owns: the table. Not here: the walkers (mm/walkers), switching a check off for one scenario
 *       (`walkers=` of the lab's kinds).
 */
#include <string.h>

#include "kernel/shell/out.h"
#include "kernel/shell/shell.h"
#include "mm/walkers/walker.h"

static void out_checks(const struct walker *walker)
{
	size_t len = strlen(walker->name);
	const struct walker_check *check;

	for_each_registered(walker_check, check) {
		if (!strncmp(check->name, walker->name, len) && check->name[len] == '.')
			out("    %-22s %s\n", check->name, check->what);
	}
}

static int cmd_walkers(int argc, char **argv)
{
	const struct walker *walker;

	if (argc > 1)
		return shell_error("walkers", "no words are accepted, got \"%s\"", argv[1]);
	for_each_registered(walker, walker) {
		out("  %-24s %s\n", walker->name, walker->what);
		out_checks(walker);
	}
	return SHELL_OK;
}

SHELL_CMD(walkers,
	  "walkers: who reaches an address space besides its owner\n"
	  "  a scenario takes walkers=NAME,... and NAME.CHECK=0 for one without its check",
	  cmd_walkers);
