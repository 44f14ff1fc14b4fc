/*
 * cmd_question.c - `question`: measure what was asked, print it, say what it cannot tell.
 *
 * Owns: the command, the frame of an answer, its table and its records.
 * Not here: measuring (measure.c and the questions).
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "kernel/core/clock.h"
#include "kernel/core/kv.h"
#include "kernel/shell/env.h"
#include "kernel/shell/out.h"
#include "kernel/shell/record.h"
#include "kernel/shell/shell.h"
#include "tests/questions/question.h"

#define WIDTH	    76
#define CELL_MAX    64
#define FIRST_WIDTH 27 /* of many columns */
#define ALL_NUMBER  (~0ull)

/* ---- what is being answered ---- */

static const struct question *asked;
static const char *column[Q_COLUMNS_MAX];
static unsigned nr_columns, nr_cells, nr_rows;
static struct {
	char text[CELL_MAX];
	bool number;
} cell[Q_COLUMNS_MAX];
static bool failed;

static u64 number_of(const struct question *q)
{
	u64 nr = 0;

	for (const char *at = q->name; *at; at++)
		nr = nr * 10 + (u64)(*at - '0');
	return nr;
}

static void emit(struct record *r)
{
	const char *text = record_end(r);

	out_line(text ? text : "# a record did not fit and was left out");
}

/* @text in lines of WIDTH, the first behind @head. */
static void out_wrapped(const char *head, const char *text)
{
	size_t at = strlen(head);

	out("%s", head);
	while (*text) {
		size_t len = strcspn(text, " ");

		if (at + 1 + len > WIDTH) {
			out("\n   ");
			at = 3;
		}
		out(" %.*s", (int)len, text);
		at += 1 + len;
		text += len + (text[len] == ' ');
	}
	out("\n");
}

/* ---- the table ---- */

static unsigned width_of(unsigned i)
{
	unsigned first = nr_columns > 5 ? FIRST_WIDTH : FIRST_WIDTH + 8, width;

	if (i == 0)
		return first;
	width = (WIDTH - first) / (nr_columns - 1) - 1;
	return min(width, 14u);
}

static void out_cell(unsigned i, const char *text)
{
	if (i == 0)
		out("  %-*s", (int)width_of(i) - 2, text);
	else
		out(" %*s", (int)width_of(i), text);
}

void q_columns(const char *const *names, unsigned nr)
{
	nr_columns = min(nr, Q_COLUMNS_MAX);
	for (unsigned i = 0; i < nr_columns; i++) {
		column[i] = names[i];
		out_cell(i, names[i]);
	}
	out("\n");
	nr_cells = 0;
}

static void add_cell(const char *text, bool number)
{
	if (nr_cells == nr_columns)
		return;
	snprintf(cell[nr_cells].text, CELL_MAX, "%s", text);
	cell[nr_cells++].number = number;
}

void q_str(const char *text)
{
	add_cell(text, false);
}

void q_none(void)
{
	add_cell("-", false);
}

void q_u64(u64 value)
{
	char text[24];

	snprintf(text, sizeof(text), "%lu", value);
	add_cell(text, true);
}

void q_s64(s64 value)
{
	char text[24];

	snprintf(text, sizeof(text), "%ld", value);
	add_cell(text, true);
}

void q_ratio(s64 value, u64 per, unsigned decimals)
{
	u64 scale = 1, size = value < 0 ? -(u64)value : (u64)value, whole, rest;
	char text[40];

	if (!per) {
		q_none();
		return;
	}
	for (unsigned i = 0; i < decimals; i++)
		scale *= 10;
	whole = size / per;
	rest = ((size % per) * scale + per / 2) / per;
	whole += rest / scale;
	rest %= scale;
	if (decimals)
		snprintf(text, sizeof(text), "%s%lu.%0*lu", value < 0 ? "-" : "", whole,
			 (int)decimals, rest);
	else
		snprintf(text, sizeof(text), "%s%lu", value < 0 ? "-" : "", whole);
	add_cell(text, true);
}

void q_row(void)
{
	struct record r;

	record_begin(&r, "question");
	record_u64(&r, "number", number_of(asked));
	record_u64(&r, "row", nr_rows++);
	for (unsigned i = 0; i < nr_cells; i++) {
		out_cell(i, cell[i].text);
		if (cell[i].number)
			record_raw(&r, column[i], cell[i].text);
		else
			record_str(&r, column[i], cell[i].text);
	}
	out("\n");
	emit(&r);
	nr_cells = 0;
}

void q_note(const char *fmt, ...)
{
	char text[512];
	struct record r;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	out_wrapped("answer:", text);
	record_begin(&r, "question");
	record_u64(&r, "number", number_of(asked));
	record_str(&r, "answer", text);
	emit(&r);
}

int q_fail(const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!failed)
		shell_error("question", "%s: %s", asked->name, text);
	failed = true;
	return -1;
}

/* ---- one question ---- */

static void record_frame(const struct question *q)
{
	struct record r;

	record_begin(&r, "question");
	record_u64(&r, "number", number_of(q));
	record_str(&r, "question", q->text);
	record_str(&r, "method", q->method);
	record_str(&r, "caveat", q->caveat);
	record_str(&r, "clock", clock_record_name());
	emit(&r);
}

static int answer(const struct question *q)
{
	char head[32];
	int err;

	asked = q;
	failed = false;
	nr_rows = nr_columns = nr_cells = 0;
	env_record(SEED_DEFAULT);
	snprintf(head, sizeof(head), "question %lu:", number_of(q));
	out_wrapped(head, q->text);
	out_wrapped("method:", q->method);
	record_frame(q);
	err = q->run();
	if (!err && !nr_rows)
		err = q_fail("it printed no figure");
	out_wrapped("caveat:", q->caveat);
	out("\n");
	return err || failed ? SHELL_FAIL : SHELL_OK;
}

/* ---- the command ---- */

static int answer_number(u64 nr)
{
	const struct question *q;
	int status = SHELL_OK;

	for_each_registered(question, q) {
		if ((nr == ALL_NUMBER || number_of(q) == nr) && answer(q) != SHELL_OK)
			status = SHELL_FAIL;
	}
	return status;
}

static bool is_there(u64 nr)
{
	const struct question *q;

	for_each_registered(question, q) {
		if (number_of(q) == nr)
			return true;
	}
	return false;
}

static void list_questions(void)
{
	const struct question *q;

	for_each_registered(question, q) {
		char head[16];

		snprintf(head, sizeof(head), "%2lu ", number_of(q));
		out_wrapped(head, q->text);
	}
}

static int cmd_question(int argc, char **argv)
{
	u64 nr = ALL_NUMBER;

	if (argc == 1) {
		list_questions();
		return SHELL_OK;
	}
	if (argc > 2)
		return shell_error("question", "\"%s\": accepted is one number, or all", argv[2]);
	if (strcmp(argv[1], "all") &&
	    (parse_u64(argv[1], 0, ALL_NUMBER - 1, &nr) || !is_there(nr)))
		return shell_error("question", "\"%s\": accepted is all, or a number that "
				   "`question` lists", argv[1]);
	return answer_number(nr);
}

SHELL_CMD(question,
	  "question [N|all]: measure the answer to a question; list them\n"
	  "  Figures are on the clock of this boot; instructions need --clock insn --smp 1.",
	  cmd_question);
