/*
 * matrix.h - a cell of the matrix: one rule set for a failed fork against one walker.
 *
 * Owns: which rows and columns there are, the scenario lines of a cell, the probe behind `closed`.
 * Not here: the command and its table (matrix.c), what literature expects (matrix_expect.c), what a
 *           scenario runs (fork.c).
 */
#ifndef TESTS_LAB_MATRIX_H
#define TESTS_LAB_MATRIX_H

#include "tests/lab/lab.h"

struct semantics;
struct walker;

#define MATRIX_COLUMNS_MAX 32u
#define MATRIX_ROWS_MAX	   32u

/* A walker as it was before its fixes (old), or as it is. */
struct matrix_column {
	const struct walker *walker;
	bool old;
	char title[24];
	char words[96]; /* of walkers= */
};

#define MATRIX_STRATEGIES_MAX 4u

/* What is searched in every cell. */
struct matrix_search {
	unsigned nr_strategies;
	const char *strategy[MATRIX_STRATEGIES_MAX]; /* words such as random:100 */
	int argc;
	char **argv; /* words that take the place of the cell's own, as for `scenario fork` */
};

/* How far one of the strategies came. */
struct matrix_part {
	const char *strategy; /* the word, of the matrix_search */
	u64 runs;
	bool bounded, complete;
	struct lab_pct pct;
};

/* What the table is made of. */
struct matrix_cell {
	enum lab_verdict verdict;
	const char *closed; /* safe, because this keeps the walker out; NULL: nothing does */
	char letter;	    /* of the verdict; '/' if closed */
	unsigned nr_parts;  /* the last one found the mistake, if there is one */
	struct matrix_part part[MATRIX_STRATEGIES_MAX];
	u64 found_in; /* which schedule of its part a mistake was, from 1; 0: there is none */
	/* Unreached: the place that was reached in too few schedules, and in how many. */
	char missing[24];
	u64 came;
};

/* What is told of a cell besides, when it was searched. */
struct matrix_told {
	struct lab_summary sum; /* of all parts; its `first` is the mistake */
	struct lab_shrunk shrunk;
};

/* The walkers that can be led to a failed copy, old form first. */
unsigned matrix_columns(struct matrix_column column[MATRIX_COLUMNS_MAX]);
/* Rules for a failed fork, and those of other axes that stand over one. */
unsigned matrix_rows(const struct semantics *row[MATRIX_ROWS_MAX]);
/* What @sem is built on or stands over; NULL: it stands for itself. */
const char *matrix_base(const struct semantics *sem);

/*
 * matrix_cell_run - search the cell of @sem and @column, until a strategy finds something bad.
 *
 * @line:    gets the replay line of a bad one, made short unless shrink=off is among the words, up
 *           to LAB_LINE_MAX + LAB_SCHEDULE_MAX + 40; or NULL
 * Returns:  0 with *@cell and *@told filled; -EINTR: ended by a key; else -errno with a clear line
 *           in @why
 */
int __must_check matrix_cell_run(const struct semantics *sem, const struct matrix_column *column,
				 const struct matrix_search *search, struct matrix_cell *cell,
				 struct matrix_told *told,
				 void (*line)(const char *first, const char *schedule), char *why,
				 size_t len);

/* The letters that literature gives for a cell (19.2), and why ours may differ. */
struct matrix_expect {
	const char *sem;
	const char *walker;  /* as the column's title */
	const char *letters; /* any of them */
	const char *why;     /* ours differs; NULL: it does not */
};

/* What is said of @sem against the column @title; NULL: nothing. */
const struct matrix_expect *matrix_expected(const char *sem, const char *title);

/* `matrix exit`: the other table. As a shell command's function. */
int matrix_exit(int argc, char **argv);

#endif
