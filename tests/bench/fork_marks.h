/*
 * fork_marks.h - one fork of a parent of any size, and when each moment of it came.
 *
 * Owns: the parent, the failure (the commit limit is met at VMA k, no site is armed), the moments.
 * Not here: tables over many of them (tests/questions/costs.c, cost_sweeps.c).
 */
#ifndef TESTS_BENCH_FORK_MARKS_H
#define TESTS_BENCH_FORK_MARKS_H

#include "kernel/base/compiler.h"
#include "kernel/base/types.h"
#include "mm/mm_marks.h"

#define FORK_MARKS_WHY 128

struct fork_parent {
	u64 vmas;
	u64 k;	     /* the VMA that cannot be copied; as many as there are: the fork succeeds */
	u64 pages;   /* of each VMA, */
	u64 order;   /* in folios of 2^order, */
	u64 swapped; /* so many of them swapped out: pages of order 0 only */
	u64 sharers; /* children that live already and share everything */
};

/* Clock counts (under the model modelled cycles) since the call; 0 if it did not come. */
struct fork_marks {
	u64 at[MARK_NR];
	u64 done; /* the call returned: a child that failed is gone, but for what a worker does */
	u64 exit; /* of a fork that succeeded: how long the child's end took */
};

/*
 * fork_marks_measure - a fork of @parent under the rules @sem, warmed up, on a settled machine.
 *
 * Returns: 0; or -1 with a line in @why
 * Context: as bench_measure()
 */
int __must_check fork_marks_measure(const struct fork_parent *parent, const char *sem,
				    struct fork_marks *marks, char why[FORK_MARKS_WHY]);

/* From one moment to another, 0 if either is missing. */
u64 fork_marks_between(const struct fork_marks *marks, enum mm_mark from, enum mm_mark to);

#endif
