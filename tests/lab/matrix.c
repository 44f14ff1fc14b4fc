/*
 * matrix.c - the command `matrix`: every rule set for a failed fork against every walker.
 *
 * Owns: the table, what is printed of each cell.
 * Not here: what a cell is (matrix.h), what one runs (fork.c), how a verdict comes about.
 */
#include "tests/lab/matrix.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/shell/out.h"
#include "kernel/shell/record.h"
#include "kernel/shell/shell.h"
#include "mm/semantics.h"
#include "tests/glob.h"

#define LINE_WIDTH 72

static struct matrix_column column[MATRIX_COLUMNS_MAX];
static unsigned nr_columns;
static const struct semantics *row[MATRIX_ROWS_MAX];
static unsigned nr_rows;
static struct matrix_cell table[MATRIX_ROWS_MAX][MATRIX_COLUMNS_MAX];

/* ---- one cell ---- */

static char replay[RECORD_MAX]; /* the line, if it is short; else empty */

static void print_replay(const char *first, const char *schedule)
{
	out("%s", first);
	out_line(schedule);
	if (snprintf(replay, sizeof(replay), "%s%s", first, schedule) >= (int)sizeof(replay))
		replay[0] = '\0';
}

/* "random:100; bounded:1 complete after 1561": what was searched, and how far that came. */
static const char *searched(const struct matrix_cell *cell, char *buf, size_t len)
{
	size_t at = 0;

	for (unsigned i = 0; i < cell->nr_parts && at < len; i++) {
		const struct matrix_part *p = &cell->part[i];

		at += (size_t)snprintf(buf + at, len - at, "%s%s", i ? "; " : "", p->strategy);
		if (p->bounded && at < len)
			at += (size_t)snprintf(buf + at, len - at, " %scomplete after %lu",
					       p->complete ? "" : "not ", p->runs);
	}
	return buf;
}

/* Everything within a bound was run. */
static bool is_complete(const struct matrix_cell *cell)
{
	for (unsigned i = 0; i < cell->nr_parts; i++) {
		if (cell->part[i].complete)
			return true;
	}
	return false;
}

static void record_pct(struct record *r, const struct matrix_cell *cell)
{
	for (unsigned i = 0; i < cell->nr_parts; i++) {
		if (cell->part[i].pct.depth)
			record_ratio(r, "miss", cell->part[i].pct.miss, 1000000, 6);
	}
}

static void fill_record(struct record *r, const struct semantics *sem,
			const struct matrix_column *c, const struct matrix_cell *cell,
			const struct matrix_told *told, const char *line)
{
	const char letter[2] = {cell->letter, '\0'};
	const char *base = matrix_base(sem);
	char text[128];

	record_begin(r, "cell");
	record_str(r, "semantics", sem->name);
	record_str(r, "base", base ? base : sem->name);
	record_str(r, "walker", c->title);
	record_str(r, "verdict", lab_verdicts[cell->verdict].name);
	record_str(r, "letter", letter);
	if (cell->closed)
		record_str(r, "closed_by", cell->closed);
	record_str(r, "strategy", searched(cell, text, sizeof(text)));
	record_u64(r, "schedules", told->sum.runs);
	record_u64(r, "points", told->sum.points);
	record_u64(r, "found_in", cell->found_in);
	record_u64(r, "complete", is_complete(cell));
	if (told->shrunk.runs)
		record_u64(r, "switches", told->shrunk.switches);
	for (unsigned i = 0; i < told->sum.nr_reach; i++)
		record_u64(r, told->sum.reach_names[i], told->sum.reached[i]);
	for (unsigned v = LV_WASTE; v <= LV_REFUSED; v++) {
		if (told->sum.noted[v])
			record_u64(r, lab_verdicts[v].name, told->sum.noted[v]);
	}
	record_pct(r, cell);
	if (line[0])
		record_str(r, "replay", line);
}

static void record_cell(const struct semantics *sem, const struct matrix_column *c,
			const struct matrix_cell *cell, const struct matrix_told *told)
{
	static struct record r;
	const char *text;

	fill_record(&r, sem, c, cell, told, replay);
	text = record_end(&r);
	if (!text) {
		fill_record(&r, sem, c, cell, told, "");
		text = record_end(&r);
	}
	out_line(text ? text : "# a record did not fit and was left out");
}

/* What a cell showed, in words: one line, and one more of a mistake. */
static void print_cell(const struct semantics *sem, const struct matrix_column *c,
		       const struct matrix_cell *cell, const struct matrix_told *told)
{
	const struct lab_summary *sum = &told->sum;
	char text[128];

	out("%s x %s: %s%s%s; %s; %lu schedules, %lu points", sem->name, c->title,
	    lab_verdicts[cell->verdict].name, cell->closed ? ", closed by " : "",
	    cell->closed ? cell->closed : "", searched(cell, text, sizeof(text)),
	    (unsigned long)sum->runs, (unsigned long)sum->points);
	for (unsigned i = 0; i < sum->nr_reach; i++)
		out("%s %s %lu", i ? "," : "; reached", sum->reach_names[i],
		    (unsigned long)sum->reached[i]);
	out("\n");
	if (cell->found_in)
		out("  in schedule %lu: %s; %u switches instead of %u\n", cell->found_in,
		    sum->first.why, told->shrunk.switches, told->shrunk.switches_before);
}

static int run_cell(unsigned i, unsigned j, const struct matrix_search *search)
{
	static struct matrix_told told;
	struct matrix_cell *cell = &table[i][j];
	char why[256];
	int err;

	replay[0] = '\0';
	out("# %u of %u: %s x %s\n", i * nr_columns + j + 1, nr_rows * nr_columns, row[i]->name,
	    column[j].title);
	err = matrix_cell_run(row[i], &column[j], search, cell, &told, print_replay, why,
			      sizeof(why));
	if (err == -EINTR)
		return shell_error("matrix", "ended by a key");
	if (err)
		return shell_error("matrix", "%s", why);
	print_cell(row[i], &column[j], cell, &told);
	record_cell(row[i], &column[j], cell, &told);
	return SHELL_OK;
}

/* ---- the table ---- */

static void print_legend(void)
{
	bool used[LV_NR] = {false}, closed = false;

	for (unsigned i = 0; i < nr_rows; i++) {
		for (unsigned j = 0; j < nr_columns; j++) {
			used[table[i][j].verdict] |= !table[i][j].closed;
			closed |= table[i][j].closed != NULL;
		}
	}
	for (unsigned v = 0; v < LV_NR; v++) {
		if (used[v])
			out("  %c %s\n", lab_verdicts[v].letter, lab_verdicts[v].name);
	}
	if (closed)
		out("  / safe: a rule keeps the walker out of the child\n");
}

/* Columns by letter, explained below; `base` is the row's number of what it is built on. */
static void print_table(void)
{
	out("\n%-2s %-26s %4s ", "", "", "base");
	for (unsigned j = 0; j < nr_columns; j++)
		out(" %c", 'a' + (int)j);
	out("\n");
	for (unsigned i = 0; i < nr_rows; i++) {
		const char *base = matrix_base(row[i]);
		unsigned at = 0;

		while (base && at < nr_rows && strcmp(row[at]->name, base))
			at++;
		if (base && at < nr_rows)
			out("%2u %-26s %4u ", i + 1, row[i]->name, at + 1);
		else
			out("%2u %-26s %4s ", i + 1, row[i]->name, "");
		for (unsigned j = 0; j < nr_columns; j++)
			out(" %c", table[i][j].letter);
		out("\n");
	}
	for (unsigned j = 0; j < nr_columns; j++)
		out("  %c %-14s%s", 'a' + (int)j, column[j].title, j % 4 == 3 ? "\n" : "");
	out("%s", nr_columns % 4 ? "\n" : "");
	print_legend();
}

/* How far strategy @k came in the cells in which it was not needed to find a mistake. */
static void print_strategy(unsigned k, const char *word)
{
	u64 most = 0, least = ~0ull;
	unsigned cells = 0, complete = 0, bounded = 0;
	u32 miss = 0, depth = 0;

	for (unsigned i = 0; i < nr_rows * nr_columns; i++) {
		const struct matrix_cell *cell = &table[i / nr_columns][i % nr_columns];
		const struct matrix_part *p = &cell->part[k];

		if (k >= cell->nr_parts || cell->found_in)
			continue;
		cells++;
		bounded += p->bounded;
		complete += p->complete;
		most = max(most, p->runs);
		least = min(least, p->runs);
		miss = max(miss, p->pct.miss);
		depth = p->pct.depth;
	}
	if (!cells)
		return;
	out("%s in %u cells without a mistake: %lu to %lu schedules", word, cells,
	    (unsigned long)least, (unsigned long)most);
	if (bounded)
		out(", complete in %u", complete);
	if (depth)
		out("; depth %u is missed by at most %u.%06u", depth, miss / 1000000,
		    miss % 1000000);
	out("\n");
}

/* Has a cell before @at told of the place that cell @at lacks? */
static bool place_told(unsigned at)
{
	for (unsigned i = 0; i < at; i++) {
		const struct matrix_cell *cell = &table[i / nr_columns][i % nr_columns];

		if (cell->letter == '?' &&
		    !strcmp(cell->missing, table[at / nr_columns][at % nr_columns].missing))
			return true;
	}
	return false;
}

/* The cells that lack @place, as row and column, each with the schedules that came there. */
static void print_lacking(const char *place)
{
	char text[32];
	size_t column_at = 2;

	out("? where %s was reached in fewer than %u schedules:\n ", place, LAB_REACH_MIN);
	for (unsigned i = 0; i < nr_rows * nr_columns; i++) {
		const struct matrix_cell *cell = &table[i / nr_columns][i % nr_columns];

		if (cell->letter != '?' || strcmp(cell->missing, place))
			continue;
		snprintf(text, sizeof(text), " %u%c %lu", i / nr_columns + 1,
			 'a' + (int)(i % nr_columns), cell->came);
		if (column_at + strlen(text) > LINE_WIDTH) {
			out("\n ");
			column_at = 2;
		}
		out("%s", text);
		column_at += strlen(text);
	}
	out("\n");
}

static void print_unreached(void)
{
	for (unsigned i = 0; i < nr_rows * nr_columns; i++) {
		const struct matrix_cell *cell = &table[i / nr_columns][i % nr_columns];

		if (cell->letter == '?' && !place_told(i))
			print_lacking(cell->missing);
	}
}

/* Cells that are not as literature has them, and why. Of one not reached nothing can be said. */
static void print_differences(void)
{
	unsigned nr_told = 0, nr_same = 0, nr_unreached = 0;

	for (unsigned i = 0; i < nr_rows; i++) {
		for (unsigned j = 0; j < nr_columns; j++) {
			const struct matrix_expect *e =
				matrix_expected(row[i]->name, column[j].title);
			char letter = table[i][j].letter;

			nr_told += e != NULL;
			nr_unreached += e && letter == '?';
			nr_same += e && strchr(e->letters, letter);
			if (!e || letter == '?' || strchr(e->letters, letter))
				continue;
			out("  %s x %s: %c, 19.2 says %s: %s\n", row[i]->name, column[j].title,
			    letter, e->letters, e->why ? e->why : "not explained");
		}
	}
	out("%u of the %u cells that 19.2 tells of are as it says, %u were not reached\n", nr_same,
	    nr_told, nr_unreached);
}

/* ---- the command ---- */

/* Take the word that begins with @name out of @argv: its rest; @value without one. */
static char *take_word(int *argc, char **argv, const char *name, char *value)
{
	size_t len = strlen(name);

	for (int i = 1; i < *argc; i++) {
		if (strncmp(argv[i], name, len))
			continue;
		value = argv[i] + len;
		memmove(&argv[i], &argv[i + 1], (size_t)(*argc - i) * sizeof(*argv));
		(*argc)--;
		i--;
	}
	return value;
}

/* Take @words, such as random:100,bounded:1, apart; each must be a search. */
static int take_strategies(struct matrix_search *search, char *words)
{
	char *word;

	while ((word = strsep(&words, ",")) != NULL) {
		struct lab_strategy s = {0};
		const char *why;

		if (search->nr_strategies == MATRIX_STRATEGIES_MAX)
			return shell_error("matrix", "strategy=: at most %u for a cell",
					   MATRIX_STRATEGIES_MAX);
		if (lab_strategy_parse(&s, word, 1, &why))
			return shell_error("matrix", "strategy=%s: accepted is %s", word, why);
		if (s.ops != &strategy_random && s.ops != &strategy_pct &&
		    s.ops != &strategy_bounded)
			return shell_error("matrix", "strategy=%s: accepted are random, pct and "
						     "bounded, which search", word);
		search->strategy[search->nr_strategies++] = word;
	}
	if (!search->nr_strategies)
		return shell_error("matrix", "strategy=: accepted are searches, such as "
					     "random:100,bounded:1");
	return SHELL_OK;
}

static void choose(const char *rows, const char *columns)
{
	unsigned nr = 0;

	nr_rows = matrix_rows(row);
	nr_columns = matrix_columns(column);
	for (unsigned i = 0; i < nr_rows; i++) {
		if (glob_match(rows, row[i]->name))
			row[nr++] = row[i];
	}
	nr_rows = nr;
	nr = 0;
	for (unsigned j = 0; j < nr_columns; j++) {
		if (glob_match(columns, column[j].title))
			column[nr++] = column[j];
	}
	nr_columns = nr;
}

static int run_all(const struct matrix_search *search)
{
	for (unsigned i = 0; i < nr_rows; i++) {
		for (unsigned j = 0; j < nr_columns; j++) {
			int err = run_cell(i, j, search);

			if (err)
				return err;
		}
	}
	print_table();
	for (unsigned k = 0; k < search->nr_strategies; k++)
		print_strategy(k, search->strategy[k]);
	print_unreached();
	print_differences();
	return SHELL_OK;
}

static int cmd_matrix(int argc, char **argv)
{
	char every[] = "*", strategies[] = "random:1000,bounded:1";
	struct matrix_search search = {0};
	const char *rows, *columns;
	int err;

	if (argc > 1 && !strcmp(argv[1], "exit"))
		return matrix_exit(argc - 1, argv + 1);
	rows = take_word(&argc, argv, "rows=", every);
	columns = take_word(&argc, argv, "columns=", every);
	err = take_strategies(&search, take_word(&argc, argv, "strategy=", strategies));
	if (err)
		return err;
	for (int i = 1; i < argc; i++) {
		if (!strncmp(argv[i], "sem=", 4) || !strncmp(argv[i], "walkers=", 8))
			return shell_error("matrix",
					   "%s: the matrix takes every one; rows= and "
					   "columns= choose some",
					   argv[i]);
	}
	choose(rows, columns);
	if (!nr_rows || !nr_columns)
		return shell_error("matrix", "%s=%s: there is none", nr_rows ? "columns" : "rows",
				   nr_rows ? columns : rows);
	search.argc = argc - 1;
	search.argv = argv + 1;
	return run_all(&search);
}

SHELL_CMD(matrix,
	  "matrix [rows=GLOB] [columns=GLOB] [k=v...]: rule sets for failed forks\n"
	  "  against walkers, each as it was before its fixes (-old) and as it is.\n"
	  "  Words as for `scenario fork`; default: a small parent for each walker,\n"
	  "  site=F13 k=1. strategy=random:1000,bounded:1: up to four for each cell, one\n"
	  "  after the other. A bad cell has its replay line, made short.\n"
	  "matrix exit [runs=100]: rules for a dying one against those who meet it",
	  cmd_matrix);
