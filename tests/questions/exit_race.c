/*
 * exit_race.c - questions 8 to 11 and 14: the end of an address space beside those who reap or
 * read it, in virtual time.
 */
#include <stdio.h>
#include <string.h>

#include "kernel/core/clock.h"
#include "tests/questions/dying.h"
#include "tests/questions/question.h"

#define VTIME_CAVEAT                                                                    \
	"Virtual time is instructions, each thread on a vCPU of its own, waiting for "  \
	"locks and for answers to requests included, with the lab's schedule points "   \
	"on; caches, and what other processes do to the machine, are not in it. On "    \
	"the tsc clock it is the emulator's time: use --clock insn --smp 1."

#define REAP_SAME    "exit_read_then_write+reap_same_order"
#define REAP_REVERSE "exit_read_then_write+reap_reverse"
#define REAP_CHUNKED "exit_read_then_write+reap_chunked_yield"
#define REAP_SKIP    "exit_skip_early+reap_same_order"

/* One run; NULL after q_fail(). */
static const struct dying_times *die(const char *sem, u64 pages, const char *words)
{
	const struct lab_result *res = q_search("dying vmas=8 pages=%lu sem=%s %s strategy=vtime",
						pages, sem, words);

	if (res && lab_verdicts[res->verdict].bad) {
		q_fail("%s: %s", lab_verdicts[res->verdict].name, res->summary.first.why);
		return NULL;
	}
	return res ? &dying_times : NULL;
}

/* How long @helper and exit's own zapping went on at the same time. */
static u64 overlap(const struct dying_times *d, unsigned helper)
{
	u64 zapped = d->zapped ? d->zapped : d->tables;
	u64 from = max(d->zap, d->begins[helper]), to = min(zapped, d->ends[helper]);

	return to > from ? to - from : 0;
}

/* No entry maps a page any more: exit has been everywhere. */
static u64 pages_gone(const struct dying_times *d)
{
	return (d->zapped ? d->zapped : d->tables) - d->owner_begins;
}

static u64 write_wait(const struct dying_times *d)
{
	return d->zapped && d->tables > d->zapped ? d->tables - d->zapped : 0;
}

static u64 exit_length(const struct dying_times *d)
{
	return d->shell - d->owner_begins;
}

/* ---- 8 ---- */

static int row_of_order(const char *title, const char *sem, u64 pages, unsigned nr_reapers)
{
	char words[32];
	const struct dying_times *d;

	snprintf(words, sizeof(words), "reapers=%u", nr_reapers);
	d = die(sem, pages, words);
	if (!d)
		return -1;
	q_str(title);
	q_u64(pages * 8), q_u64(nr_reapers);
	q_u64(exit_length(d));
	q_u64(pages_gone(d));
	if (nr_reapers)
		q_ratio((s64)overlap(d, 0) * 100, max(d->zapped - d->zap, 1ul), 0);
	else
		q_none();
	q_u64(write_wait(d));
	q_row();
	return 0;
}

QUESTION(08, "Is the overlap of reaper and exit common, and is reversing worth it?",
	 "An address space of 8 VMAs ends while reapers free it from the same moment on: how "
	 "long exit takes, when no page is mapped any more, for how much of exit's zapping the "
	 "first reaper was at it too, and how long exit then waited for the write lock; alone, "
	 "and beside one and three reapers, who go the same way, the other way, or in pieces.",
	 "How often a reaper comes at all is a matter of load, which this cannot know; given "
	 "that it comes while exit runs, the overlap is as shown. " VTIME_CAVEAT)
{
	static const u64 sizes[] = {32, 128};
	static const unsigned reapers[] = {1, 3};
	int err = 0;

	Q_COLUMNS("order", "pages", "reapers", "exit", "unmapped", "overlap,%", "lock wait");
	for (unsigned i = 0; i < ARRAY_SIZE(sizes) && !err; i++) {
		err = row_of_order("alone", REAP_SAME, sizes[i], 0);
		for (unsigned j = 0; j < ARRAY_SIZE(reapers) && !err; j++) {
			err = row_of_order("reap_same_order", REAP_SAME, sizes[i], reapers[j]) ||
			      row_of_order("reap_reverse", REAP_REVERSE, sizes[i], reapers[j]) ||
			      row_of_order("reap_chunked_yield", REAP_CHUNKED, sizes[i],
					   reapers[j]);
		}
	}
	return err ? -1 : 0;
}

/* ---- 9 ---- */

/* Instructions of all: what each spent between its begin and its end. */
static u64 all_work(const struct dying_times *d)
{
	u64 sum = exit_length(d) - write_wait(d);

	for (unsigned i = 0; i < DYING_HELPERS; i++)
		sum += d->ends[i] > d->begins[i] ? d->ends[i] - d->begins[i] : 0;
	return sum;
}

static int row_of_skip(const char *title, const char *sem, u64 pages, bool reaped)
{
	const struct dying_times *d = die(sem, pages, reaped ? "reapers=1 late=5" : "");

	if (!d)
		return -1;
	q_str(title);
	q_u64(pages * 8);
	q_u64(pages_gone(d));
	q_u64(exit_length(d));
	q_u64(reaped ? d->ends[0] - d->begins[0] : 0);
	q_u64(all_work(d));
	q_row();
	return 0;
}

QUESTION(09, "Would setting the skip flag early do as well as reversing?",
	 "The same end beside one reaper that comes shortly after exit has begun, under "
	 "exit_skip_early (it finds the flag and goes), under reap_reverse, and without a "
	 "reaper: when no page is mapped any more, how long exit and the reaper took, and the "
	 "sum of both, which is the CPU time spent.",
	 "A reaper that has begun before exit sets the flag goes on. " VTIME_CAVEAT)
{
	static const u64 sizes[] = {32, 128};
	int err = 0;

	Q_COLUMNS("rules", "pages", "unmapped", "exit", "reaper", "CPU in all");
	for (unsigned i = 0; i < ARRAY_SIZE(sizes) && !err; i++) {
		err = row_of_skip("no reaper", REAP_SAME, sizes[i], false) ||
		      row_of_skip("exit_skip_early", REAP_SKIP, sizes[i], true) ||
		      row_of_skip("reap_reverse", REAP_REVERSE, sizes[i], true) ||
		      row_of_skip("reap_same_order", REAP_SAME, sizes[i], true);
	}
	return err ? -1 : 0;
}

/* ---- 10 ---- */

static int row_of_delay(const char *title, const char *sem, u64 pages)
{
	const struct dying_times *d = die(sem, pages, "reapers=1");
	u64 late;

	if (!d)
		return -1;
	late = d->ends[0] > d->zapped ? d->ends[0] - d->zapped : 0;
	q_str(title);
	q_u64(pages * 8);
	q_u64(write_wait(d));
	q_u64(late);
	q_ratio((s64)late * 100, max(d->ends[0] - d->begins[0], 1ul), 0);
	q_ratio((s64)write_wait(d) * 100, max(exit_length(d), 1ul), 0);
	q_row();
	return 0;
}

QUESTION(10, "Does the reaper delay exit after there is nothing left to free?",
	 "The same end beside one reaper: how long exit waits for the write lock once it has "
	 "zapped; how long, and what part of its time, the reaper still walks then, over VMAs "
	 "whose pages are gone; and what part of exit the waiting is.",
	 VTIME_CAVEAT)
{
	static const u64 sizes[] = {4, 32, 128};
	int err = 0;

	Q_COLUMNS("order", "pages", "lock wait", "in vain", "of reaper,%", "of exit,%");
	for (unsigned i = 0; i < ARRAY_SIZE(sizes) && !err; i++) {
		err = row_of_delay("reap_same_order", REAP_SAME, sizes[i]) ||
		      row_of_delay("reap_reverse", REAP_REVERSE, sizes[i]) ||
		      row_of_delay("reap_chunked_yield", REAP_CHUNKED, sizes[i]);
	}
	return err ? -1 : 0;
}

/* ---- 11 ---- */

static int row_of_cpus(u64 pages, unsigned nr_reapers)
{
	char words[32];
	const struct dying_times *d;
	u64 work;

	snprintf(words, sizeof(words), "reapers=%u", nr_reapers);
	d = die(REAP_REVERSE, pages, words);
	if (!d)
		return -1;
	snprintf(words, sizeof(words), "%u vCPUs", 1 + nr_reapers);
	work = all_work(d);
	q_str(words);
	q_u64(pages * 8);
	q_u64(pages_gone(d));
	q_u64(work);
	q_ratio((s64)pages_gone(d), pages * 8, 1);
	q_ratio((s64)work, pages * 8, 1);
	q_row();
	return 0;
}

QUESTION(11, "What do two CPUs that free one address space cost each other?",
	 "The same end by 1, 2 and 4 vCPUs (reap_reverse): when no page is mapped any more and "
	 "how much work that was in all, whole and per page: more work per page than one vCPU "
	 "needs is what they cost each other (locks, page tables walked twice, flushes).",
	 "Lines of caches that go to and fro between CPUs are the greater part of it on "
	 "hardware: that needs KVM or a machine with --clock tsc. There are no MMU notifiers "
	 "here. " VTIME_CAVEAT)
{
	static const u64 sizes[] = {32, 128};

	Q_COLUMNS("freed by", "pages", "unmapped", "work", "till/page", "work/page");
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (unsigned nr = 0; nr <= 3; nr = 2 * nr + 1) {
			if (row_of_cpus(sizes[i], nr))
				return -1;
		}
	}
	return 0;
}

/* ---- 14 ---- */

static int row_of_reader(const char *reader, u64 hold)
{
	char words[64];
	const struct dying_times *d;

	snprintf(words, sizeof(words), "reader=%s hold=%lu", reader, hold);
	d = die(REAP_SAME, 64, words);
	if (!d)
		return -1;
	q_str(reader);
	q_u64(hold * 100);
	q_u64(d->owner_back - d->owner_begins);
	q_u64((d->zapped ? d->zapped : d->tables) - d->owner_begins);
	q_u64(exit_length(d));
	q_row();
	return 0;
}

QUESTION(14, "Pinning users or blocking on the lock: which delays exit more?",
	 "An address space of 512 pages ends while a reader holds mm_users, or mmap_lock to "
	 "read, or the struct alone, for so many turns of a loop: when the thread that ends is "
	 "free, when the pages are, and when all of it is.",
	 "Whoever pins users also gets the work: it is the reader that tears down. " VTIME_CAVEAT)
{
	static const u64 holds[] = {0, 1000, 10000};
	int err = 0;

	Q_COLUMNS("the reader holds", "turns", "thread free", "pages free", "all free");
	for (unsigned i = 0; i < ARRAY_SIZE(holds) && !err; i++) {
		err = row_of_reader("count", holds[i]) || row_of_reader("lock", holds[i]) ||
		      row_of_reader("users", holds[i]);
	}
	return err ? -1 : 0;
}
