/*
 * shrink.h - a failing schedule made short: fewest switches that still show the same.
 *
 * Owns: what is left out or put together, in which order, until nothing more can be.
 * Not here: running a schedule and saying what it shows (search.c, or a test's toy).
 *
 * Idea: a shorter schedule is a wish (strategy `script`): what it names and cannot have is skipped.
 *       What really ran was recorded, and is the next one to make shorter. First halves are left
 *       out, quarters, ... single segments; then a segment is joined with the next one of the same
 *       entity, by moving either to the other, or goes on for as long as it can; all again until no
 *       such step gains anything.
 * Invariant: `best` was run and showed it; it never grows. The same calls give the same result.
 */
#ifndef TESTS_LAB_SHRINK_H
#define TESTS_LAB_SHRINK_H

#include "tests/lab/schedule.h"

struct shrink {
	struct lab_schedule best; /* in: the failing schedule; out: the shortest found */
	struct lab_schedule wish; /* memory of the same size for what is tried */
	/*
	 * Run @s->wish: what was really run if it shows the same, else NULL. The result is read at
	 * once.
	 */
	const struct lab_schedule *(*shows)(struct shrink *s);
	/* Asked before each try: may there be another? */
	bool (*goes_on)(struct shrink *s);
	void *arg;
	unsigned runs; /* tried so far */
	bool ended;    /* goes_on() said no: shorter ones may exist */
};

/* Make @s->best as short as single steps can. */
void shrink_schedule(struct shrink *s);

#endif
