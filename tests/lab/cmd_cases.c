/*
 * cmd_cases.c - `cases`: what `scenario locks` and `scenario walk` know, one record a line, for the
 * long search (tests/lab-long), which must not keep a list of its own.
 */
#include "kernel/shell/out.h"
#include "kernel/shell/shell.h"
#include "tests/lab/case.h"

static void print_case(const struct lab_case *c, const char *mutant, const char *what,
		       enum lab_verdict expect)
{
	out("{\"mmlife\":1,\"type\":\"case\",\"kind\":\"%s\",\"case\":\"%s\",\"mutant\":\"%s\","
	    "\"what\":\"%s\",\"actors\":%u,\"bound\":%u,\"bound_actors\":%u,\"programs\":%s,"
	    "\"expect\":\"%s\"}\n",
	    lab_case_kind(c), c->name, mutant, what, c->actors, c->bound ? c->bound : 2,
	    c->bound_actors ? c->bound_actors : c->actors, c->programs ? "true" : "false",
	    lab_verdicts[expect].name);
}

static int cmd_cases(int argc, char **argv)
{
	const struct lab_case *c;

	if (argc > 1)
		return shell_error("cases", "%s: no words are accepted", argv[1]);
	for_each_registered(lab_case, c) {
		if (!c->wrong)
			print_case(c, "none", c->what, LV_SAFE);
		for (unsigned i = 0; c->mutants && c->mutants[i].name; i++)
			print_case(c, c->mutants[i].name, c->mutants[i].what, c->mutants[i].expect);
	}
	return SHELL_OK;
}

SHELL_CMD(cases, "cases: cases and mutants of `scenario locks` and `walk`", cmd_cases);
