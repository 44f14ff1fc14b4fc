/*
 * matrix_exit.c - `matrix exit`: rules for a dying address space against those who meet it.
 *
 * Owns: its rows, columns and table. Not here: what one cell runs (exit.c, oom.c).
 * Idea: a cell is one scenario line, and what it says is what was seen: `late`, `refused` and
 *       `stranded` are facts of runs, not of the rules' names. A cell may have several letters: the
 *       bad one, or else each thing that was told in some run.
 */
#include <stdio.h>
#include <string.h>

#include "kernel/core/kv.h"
#include "kernel/core/symbols.h"
#include "kernel/shell/out.h"
#include "kernel/shell/record.h"
#include "kernel/shell/shell.h"
#include "tests/lab/lab.h"
#include "tests/lab/matrix.h"

struct column {
	const char *title;
	const char *words;
};

/* Who meets it; each is the smallest process that has what it takes. */
static const struct column column[] = {
	{"reaper", "exit vmas=2 pages=2 threads=1"},
	{"mrel.", "exit vmas=2 pages=1 reapers=0 mrelease=1"},
	{"k+mrel", "exit vmas=2 pages=1 reapers=0 mrelease=1 killer=mrelease"},
	{"reader", "exit vmas=2 pages=1 walkers=maps linger=10"},
	{"swpoff", "exit vmas=2 pages=2 swap=1 walkers=swapoff"},
	{"futex", "oom"},
	{"frozen", "oom threads=1 owner=thread freeze=on"},
	{"f+mrel", "oom mrelease=1"},
};
#define COLUMNS ARRAY_SIZE(column)

/* What differs from the defaults: those of 7.0. */
static const struct row {
	const char *title;
	const char *sem;
} row[] = {
	{"same order", "reap_same_order"},
	{"reverse", "reap_reverse"},
	{"chunked, yields", "reap_chunked_yield"},
	{"exit skips early", "exit_skip_early"},
	{"exit writes throughout", "exit_write_throughout"},
	{"immediate", "reap_immediate"},
	{"unless frozen", "reap_delay_unless_frozen"},
	{"thaw one", "thaw_one_thread"},
	{"thaw one unless frozen", "thaw_one_thread+reap_delay_unless_frozen"},
	{"mrelease kills", "mrelease_kill"},
	{"exit_mm keeps", "keep_exit_mm"},
	{"walkers count", "count_only_walkers"},
};
#define ROWS ARRAY_SIZE(row)

#define LETTERS 5u

struct cell {
	char letters[LETTERS];
	u64 runs; /* a bad one: in which it was found */
};

static struct cell table[ROWS][COLUMNS];
static struct scenario sc;
static struct lab_result res;

static void fill_cell(struct cell *cell)
{
	const struct lab_summary *s = &res.summary;
	unsigned nr = 0;

	*cell = (struct cell){.runs = s->runs};
	if (lab_verdicts[res.verdict].bad) {
		cell->letters[0] = lab_verdicts[res.verdict].letter;
		cell->runs = s->first_run + 1;
		return;
	}
	for (unsigned v = LV_WASTE; v < LV_NR && nr < LETTERS - 1; v++) {
		if (s->noted[v])
			cell->letters[nr++] = lab_verdicts[v].letter;
	}
	if (!nr)
		cell->letters[0] = lab_verdicts[res.verdict].letter;
}

static void record_cell(unsigned i, unsigned j)
{
	static struct record r;
	const char *text;

	record_begin(&r, "cell");
	record_str(&r, "semantics", row[i].sem);
	record_str(&r, "walker", column[j].title);
	record_str(&r, "verdict", lab_verdicts[res.verdict].name);
	record_u64(&r, "schedules", res.summary.runs);
	record_u64(&r, "late", res.summary.noted[LV_LATE]);
	record_u64(&r, "refused", res.summary.noted[LV_REFUSED]);
	record_str(&r, "strategy", sc.strategy_word);
	record_u64(&r, "seed", sc.seed);
	text = record_end(&r);
	out_line(text ? text : "# a record did not fit and was left out");
}

static int run_cell(unsigned i, unsigned j, u64 runs)
{
	char why[256];

	out("# %zu of %zu: %s x %s\n", i * COLUMNS + j + 1, ROWS * COLUMNS, row[i].sem,
	    column[j].title);
	if (scenario_read(&sc, why, sizeof(why), "%s sem=%s strategy=random:%lu shrink=switches",
			  column[j].words, row[i].sem, runs) ||
	    lab_search(&sc, &res, false, why, sizeof(why)))
		return shell_error("matrix", "%s", why);
	if (res.aborted)
		return shell_error("matrix", "ended by a key");
	fill_cell(&table[i][j]);
	record_cell(i, j);
	if (lab_verdicts[res.verdict].bad) {
		out("%s x %s: %s in schedule %lu: %s\n", row[i].sem, column[j].title,
		    lab_verdicts[res.verdict].name, table[i][j].runs, res.summary.first.why);
		out("replay build=%s %s schedule=", build_id(), sc.line);
		out_line(res.schedule ? res.schedule : "(too long)");
	}
	return SHELL_OK;
}

static void print_legend(void)
{
	for (unsigned v = 0; v < LV_NR; v++) {
		char letter = lab_verdicts[v].letter;
		bool used = false;

		for (unsigned i = 0; i < ROWS * COLUMNS; i++)
			used |= strchr(table[i / COLUMNS][i % COLUMNS].letters, letter) != NULL;
		if (used)
			out("  %c %s\n", letter, lab_verdicts[v].name);
	}
}

static void print_table(void)
{
	out("%-22s", "");
	for (unsigned j = 0; j < COLUMNS; j++)
		out(" %-6.6s", column[j].title);
	out("\n");
	for (unsigned i = 0; i < ROWS; i++) {
		out("%-22s", row[i].title);
		for (unsigned j = 0; j < COLUMNS; j++)
			out(" %-2s%-4lu", table[i][j].letters, table[i][j].runs);
		out("\n");
	}
	out("beside a letter: the schedule it was found in, else schedules tried\n");
	print_legend();
}

int matrix_exit(int argc, char **argv)
{
	struct kv kv;
	u64 runs = 100;

	kv_parse_words(&kv, argc - 1, argv + 1);
	kv_u64(&kv, "runs", 1, 10000000, &runs);
	if (kv_done(&kv))
		return shell_error("matrix", "%s", kv.error);
	for (unsigned i = 0; i < ROWS * COLUMNS; i++) {
		int err = run_cell(i / COLUMNS, i % COLUMNS, runs);

		if (err)
			return err;
	}
	print_table();
	return SHELL_OK;
}
