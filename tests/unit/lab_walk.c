/*
 * lab_walk.c - every case of `scenario walk`, searched over schedules: nothing found where nothing
 * is wrong, every mutant found, and found again by its replay.
 */
#include <stdio.h>
#include <string.h>

#include "tests/ktest.h"
#include "tests/lab/case.h"
#include "tests/lab/world.h"

static struct scenario scenario;
static struct lab_result result;

/* Leaves the result in `result`. */
static void search(struct ktest *t, const struct lab_case *c, const char *mutant,
		   const char *strategy)
{
	char line[160], why[256];

	if (world_arena_bytes() == 0)
		t_skip(t, "no lab arena on this machine");
	snprintf(line, sizeof(line), "walk case=%s mutant=%s strategy=%s", c->name, mutant,
		 strategy);
	if (scenario_read(&scenario, why, sizeof(why), "%s", line) != 0 ||
	    lab_search(&scenario, &result, false, why, sizeof(why)) != 0)
		t_fail(t, "%s: %s", line, why);
	t_note(t, "%s: %s after %lu schedules", line, lab_verdicts[result.verdict].name,
	       (unsigned long)result.summary.runs);
}

static void expect_verdict(struct ktest *t, const struct lab_case *c, const char *mutant,
			   enum lab_verdict expect)
{
	t_count_check(t);
	if (!lab_case_shows(result.verdict, expect))
		t_fail(t, "%s mutant=%s: %s instead of %s (%s)", c->name, mutant,
		       lab_verdicts[result.verdict].name, lab_verdicts[expect].name,
		       result.summary.first.why);
	if (expect != LV_SAFE)
		t_expect(t, result.reproduced);
}

static bool of_walk(const struct lab_case *c)
{
	return strcmp(lab_case_kind(c), "walk") == 0;
}

KTEST(lab_walk, random_accepts_what_is_correct, KT_STRESS)
{
	const struct lab_case *c;
	char strategy[32];

	snprintf(strategy, sizeof(strategy), "random:%lu", (unsigned long)t_scale(t, 300));
	for_each_registered(lab_case, c) {
		if (!of_walk(c) || c->wrong || c->slow)
			continue;
		search(t, c, "none", strategy);
		expect_verdict(t, c, "none", LV_SAFE);
	}
}

KTEST(lab_walk, other_programs_are_correct_too, KT_STRESS)
{
	static const char *const names[] = {"model-swap", "model-fork"};
	u64 first = t_seed(t) & 0xffff, nr = t_scale(t, 3);
	char strategy[48];

	for (u64 i = 0; i < ARRAY_SIZE(names) * nr; i++) {
		const struct lab_case *c = registry_find(lab_case, names[i / nr]);

		snprintf(strategy, sizeof(strategy), "random:5 program=%lu",
			 (unsigned long)(first + 2 + i % nr));
		search(t, c, "none", strategy);
		expect_verdict(t, c, "none", LV_SAFE);
	}
}

KTEST(lab_walk, slow_ones_are_correct_too, KT_STRESS)
{
	const struct lab_case *c;
	char strategy[32];

	snprintf(strategy, sizeof(strategy), "random:%lu", (unsigned long)t_scale(t, 10));
	for_each_registered(lab_case, c) {
		if (!of_walk(c) || !c->slow)
			continue;
		search(t, c, "none", strategy);
		expect_verdict(t, c, "none", LV_SAFE);
	}
}

/*
 * By the first strategy, or else by the second, if there is one: of two actors only, since three
 * have too many schedules.
 */
static void find_mutants(struct ktest *t, const char *first, const char *second)
{
	const struct lab_case *c;

	for_each_registered(lab_case, c) {
		if (second && c->actors > 2)
			continue;
		for (const struct lab_mutant *m = c->mutants; of_walk(c) && m && m->name; m++) {
			search(t, c, m->name, first);
			if (second && result.verdict == LV_SAFE)
				search(t, c, m->name, second);
			expect_verdict(t, c, m->name, m->expect);
		}
	}
}

KTEST(lab_walk, random_finds_every_mutant, KT_STRESS)
{
	find_mutants(t, "random:20000", NULL);
}

KTEST(lab_walk, two_preemptions_find_every_mutant, KT_STRESS)
{
	find_mutants(t, "bounded:1", "bounded:2");
}
