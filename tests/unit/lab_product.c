/*
 * lab_product.c - each site at which a fork can fail, under a few schedules, beside swapoff and
 * uprobe: the part of `make product` that a short test has time for. Another seed takes the sites
 * under other rules.
 */
#include <string.h>

#include "kernel/core/fault.h"
#include "mm/semantics.h"
#include "tests/ktest.h"
#include "tests/lab/matrix.h"
#include "tests/lab/world.h"

#define RUNS 3u

static struct scenario sc;
static struct lab_result res;

/* Rules under which a walker that is as it should be meets a marker, or what lies behind it. */
static bool leaves_a_bare_marker(const struct semantics *sem)
{
	return !strcmp(sem->name, "zero_marker") || !strcmp(sem->name, "zero_marker_sem") ||
	       !strcmp(sem->name, "count_only_walkers");
}

static bool of_a_fork(const struct fault_site *site)
{
	return (site->name[0] == 'F' || site->name[0] == 'R') && site->name[1] >= '0' &&
	       site->name[1] <= '9';
}

static void expect_sound(struct ktest *t, const struct fault_site *site,
			 const struct semantics *sem)
{
	char why[256];

	if (scenario_read(&sc, why, sizeof(why),
			  "fork vmas=4 pages=3 swap=1 file=2 pinned=1 dontcopy=1 policy=4 "
			  "userfault=2 site=%s sem=%s walkers=swapoff,uprobe "
			  "strategy=random:%u seed=%lu",
			  site->name, sem->name, RUNS, (unsigned long)t_seed(t)) ||
	    lab_search(&sc, &res, false, why, sizeof(why)))
		t_fail(t, "%s under %s: %s", site->name, sem->name, why);
	t_count_check(t);
	if (lab_verdicts[res.verdict].bad && res.verdict != LV_MARKER && res.verdict != LV_FOREIGN)
		t_fail(t, "%s under %s: %s", site->name, sem->name, res.summary.first.why);
	if (lab_verdicts[res.verdict].bad && !leaves_a_bare_marker(sem))
		t_fail(t, "%s under %s: %s", site->name, sem->name, res.summary.first.why);
}

KTEST(lab_product, sites_under_rules_in_turn, KT_UNIT)
{
	const struct semantics *row[MATRIX_ROWS_MAX];
	unsigned nr_rows = matrix_rows(row), nr = 0, fired = 0;
	const struct fault_site *site;

	if (world_arena_bytes() == 0)
		t_skip(t, "no lab arena on this machine");
	for_each_registered(fault_site, site) {
		if (!of_a_fork(site))
			continue;
		expect_sound(t, site, row[(nr++ + t_seed(t)) % nr_rows]);
		fired += res.summary.reached[0] == res.summary.runs;
	}
	/* What only one rule set has, or needs another parent, is for the long form. */
	t_expect_ge(t, fired, 10);
	t_note(t, "%u of %u sites failed, in %u schedules each", fired, nr, RUNS);
}
