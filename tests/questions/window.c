/*
 * window.c - questions 4, 5 and 15: how wide the window is, who comes in, who must know.
 */
#include <stdio.h>
#include <string.h>

#include "mm/walkers/walker.h"
#include "tests/questions/question.h"

#define SWAPPED "vmas=3 pages=2 swap=1 walkers=swapoff"
#define MAPPED	"vmas=3 pages=1 file=3 touching=on clean=on walkers=uprobe"

static bool is_about_forks(const struct semantics *sem)
{
	return sem->axis == SEM_FORK || sem->axis == SEM_GATE || sem->axis == SEM_WALKREF;
}

/* In how many of @res's runs the place called @name was reached. */
static u64 reached(const struct lab_result *res, const char *name)
{
	for (unsigned i = 0; i < res->summary.nr_reach; i++) {
		if (!strcmp(res->summary.reach_names[i], name))
			return res->summary.reached[i];
	}
	return 0;
}

/* ---- 4 ---- */

static int row_of_width(const struct semantics *sem)
{
	const struct fork_run *run = q_fork("vmas=64 pages=8 site=F13 k=32 sem=%s", sem->name);

	if (!run)
		return -1;
	q_str(sem->name);
	q_u64(q_between(run, MARK_PUBLISH, MARK_UNLOCK));
	q_u64(q_between(run, MARK_UNLOCK, MARK_ZAP));
	q_u64(q_between(run, MARK_ZAP, MARK_SHELL));
	q_row();
	return 0;
}

static int row_of_hits(const char *walker, const char *words, const char *strategy, u64 work)
{
	const struct lab_result *res = q_search("fork %s work=%lu sem=insert_one_by_one "
						"strategy=%s", words, work, strategy);

	if (!res)
		return -1;
	q_str(walker);
	q_str(strategy), q_u64(work), q_u64(res->summary.runs);
	q_u64(reached(res, "W0-pinned?"));
	q_u64(reached(res, "W1-entered"));
	q_ratio((s64)reached(res, "W1-entered") * 100, res->summary.runs, 1);
	q_row();
	return 0;
}

static int rows_of_hits(const char *strategy, u64 work)
{
	return row_of_hits("swapoff, F13 fails", SWAPPED " site=F13 k=1", strategy, work) ||
	       row_of_hits("swapoff, SIGKILL", SWAPPED " kill=1", strategy, work) ||
	       row_of_hits("uprobe, F13 fails", MAPPED " site=F13 k=1", strategy, work);
}

QUESTION(04, "How wide is the window and how often is it hit?",
	 "Width: clock counts that a fork of 64 VMAs of 8 pages that fails at VMA 32 spends in "
	 "W0 (others find the child, it is locked), in W1 (unlocked, not yet being torn down) "
	 "and in W2 to W4. Hits: schedules of a fork of 3 VMAs beside one walker in which the "
	 "walker pinned the child in W0 or had its lock in W1, drawn evenly and by priorities "
	 "(pct); `work` is how many accesses the parent makes before it forks, so when the "
	 "walker comes.",
	 "A schedule drawn at random is no load of a machine: at each step any vCPU may go on, "
	 "which makes hits far likelier than they are. The figures compare walkers, failures "
	 "and offsets. What sleeps in W1 under Linux (notifiers, aio, KSM) is not here, so W1 "
	 "is at its shortest; a delay on a real machine is `sites mm_unlock delay_ns=`.")
{
	const struct semantics *sem;

	Q_COLUMNS("semantics", "W0", "W1", "W2 to W4");
	for_each_registered(semantics, sem) {
		if (is_about_forks(sem) && row_of_width(sem))
			return -1;
	}
	Q_COLUMNS("walker and failure", "strategy", "work", "schedules", "W0", "W1", "W1, %");
	for (u64 work = 0; work <= 40; work += 40) {
		if (rows_of_hits("random:200", work) || rows_of_hits("pct:3:200", work))
			return -1;
	}
	return 0;
}
