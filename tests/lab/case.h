/*
 * case.h - the cases of `scenario locks` and `scenario walk`: a few actors, right and wrong.
 *
 * Kind `locks` is about the primitives alone; in kind `walk` one actor uses an address space, a
 * file, a page while another changes it.
 *
 * Owns: how a case is declared. A case is a small program that is correct, and mutants of it: the
 * same program with one mistake. The mutant is chosen by the scenario's word, and told to the code
 * through case_mutant(), which the detectors never see. What a mutant is expected to show is read
 * by tests only, after the verdict.
 */
#ifndef TESTS_LAB_CASE_H
#define TESTS_LAB_CASE_H

#include "tests/lab/lab.h"

struct lab_mutant {
	const char *name;
	const char *what;
	enum lab_verdict expect;
};

struct lab_case {
	const char *name;
	const char *kind; /* of the scenario, "walk"; NULL: "locks" */
	const char *what;
	unsigned actors; /* default number */
	unsigned actors_min, actors_max;
	bool wrong; /* there is no correct form: for tests of the lab itself */
	bool slow;  /* too long for the tests of the lab itself: has a test of its own */
	bool programs; /* program=N is a word of the scenario: case_program(). Random only. */
	/* The bounded search that ends in a few minutes: preemptions, actors. 0: 2, and @actors. */
	unsigned bound, bound_actors;
	const char *const *reach;	  /* NULL-terminated */
	const struct lab_mutant *mutants; /* ends with a NULL name; may be NULL */
	int (*setup)(unsigned actors);	  /* in the world; makes its actors with case_actors() */
	void (*check)(unsigned actors);	  /* in the world; gives back what setup made */
};

/* Names are unique over all kinds. */
#define LAB_CASE(case_) REGISTER(lab_case, &case_)

static inline const char *lab_case_kind(const struct lab_case *c)
{
	return c->kind ? c->kind : "locks";
}

/*
 * Is @got what a program that should show @expect may show? The race build sees some faults before
 * they have consequences. For tests, after the verdict.
 */
static inline bool lab_case_shows(enum lab_verdict got, enum lab_verdict expect)
{
#ifdef MMLIFE_RACE
	if (got == LV_RACE && expect != LV_SAFE)
		return true;
#endif
	return got == expect;
}

/* Is the mutant at @index of the case's list switched on? */
bool case_mutant(unsigned index);

/* program=N of the scenario, for cases that have several; 1 if it was not given. */
u64 case_program(void);

/*
 * @actors threads named @name and a digit (a letter from 10 on), each on a vCPU of its own, running
 * @fn(index).
 */
int __must_check case_actors(const char *name, unsigned actors, void (*fn)(void *index));

#endif
