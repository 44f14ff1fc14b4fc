/*
 * awareness.c - questions 5 and 6: who must know of a failed copy, and of an empty mm.
 */
#include <stdio.h>
#include <string.h>

#include "kernel/core/lock_order.h"
#include "mm/walkers/walker.h"
#include "tests/conformance.h"
#include "tests/lab/matrix.h"
#include "tests/questions/question.h"

struct counts {
	unsigned nr, bad_before, bad_now;
	char names[64]; /* of those that went wrong; with a `!` if their checks do not help */
};

/* ---- 5 ---- */

/* 1: something went wrong in a schedule; 0: nothing; -1 after q_fail(). */
static int goes_wrong(const struct semantics *sem, const struct matrix_column *column)
{
	static struct matrix_cell cell;
	static struct matrix_told told;
	struct matrix_search search = {.nr_strategies = 1, .strategy = {"pct:3:60"}};
	char why[256];

	if (matrix_cell_run(sem, column, &search, &cell, &told, NULL, why, sizeof(why)))
		return q_fail("%s x %s: %s", sem->name, column->title, why);
	return lab_verdicts[cell.verdict].bad;
}

static void add_name(struct counts *c, const char *name, bool still)
{
	size_t at = strlen(c->names);

	snprintf(c->names + at, sizeof(c->names) - at, "%s%s%s", at ? " " : "", name,
		 still ? "!" : "");
}

/* Columns of one walker lie side by side, the old form first if there is one. */
static int count_walkers(const struct semantics *sem, struct counts *c)
{
	static struct matrix_column column[MATRIX_COLUMNS_MAX];
	unsigned nr = matrix_columns(column);
	int before = 0, now;

	for (unsigned i = 0; i < nr; i++) {
		now = goes_wrong(sem, &column[i]);
		if (now < 0)
			return -1;
		if (column[i].old) {
			before = now;
			continue;
		}
		/* A walker without checks is now what it was before. */
		if (i == 0 || column[i - 1].walker != column[i].walker)
			before = now;
		c->nr++;
		c->bad_before += before;
		c->bad_now += now;
		if (before || now)
			add_name(c, column[i].walker->name, now);
	}
	return 0;
}

QUESTION(05, "How many walkers need to know?",
	 "Every rule set for a failed fork beside each walker that can be led to one, without "
	 "any of its checks and with them, 60 schedules by priorities each. A walker that goes "
	 "wrong without its checks is a place in the code that must know of failed forks; one "
	 "that goes wrong with them (`!`) knows too little.",
	 "It counts the walkers that are built here; Linux has more of each kind. A rule set in "
	 "which none went wrong is safe as far as 60 schedules show: `matrix` looks further.")
{
	static const struct semantics *row[MATRIX_ROWS_MAX];
	unsigned nr = matrix_rows(row);

	Q_COLUMNS("semantics", "walkers", "must know", "still bad", "which");
	for (unsigned i = 0; i < nr; i++) {
		struct counts c = {0};

		if (count_walkers(row[i], &c))
			return -1;
		q_str(row[i]->name);
		q_u64(c.nr), q_u64(c.bad_before), q_u64(c.bad_now);
		q_str(c.names[0] ? c.names : "-");
		q_row();
	}
	return 0;
}

/* ---- 6 ---- */

static bool is_old(const char *form)
{
	const char *dash = strrchr(form, '-');

	return dash && !strcmp(dash, "-old");
}

/* What the forms of one kind did with the mm that a source made. */
static void count_source(const struct conf_row *row, bool old, unsigned count[CONF_NR],
			 struct counts *c)
{
	for (unsigned f = 0; f < CONF_FORMS; f++) {
		if (!row->run[f] || is_old(conf_form_name[f]) != old)
			continue;
		c->nr++;
		count[row->result[f]]++;
		if (row->result[f] != CONF_SURVIVES)
			add_name(c, conf_form_name[f], false);
	}
}

static void row_of_source(unsigned source, const struct conf_row *row, bool old)
{
	unsigned count[CONF_NR] = {0};
	struct counts c = {0};
	char title[64];

	count_source(row, old, count, &c);
	snprintf(title, sizeof(title), "%s%s", conf_source_name[source], old ? ", old forms" : "");
	q_str(title);
	q_u64(c.nr), q_u64(count[CONF_SURVIVES]), q_u64(c.nr - count[CONF_SURVIVES]);
	q_str(c.names[0] ? c.names : "-");
	q_row();
}

QUESTION(06, "Does an empty mm create more bugs than it removes?",
	 "An mm without VMAs is made in every way that makes one, and every walker walks it, as "
	 "it was before its fix (old forms) and as it is: how many survive, and which do not. "
	 "Against it stands question 5: the walkers that must know of a marker, and need not "
	 "know where a failed fork leaves an empty mm.",
	 "An empty mm can be had without any fork (munmap of everything), so a walker that "
	 "assumes a first VMA is wrong whatever the rules of a failed fork are.")
{
	static struct conf_row row;
	bool checked = static_key_enabled(&checks_key);
	int err = 0;

	Q_COLUMNS("mm without VMAs by", "walkers", "survive", "fail", "which");
	for (unsigned source = 0; source < CONF_SOURCES && !err; source++) {
		/* So that what a failed walk held is released. */
		checks_set(true);
		err = conformance_run(source, &row);
		checks_set(checked);
		if (err)
			return q_fail("%s: %d", conf_source_name[source], err);
		row_of_source(source, &row, true);
		row_of_source(source, &row, false);
	}
	return 0;
}
