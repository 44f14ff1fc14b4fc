/*
 * question.h - the questions that mmlife exists to answer: how one is declared and what it may say.
 *
 * Owns: the declaration, the table that an answer prints, what the measurements share.
 * Not here: the questions (one file each or a few that measure alike beside this one).
 * Idea: a question is its text, how it is measured, the measurement, which prints rows, and what
 *       the figures cannot tell. Every figure is measured when it is asked for.
 *
 *	QUESTION(03, "Can pruning be done without allocation?", "how it is measured", "caveat")
 *	{
 *		Q_COLUMNS("n", "k", "nodes");
 *		q_u64(n), q_u64(k), q_u64(nodes), q_row();
 *		return 0;
 *	}
 */
#ifndef TESTS_QUESTIONS_QUESTION_H
#define TESTS_QUESTIONS_QUESTION_H

#include "kernel/core/events.h"
#include "kernel/core/registry.h"
#include "tests/bench_internal.h"
#include "tests/fork_run.h"
#include "tests/lab/lab.h"

struct question {
	const char *name; /* two digits */
	const char *text;
	const char *method;
	const char *caveat;
	int (*run)(void); /* 0; or -1 after q_fail() */
};

/* QUESTION(two digits, text, method, caveat) { body } */
#define QUESTION(nr_, text_, method_, caveat_)                                                     \
	static int question_run_##nr_(void);                                                       \
	static const struct question question_##nr_ = {                                            \
		.name = #nr_,                                                                      \
		.text = text_,                                                                     \
		.method = method_,                                                                 \
		.caveat = caveat_,                                                                 \
		.run = question_run_##nr_,                                                         \
	};                                                                                         \
	REGISTER(question, &question_##nr_);                                                       \
	static int question_run_##nr_(void)

/* ---- the table: columns, then rows of cells in their order ---- */

#define Q_COLUMNS_MAX 8u

/* A new table; the first column is of names if @names_first. A question may have several. */
void q_columns(const char *const *names, unsigned nr);
#define Q_COLUMNS(...)                                                                             \
	q_columns((const char *const[]){__VA_ARGS__},                                              \
		  sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

void q_str(const char *text);
void q_u64(u64 value);
void q_s64(s64 value);
/* @value / @per with @decimals places; a dash where there is nothing to divide by. */
void q_ratio(s64 value, u64 per, unsigned decimals);
void q_none(void);
void q_row(void);

/* A line in words, as part of the answer. */
void __printf(1, 2) q_note(const char *fmt, ...);
/* The measurement could not be made: the question fails with this line. Returns -1. */
int __printf(1, 2) q_fail(const char *fmt, ...);

/* ---- measurements ---- */

/* One bench at one value, warmed up. NULL after q_fail(). Valid until the next call. */
const struct bench_result *q_bench(const char *name, u64 x);
/* Its clock counts per unit of work, in thousandths. False after q_fail(). */
bool q_bench_milli(const char *name, u64 x, u64 *milli);

/* `scenario` with these words. NULL after q_fail(). Valid until the next call. */
const struct lab_result *__printf(1, 2) q_search(const char *fmt, ...);

/* `fork` with these words, the second of two runs. NULL after q_fail(). */
const struct fork_run *__printf(1, 2) q_fork(const char *fmt, ...);
/* The moment @mark of @run, or NULL: it did not come. */
const struct fork_moment *q_moment(const struct fork_run *run, enum mm_mark mark);
/* Clock counts from one moment to another; 0 if either is missing. */
u64 q_between(const struct fork_run *run, enum mm_mark from, enum mm_mark to);

#endif
