/*
 * maple_calls.h - the calls of a maple tree as `scenario locks case=maple*` makes them: on the tree
 * itself, or on a copy of its sources into which mistakes can be switched.
 *
 * Owns: the table of calls, the names of the mistakes that need the copy.
 * Not here: the cases (case_maple.c), the copy (case_maple_copy.c).
 */
#ifndef TESTS_LAB_MAPLE_CALLS_H
#define TESTS_LAB_MAPLE_CALLS_H

#include "mm/maple_tree.h"

/* Mutants by number; those in front of MUT_OWN_CODE are mistakes inside the tree. */
enum maple_mutant {
	MUT_NO_DEAD_MARK,
	MUT_EARLY_FREE,
	MUT_SHRINK_IN_PLACE,
	MUT_EARLY_PUBLISH,
	MUT_OWN_CODE,
	MUT_NO_SECTION = MUT_OWN_CODE,
	MUT_STALE_STATE,
	MUT_HOLE,
	MUT_STEP_TOO_FAR,
};

struct maple_calls {
	void *(*load)(struct maple_tree *mt, unsigned long index);
	void *(*find)(struct ma_state *mas, unsigned long max);
	void *(*find_rev)(struct ma_state *mas, unsigned long min);
	int (*store_gfp)(struct ma_state *mas, void *entry, gfp_t gfp);
};

/* The copy: the same sources, and the one mistake that case_mutant() names. */
extern const struct maple_calls maple_copy_calls;

#endif
