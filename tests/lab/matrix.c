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

static void fill_record(struct record *r, const struct semantics *sem,
			const struct matrix_column *c, const struct matrix_cell *cell,
			const char *line)
{
	const char letter[2] = {cell->letter, '\0'};
	const char *base = matrix_base(sem);

	record_begin(r, "cell");
	record_str(r, "semantics", sem->name);
	record_str(r, "base", base ? base : sem->name);
	record_str(r, "walker", c->title);
	record_str(r, "verdict", lab_verdicts[cell->verdict].name);
	record_str(r, "letter", letter);
	if (cell->closed)
		record_str(r, "closed_by", cell->closed);
	record_str(r, "strategy", cell->strategy);
	record_u64(r, "schedules", cell->runs);
	record_u64(r, "points", cell->points);
	record_u64(r, "found_in", cell->found_in);
	record_u64(r, "complete", cell->complete);
	for (unsigned i = 0; i < cell->nr_reach; i++)
		record_u64(r, cell->reach_names[i], cell->reached[i]);
	for (unsigned v = LV_WASTE; v <= LV_REFUSED; v++) {
		if (cell->noted[v])
			record_u64(r, lab_verdicts[v].name, cell->noted[v]);
	}
	if (line[0])
		record_str(r, "replay", line);
}

static void record_cell(const struct semantics *sem, const struct matrix_column *c,
			const struct matrix_cell *cell)
{
	static struct record r;
	const char *text;

	fill_record(&r, sem, c, cell, replay);
	text = record_end(&r);
	if (!text) {
		fill_record(&r, sem, c, cell, "");
		text = record_end(&r);
	}
	out_line(text ? text : "# a record did not fit and was left out");
}

static int run_cell(unsigned i, unsigned j, int argc, char **argv)
{
	struct matrix_cell *cell = &table[i][j];
	char why[256];
	int err;

	replay[0] = '\0';
	out("# %u of %u: %s x %s\n", i * nr_columns + j + 1, nr_rows * nr_columns, row[i]->name,
	    column[j].title);
	err = matrix_cell_run(row[i], &column[j], argc, argv, cell, print_replay, why, sizeof(why));
	if (err == -EINTR)
		return shell_error("matrix", "ended by a key");
	if (err)
		return shell_error("matrix", "%s", why);
	if (cell->found_in)
		out("%s x %s: %s in schedule %lu of %s: %s\n", row[i]->name, column[j].title,
		    lab_verdicts[cell->verdict].name, cell->found_in, cell->strategy, cell->why);
	record_cell(row[i], &column[j], cell);
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

/* Take the word @name=GLOB out of @argv; "*" without one. */
static const char *take_glob(int *argc, char **argv, const char *name)
{
	size_t len = strlen(name);
	const char *glob = "*";

	for (int i = 1; i < *argc; i++) {
		if (strncmp(argv[i], name, len))
			continue;
		glob = argv[i] + len;
		memmove(&argv[i], &argv[i + 1], (size_t)(*argc - i) * sizeof(*argv));
		(*argc)--;
		i--;
	}
	return glob;
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

static int cmd_matrix(int argc, char **argv)
{
	const char *rows, *columns;

	if (argc > 1 && !strcmp(argv[1], "exit"))
		return matrix_exit(argc - 1, argv + 1);
	rows = take_glob(&argc, argv, "rows=");
	columns = take_glob(&argc, argv, "columns=");
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
	for (unsigned i = 0; i < nr_rows; i++) {
		for (unsigned j = 0; j < nr_columns; j++) {
			int err = run_cell(i, j, argc - 1, argv + 1);

			if (err)
				return err;
		}
	}
	print_table();
	print_differences();
	return SHELL_OK;
}

SHELL_CMD(matrix,
	  "matrix [rows=GLOB] [columns=GLOB] [k=v...]: rule sets for failed forks\n"
	  "  against walkers, each as it was before its fixes (-old) and as it is.\n"
	  "  Words as for `scenario fork`; default: a small parent for each walker,\n"
	  "  site=F13 k=1, random:1000 and bounded:1. A bad cell has its replay line.\n"
	  "matrix exit [runs=100]: rules for a dying one against those who meet it",
	  cmd_matrix);
