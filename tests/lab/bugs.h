/*
 * bugs.h - the bugs that have a name, each as two scenario lines: as it was, and fixed.
 *
 * Owns: the lines, and what the old one is to show. Not here: how they are searched (lab.h).
 */
#ifndef TESTS_LAB_BUGS_H
#define TESTS_LAB_BUGS_H

#include "tests/lab/verdict.h"

struct lab_bug {
	const char *name;
	const char *what;
	enum lab_verdict verdict;  /* of the old form */
	const char *bounded;	   /* the bounded search that finds it */
	const char *fixed_bounded; /* one of the fixed form that ends; NULL: not while one waits */
	const char *old_words;	   /* of `scenario`, without strategy= */
	const char *fixed_words;
};

extern const struct lab_bug lab_bugs[];
extern const unsigned nr_lab_bugs;

#endif
