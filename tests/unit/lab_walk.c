/*
 * lab_walk.c - faults against changes of an address space, searched over schedules: nothing found
 * where nothing is wrong, every mutant found.
 */
#include <string.h>

#include "tests/ktest.h"
#include "tests/lab/lab.h"
#include "tests/lab/world.h"

static struct scenario scenario;
static struct lab_result result;

static enum lab_verdict search(struct ktest *t, const char *line)
{
	char words[128], why[256], *argv[8], *save = NULL;
	int argc = 0;

	if (world_arena_bytes() == 0)
		t_skip(t, "no lab arena on this machine");
	strlcpy(words, line, sizeof(words));
	for (char *w = strtok_r(words, " ", &save); w && argc < 8; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	if (scenario_parse(&scenario, argc, argv, why, sizeof(why)) != 0 ||
	    lab_search(&scenario, &result, false, why, sizeof(why)) != 0)
		t_fail(t, "%s: %s", line, why);
	t_note(t, "%s: %s after %lu schedules", line, lab_verdicts[result.verdict].name,
	       (unsigned long)result.summary.runs);
	return result.verdict;
}

KTEST(lab_walk, a_fault_beside_a_change_is_safe, KT_STRESS)
{
	t_expect_eq(t, search(t, "walk case=munmap strategy=random:500"), LV_SAFE);
	t_expect_eq(t, search(t, "walk case=mprotect strategy=random:500"), LV_SAFE);
}

KTEST(lab_walk, a_step_left_out_is_found, KT_STRESS)
{
	t_expect_eq(t, search(t, "walk case=munmap mutant=no-lock strategy=random:5000"),
		    LV_CORRUPT);
	t_expect_eq(t, search(t, "walk case=munmap mutant=free-at-once strategy=random:5000"),
		    LV_UAF);
	t_expect_eq(t, search(t, "walk case=mprotect mutant=no-flush strategy=random:5000"),
		    LV_CORRUPT);
}
