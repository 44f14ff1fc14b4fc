/*
 * reap_table.c - `reap`: exit and reapers at the same memory, in virtual time.
 *
 * Owns: the table. Not here: the runs (exit.c), virtual time (lockstep.c).
 * Idea: one killed process whose pages are a file's, mapped privately and read, so that much can be
 *       resident in a small world. On 2 vCPUs one reaper comes beside exit, on 4 three.
 * Columns: instructions of the exiting thread, from its first entry to its last node, and of all
 *       reapers; their sum; of it, how long they waited for each other's PTE locks (and reapers
 *       slept between two tries for mmap_lock). Not in it: what exit slept for its write lock.
 */
#include <stdio.h>

#include "kernel/core/clock.h"
#include "kernel/core/kv.h"
#include "kernel/shell/out.h"
#include "kernel/shell/record.h"
#include "kernel/shell/shell.h"
#include "mm/page.h"
#include "tests/lab/exit_figures.h"
#include "tests/lab/lab.h"

#define VMA_BYTES (4ul << 20)

struct row {
	const char *name, *sem;
	unsigned reapers;
};

static const struct row rows[] = {
	{"no reaper", "reap_same_order", 0},	 {"same order", "reap_same_order", 1},
	{"reverse", "reap_reverse", 1},		 {"chunked", "reap_chunked_yield", 1},
	{"skip early", "exit_skip_early", 1},	 {"write lock", "exit_write_throughout", 1},
	{"same order, 3", "reap_same_order", 3}, {"reverse, 3", "reap_reverse", 3},
	{"chunked, 3", "reap_chunked_yield", 3},
};

/* Host side and large: not for a stack. */
static struct scenario sc;
static struct lab_result res;

static int run_row(const struct row *row, bool split, u64 size, char *why, size_t len)
{
	char words[9][48], *argv[10] = {(char *)"exit"};
	unsigned nr = 0;
	int err;

	snprintf(words[nr++], sizeof(words[0]), "vmas=%lu", size / VMA_BYTES);
	snprintf(words[nr++], sizeof(words[0]), "file=%lu", size / VMA_BYTES);
	snprintf(words[nr++], sizeof(words[0]), "pages=%lu", VMA_BYTES / PAGE_SIZE);
	snprintf(words[nr++], sizeof(words[0]), "sem=%s", row->sem);
	snprintf(words[nr++], sizeof(words[0]), "reapers=%u", row->reapers);
	snprintf(words[nr++], sizeof(words[0]), "split=%s", split ? "on" : "off");
	snprintf(words[nr++], sizeof(words[0]), "world=16");
	snprintf(words[nr++], sizeof(words[0]), "steps=100000000");
	snprintf(words[nr++], sizeof(words[0]), "strategy=vtime");
	for (unsigned i = 0; i < nr; i++)
		argv[i + 1] = words[i];
	err = scenario_parse(&sc, (int)nr + 1, argv, why, len);
	if (!err)
		err = lab_search(&sc, &res, false, why, len);
	if (!err && lab_verdicts[res.verdict].bad) {
		snprintf(why, len, "%s: %s", row->name, res.summary.first.why);
		err = -1;
	}
	return err;
}

struct sums {
	u64 reap, reap_waited; /* of all reapers */
};

static struct sums sum_up(const struct exit_figures *f)
{
	struct sums s = {0, 0};

	for (unsigned i = 0; i < f->nr_reapers; i++) {
		s.reap += exit_span_ticks(&f->reap[i]);
		s.reap_waited += f->reap[i].waited;
	}
	return s;
}

static void print_row(const struct row *row, bool split, u64 size)
{
	const struct exit_figures *f = &exit_figures;
	struct sums s = sum_up(f);
	u64 ran = f->done - f->zap.begin - f->lock.waited;
	struct record r;
	const char *text;

	out("%-14s %-6s %8lu %8lu %8lu %8lu %8lu %6ld\n", row->name, split ? "table" : "mm",
	    ran / 1000, s.reap / 1000, (ran + s.reap) / 1000,
	    (f->zap.waited + s.reap_waited) / 1000, f->lock.waited / 1000,
	    100 * f->pages_reaped / max(f->pages, 1l));
	record_begin(&r, "reap");
	record_str(&r, "rules", row->sem);
	record_u64(&r, "reapers", row->reapers);
	record_u64(&r, "split_ptl", split);
	record_u64(&r, "bytes", size);
	record_u64(&r, "exit", ran);
	record_u64(&r, "exit_zap", exit_span_ticks(&f->zap));
	record_u64(&r, "exit_waited", f->zap.waited);
	record_u64(&r, "reap", s.reap);
	record_u64(&r, "reap_waited", s.reap_waited);
	record_u64(&r, "overlap", f->overlap);
	record_u64(&r, "write_wait", f->lock.waited);
	record_u64(&r, "done", f->done);
	record_u64(&r, "pages", (u64)f->pages);
	record_u64(&r, "pages_reaped", (u64)f->pages_reaped);
	text = record_end(&r);
	out_line(text ? text : "# a record did not fit and was left out");
}

static int print_table(u64 size)
{
	char why[256];
	int err = 0;

	out("%lu MiB resident; thousands of instructions of virtual time\n", size >> 20);
	out("%-14s %-6s %8s %8s %8s %8s %8s %6s\n", "", "lock", "exit", "reapers", "sum", "waited",
	    "for write", "reaped");
	for (unsigned i = 0; i < 2 * ARRAY_SIZE(rows) && !err; i++) {
		const struct row *row = &rows[i % ARRAY_SIZE(rows)];
		bool split = i < ARRAY_SIZE(rows);

		err = run_row(row, split, size, why, sizeof(why));
		if (!err)
			print_row(row, split, size);
	}
	return err ? shell_error("reap", "%s", why) : SHELL_OK;
}

static int cmd_reap(int argc, char **argv)
{
	u64 size = 16ul << 20;
	struct kv kv;

	kv_parse_words(&kv, argc - 1, argv + 1);
	kv_size(&kv, "size", VMA_BYTES, 1ul << 30, &size);
	if (size % VMA_BYTES)
		kv_fail(&kv, "size=%lu: accepted are multiples of 4M", size);
	if (kv_done(&kv))
		return shell_error("reap", "%s", kv.error);
	if (!clock_is_insn())
		return shell_error("reap", "virtual time counts instructions: boot with --clock "
					   "insn --smp 1");
	return print_table(size);
}

SHELL_CMD(reap,
	  "reap [size=16M]: an exit beside reapers, in virtual time\n"
	  "  by order, number of reapers, and a lock per table or per address space",
	  cmd_reap);
