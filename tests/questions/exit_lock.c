/*
 * exit_lock.c - question 13: exit under the read lock and then the write lock, or one alone.
 */
#include <stdio.h>
#include <string.h>

#include "tests/questions/dying.h"
#include "tests/questions/question.h"

static bool install(const char *name)
{
	struct sem_choice choice;
	const struct sem_set *set = NULL;
	char why[160];

	if (!sem_parse(name, &choice, why, sizeof(why)))
		set = sem_set_of(&choice);
	if (!set) {
		q_fail("no rule set %s", name);
		return false;
	}
	sem_install(set);
	return true;
}

/* One bench under the rules @sem: clock counts for each unit, events beside. */
static int row_of_bench(const char *sem, const char *name, u64 x)
{
	const struct bench_result *result = q_bench(name, x);
	char title[40];

	if (!result)
		return -1;
	snprintf(title, sizeof(title), "%s, %s", sem + strlen("exit_"), name + strlen("exit_"));
	q_str(title);
	q_u64(x);
	q_ratio((s64)result->total.median, result->units, 2);
	q_u64(result->total.median);
	q_u64(result->event[EV_LOCK]);
	q_u64(result->event[EV_ATOMIC]);
	q_row();
	return 0;
}

static int rows_of(const char *sem)
{
	const struct sem_set *before = sem_current();
	int err;

	if (!install(sem))
		return -1;
	err = row_of_bench(sem, "exit_pte_shared", 2048);
	if (!err)
		err = row_of_bench(sem, "exit_vma", 256);
	if (!err)
		err = row_of_bench(sem, "exit_vma_page", 256);
	sem_install(before);
	return err;
}

/* The end beside @helpers, in virtual time. */
static int row_of_company(const char *exit, const char *title, const char *helpers)
{
	const struct lab_result *res = q_search("dying vmas=8 pages=64 sem=%s+reap_reverse %s "
						"strategy=vtime", exit, helpers);
	const struct dying_times *d = &dying_times;
	char text[48];

	if (!res)
		return -1;
	if (lab_verdicts[res->verdict].bad)
		return q_fail("%s: %s", exit, res->summary.first.why);
	snprintf(text, sizeof(text), "%s, %s", exit + strlen("exit_"), title);
	q_str(text);
	q_u64((d->zapped ? d->zapped : d->tables) - d->owner_begins);
	q_u64(d->shell - d->owner_begins);
	q_u64(d->ends[0] > d->begins[0] ? d->ends[0] - d->begins[0] : 0);
	q_row();
	return 0;
}

static int rows_of_company(const char *exit)
{
	return row_of_company(exit, "alone", "") || row_of_company(exit, "reaper", "reapers=1") ||
	       row_of_company(exit, "reader", "reader=lock hold=1000");
}

QUESTION(13, "Is read-then-write in exit worth its complexity?",
	 "The end of an address space that shares everything with its parent, under both rules, "
	 "alone: per unit (a PTE, a VMA), in all, and how many locks and atomics that took. Then "
	 "one of 512 pages in virtual time, alone, beside a reaper, and beside a reader that holds "
	 "mmap_lock: when no page is mapped any more, when all is free, how long the other was "
	 "at it.",
	 "Alone the second lock is all the difference; what it buys shows beside others. Virtual "
	 "time is instructions with each thread on a vCPU of its own, without caches.")
{
	Q_COLUMNS("exit_, bench exit_", "size", "per unit", "all", "locks", "atomics");
	if (rows_of("exit_read_then_write") || rows_of("exit_write_throughout"))
		return -1;
	Q_COLUMNS("exit_, beside", "unmapped", "all free", "the other");
	return rows_of_company("exit_read_then_write") || rows_of_company("exit_write_throughout") ?
		       -1 :
		       0;
}
