/*
 * lab_maple.c - the maple tree's cases of the lab in short: random schedules with every actor,
 * every mutant found, and found again when replayed.
 *
 * Not here: the bounded search to its end and a million schedules (`make lab`).
 */
#include <stdio.h>

#include "tests/ktest.h"
#include "tests/lab/case.h"
#include "tests/lab/world.h"

static struct scenario scenario;
static struct lab_result result;

static void search(struct ktest *t, const char *line, enum lab_verdict expect)
{
	char why[256];

	if (world_arena_bytes() == 0)
		t_skip(t, "no lab arena on this machine");
	if (scenario_read(&scenario, why, sizeof(why), "%s", line) != 0 ||
	    lab_search(&scenario, &result, false, why, sizeof(why)) != 0)
		t_fail(t, "%s: %s", line, why);
	t_note(t, "%s: %s after %lu schedules", line, lab_verdicts[result.verdict].name,
	       result.summary.runs);
	t_count_check(t);
	if (result.verdict != expect)
		t_fail(t, "%s: %s", line, result.summary.first.why);
}

static void search_all_actors(struct ktest *t, const char *name, u64 runs)
{
	char line[128];

	snprintf(line, sizeof(line), "locks case=%s actors=4 strategy=random:%lu", name,
		 t_scale(t, runs));
	search(t, line, LV_SAFE);
}

KTEST(lab_maple, readers_beside_a_writer_are_safe, KT_STRESS)
{
	search_all_actors(t, "maple", 60);
	search_all_actors(t, "maple-edge", 60);
	search_all_actors(t, "maple-join", 60);
}

KTEST(lab_maple, every_mutant_is_found, KT_STRESS)
{
	const struct lab_case *c = registry_find(lab_case, "maple");
	char line[128];

	for (unsigned i = 0; c->mutants[i].name; i++) {
		snprintf(line, sizeof(line), "locks case=maple mutant=%s strategy=random:3000",
			 c->mutants[i].name);
		search(t, line, c->mutants[i].expect);
		t_expect(t, result.reproduced);
	}
}
