/*
 * delay.c - question 12: how long the reaper must wait for a robust list to be read.
 */
#include <stdio.h>

#include "tests/questions/question.h"

#define SEARCHES  4u
#define SCHEDULES 25u

struct found {
	u64 stranded, other; /* searches that ended so */
	u64 schedules, first;
};

static int search_all(const char *sem, const char *victim, struct found *f)
{
	*f = (struct found){0};
	for (unsigned seed = 1; seed <= SEARCHES; seed++) {
		const struct lab_result *res = q_search("oom %s sem=%s strategy=random:%u seed=%u",
							victim, sem, SCHEDULES, seed);

		if (!res)
			return -1;
		f->schedules += res->summary.runs;
		if (res->verdict == LV_STRANDED) {
			f->stranded++;
			f->first += res->summary.first_run + 1;
		} else {
			f->other += lab_verdicts[res->verdict].bad;
		}
	}
	return 0;
}

static int row_of_delay(const char *sem, const char *thaw, const char *victim,
			const char *words)
{
	struct found f;
	char title[64], rules[64];

	snprintf(rules, sizeof(rules), "%s%s", sem, thaw);
	if (search_all(rules, words, &f))
		return -1;
	snprintf(title, sizeof(title), "%s, %s", sem + sizeof("reap_") - 1, victim);
	q_str(title);
	q_u64(SEARCHES);
	q_u64(f.stranded);
	q_u64(f.other);
	q_u64(f.schedules);
	q_ratio((s64)f.first, f.stranded, 1);
	q_row();
	return 0;
}

static int rows_of_delay(const char *sem)
{
	static const struct {
		const char *victim, *thaw, *words;
	} victims[] = {
		{"running", "", "owner=leader"},
		{"all thawed", "+thaw_process", "owner=leader freeze=on"},
		{"one thawed", "+thaw_one_thread", "threads=1 owner=thread freeze=on"},
		{"one; 1.5 s", "+thaw_one_thread", "threads=1 owner=thread freeze=on thaw=1500"},
		{"one; 3 s", "+thaw_one_thread", "threads=1 owner=thread freeze=on thaw=3000"},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(victims); i++) {
		if (row_of_delay(sem, victims[i].thaw, victims[i].victim, victims[i].words))
			return -1;
	}
	return 0;
}

QUESTION(12, "How long must the delay be for robust lists?",
	 "A process that holds a robust lock, for which another waits, is chosen by the OOM "
	 "killer and reaped; its list lies in memory that the reaper frees. It runs; or is "
	 "frozen, and the kill thaws all of it, or one thread, which is not the one that holds "
	 "the lock: that one is thawed by somebody else after so long. Under each rule of "
	 "delay, in searches of 25 random schedules: how many stranded the waiter for ever, how "
	 "many ended in another bad verdict, and in which schedule it was stranded on average.",
	 "The lab's time stands still while anybody can run, so a delay is as long as all else "
	 "takes: the loaded machine, on which two seconds pass and the victim has not run, is a "
	 "victim thawed later than that. So the delay must outlast the thaw, whatever that is.")
{
	Q_COLUMNS("reap_, the victim", "searches", "stranded", "other bad", "schedules",
		  "found in");
	if (rows_of_delay("reap_immediate") || rows_of_delay("reap_delay_2s") ||
	    rows_of_delay("reap_delay_unless_frozen"))
		return -1;
	return 0;
}
