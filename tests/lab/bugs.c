/*
 * bugs.c - see bugs.h; the command `bugs`.
 *
 * Idea: nothing but the scenario line is told to the search. The old form must be found by random
 *       choice and by the bounded search, and the fixed form by neither.
 */
#include "tests/lab/bugs.h"

#include <stdio.h>
#include <string.h>

#include "kernel/shell/out.h"
#include "kernel/shell/record.h"
#include "kernel/shell/shell.h"
#include "tests/glob.h"
#include "tests/lab/lab.h"

#define BY_PCT	"pct:3:1000"
#define SWAPPED "fork vmas=3 pages=2 swap=1 site=F13 k=1 "
#define KILLED	"fork vmas=3 pages=2 swap=1 kill=1 "
#define PROBED	" file=1 pages=1 touching=on clean=on stay=on site=F13 k=1 "
#define PAIR	"fork vmas=2 shared=1" PROBED
#define THREE	"fork vmas=3 shared=2" PROBED
#define HELD	"to_child=on hold=1 "
#define FROZEN	"oom pages=1 threads=1 owner=thread freeze=on "
#define LEAVING "exit vmas=1 pages=1 reapers=0 mrelease=1 "
#define PLAIN	"fork vmas=3 pages=1 site=F13 k=1 "

const struct lab_bug lab_bugs[] = {
	{"swapoff-marker", "swapoff walks into the marker (2025-08)", LV_MARKER, "bounded:1",
	 "bounded:1", SWAPPED "sem=zero_marker_flagged walkers=swapoff,swapoff.stable=0",
	 SWAPPED "sem=zero_marker_flagged walkers=swapoff"},
	{"swapoff-killed", "the same after a SIGKILL in the middle of the copy", LV_MARKER,
	 "bounded:1", "bounded:1",
	 KILLED "sem=zero_marker_flagged walkers=swapoff,swapoff.stable=0",
	 KILLED "sem=zero_marker_flagged walkers=swapoff"},
	{"uprobe-neighbour", "a probe's neighbour lookup meets the marker (2024-12)", LV_MARKER,
	 "bounded:2", "bounded:1",
	 PAIR "sem=zero_marker_flagged+sem_for_copy walkers=uprobe,uprobe.stable=0",
	 PAIR "sem=zero_marker_flagged+sem_for_copy walkers=uprobe"},
	{"uprobe-foreign", "one by address passes over the marker to the parent's VMA", LV_FOREIGN,
	 "bounded:2", "bounded:1",
	 THREE "sem=zero_marker walkers=uprobe,uprobe.stable=0,uprobe.iterate=0",
	 THREE "sem=zero_marker_flagged+sem_for_copy walkers=uprobe,uprobe.iterate=0"},
	{"sem-narrow", "dup_mmap_sem for the copy only, against until it is gone", LV_MARKER,
	 "bounded:2", "bounded:1", PAIR "sem=zero_marker walkers=uprobe,uprobe.stable=0",
	 PAIR "sem=zero_marker_sem walkers=uprobe,uprobe.stable=0"},
	{"sem-second-pin", "dup_mmap_sem is let go while another walker keeps the child", LV_MARKER,
	 "bounded:1", "bounded:1",
	 PAIR HELD "sem=zero_marker_sem walkers=uprobe,uprobe.stable=0,fault",
	 PAIR HELD "sem=zero_marker_flagged walkers=uprobe,fault"},
	{"maps-foreign", "a reader that goes on by address finds the parent's VMAs", LV_FOREIGN,
	 "bounded:1", "bounded:1", PLAIN "sem=zero_marker walkers=maps,maps.iterate=0",
	 PLAIN "sem=full_teardown_both_locks walkers=maps"},
	{"fault-foreign", "a lookup without lock finds the parent's VMA", LV_FOREIGN, "bounded:1",
	 "bounded:1", PLAIN "sem=zero_marker walkers=fault,fault.owner=0",
	 PLAIN "sem=zero_marker walkers=fault"},
	{"numa-null", "NUMA balancing's scan of an mm without VMAs (2024-10)", LV_NULL, "bounded:1",
	 "bounded:1", PLAIN "rounds=4 sem=full_teardown_both_locks walkers=numa,numa.empty=0",
	 PLAIN "rounds=4 sem=full_teardown_both_locks walkers=numa"},
	{"migrate-null", "migrate_pages of an mm without VMAs (2024-11)", LV_NULL, "bounded:1",
	 "bounded:1", PLAIN "sem=full_teardown_both_locks walkers=migrate,migrate.empty=0",
	 PLAIN "sem=full_teardown_both_locks walkers=migrate"},
	{"pin-late", "swapoff retries while an ageing walk keeps what is dead", LV_LATE,
	 "bounded:1", "bounded:1",
	 SWAPPED HELD "sem=prune_tail_flagged walkers=swapoff,pin,pin.count=0",
	 SWAPPED HELD "sem=prune_tail_flagged walkers=swapoff,pin"},
	{"frozen-stranded", "a victim thawed in part is reaped before it gives up its lock",
	 LV_STRANDED, "bounded:1", NULL, FROZEN "sem=thaw_one_thread", FROZEN "sem=thaw_process"},
	{"mrelease-refused", "process_mrelease() of a task that has left its memory", LV_REFUSED,
	 "bounded:1", "bounded:1", LEAVING, LEAVING "sem=keep_exit_mm"},
};
const unsigned nr_lab_bugs = ARRAY_SIZE(lab_bugs);

static struct scenario sc;
static struct lab_result res;

/* Search for @bug in one form. A number of enum lab_verdict, or -1 with the reason told. */
static int search(const struct lab_bug *bug, bool old, const char *strategy)
{
	char why[256];

	if (scenario_read(&sc, why, sizeof(why), "%s until=%s strategy=%s shrink=switches",
			  old ? bug->old_words : bug->fixed_words, lab_verdicts[bug->verdict].name,
			  strategy) ||
	    lab_search(&sc, &res, true, why, sizeof(why))) {
		shell_error("bugs", "%s", why);
		return -1;
	}
	if (res.aborted) {
		shell_error("bugs", "ended by a key");
		return -1;
	}
	return (int)res.verdict;
}

static void record_search(const struct lab_bug *bug, const char *form, const char *strategy)
{
	struct record r;
	const char *text;

	record_begin(&r, "bug");
	record_str(&r, "bug", bug->name);
	record_str(&r, "form", form);
	record_str(&r, "strategy", strategy);
	record_str(&r, "verdict", lab_verdicts[res.verdict].name);
	record_u64(&r, "schedules", res.summary.runs);
	record_u64(&r, "found",
		   res.summary.first.verdict != LV_SAFE ? res.summary.first_run + 1 : 0);
	record_u64(&r, "complete", res.complete);
	if (res.shrunk.runs)
		record_u64(&r, "switches", res.shrunk.switches);
	if (res.pct.depth)
		record_ratio(&r, "miss", res.pct.miss, 1000000, 6);
	text = record_end(&r);
	out_line(text ? text : "# a record did not fit and was left out");
}

static void tell_found(const char *strategy)
{
	if (res.summary.first.verdict == LV_SAFE)
		out("  old   %-14s not in %llu schedules", strategy,
		    (unsigned long long)res.summary.runs);
	else
		out("  old   %-14s %s in schedule %llu, with %u switches", strategy,
		    lab_verdicts[res.verdict].name, (unsigned long long)res.summary.first_run + 1,
		    res.shrunk.switches);
	if (res.pct.depth)
		out("; depth %u is missed by at most %u.%06u", res.pct.depth,
		    res.pct.miss / 1000000, res.pct.miss % 1000000);
	out("\n");
}

/* One line under one strategy: a number and what it means. False: not as it should be. */
static bool one(const struct lab_bug *bug, bool old, const char *strategy)
{
	bool as_wanted;

	if (search(bug, old, strategy) < 0)
		return false;
	record_search(bug, old ? "old" : "fixed", strategy);
	as_wanted = old ? res.verdict == bug->verdict
			: res.verdict != bug->verdict && !lab_verdicts[res.verdict].bad;
	if (old)
		tell_found(strategy);
	else
		out("  fixed %-14s no %s in %llu schedules%s\n", strategy,
		    lab_verdicts[bug->verdict].name, (unsigned long long)res.summary.runs,
		    res.complete ? ", complete" : "");
	if (!as_wanted)
		out("  NOT as it should be: %s\n", lab_verdicts[res.verdict].name);
	return as_wanted;
}

/* What pct finds is told with what it may miss; it is not held to anything. */
static void by_pct(const struct lab_bug *bug)
{
	if (search(bug, true, BY_PCT) < 0)
		return;
	record_search(bug, "old", BY_PCT);
	tell_found(BY_PCT);
}

static int cmd_bugs(int argc, char **argv)
{
	const char *glob = argc > 1 ? argv[1] : "*";
	unsigned nr = 0, wrong = 0;

	if (argc > 2)
		return shell_error("bugs", "one glob is accepted, got \"%s\"", argv[2]);
	for (unsigned i = 0; i < nr_lab_bugs; i++) {
		const struct lab_bug *bug = &lab_bugs[i];

		if (!glob_match(glob, bug->name))
			continue;
		nr++;
		out("%s: %s\n", bug->name, bug->what);
		wrong += !one(bug, true, "random:10000");
		wrong += !one(bug, true, bug->bounded);
		by_pct(bug);
		wrong += !one(bug, false, "random:1000");
		if (bug->fixed_bounded)
			wrong += !one(bug, false, bug->fixed_bounded);
	}
	if (!nr)
		return shell_error("bugs", "no bug is called \"%s\"", glob);
	if (wrong)
		return shell_error("bugs", "%u searches of %u bugs did not end as they should",
				   wrong, nr);
	return SHELL_OK;
}

SHELL_CMD(bugs,
	  "bugs [GLOB]: bugs that have a name, old and fixed, by search\n"
	  "  random and bounded; how many schedules it took",
	  cmd_bugs);
