/*
 * verdict.h - what a run showed, and what many runs together showed.
 *
 * Owns: the verdict list with its letters, the rules that make one verdict of many runs.
 * Not here: the detectors. A verdict is noted by whoever saw the fact, and never inferred from
 * which semantics or mutant was chosen.
 * Order: within one run the first fact seen wins, because what follows it may be its consequence.
 */
#ifndef TESTS_LAB_VERDICT_H
#define TESTS_LAB_VERDICT_H

#include "kernel/base/compiler.h"
#include "kernel/base/types.h"

enum lab_verdict {
	LV_SAFE,      /* . nothing below happened, and what had to be reached was reached */
	LV_UNREACHED, /* ? nothing bad, but the interesting place was not reached often enough */
	LV_WASTE,     /* w work done for a doomed mm */
	LV_EMPTY,     /* e met an mm without VMAs and coped */
	LV_LATE,      /* l memory of a dead mm held by a foreign pin only */
	LV_REFUSED,   /* r turned away although memory remained */
	LV_MARKER,    /* M dereferenced the reserved entry */
	LV_FOREIGN,   /* F got another mm's VMA through this tree */
	LV_UAF,	      /* U touched a freed object */
	LV_NULL,      /* N assumed a first VMA */
	LV_STALE,     /* S freed what a vCPU's translations still name */
	LV_LEAK,      /* L ledger differs at the end */
	LV_STRANDED,  /* T a waiter nobody will wake */
	LV_STALL,     /* H no progress within the budget */
	LV_DEADLOCK,  /* D nobody can run */
	LV_CORRUPT,   /* C an invariant failed */
	LV_RACE,      /* R an unannotated conflicting access */
	LV_NR
};

struct lab_verdict_info {
	const char *name;
	char letter;
	bool bad; /* ends the search and prints a replay line */
};

extern const struct lab_verdict_info lab_verdicts[LV_NR];

/* The verdict called @name, or LV_NR. */
enum lab_verdict lab_verdict_by_name(const char *name);

#define LAB_WHY_MAX 160

/* What one run showed. */
struct lab_outcome {
	enum lab_verdict verdict; /* LV_SAFE until a fact is noted */
	char why[LAB_WHY_MAX];	  /* one line: the fact, with names */
	u16 entity;		  /* who did it, 0xffff when nobody in particular */
};

/* Runs in which a named place must be reached before `safe` may be said. */
#define LAB_REACH_MIN 20
#define LAB_MAX_REACH 8

/* Sum over the runs of one search. */
struct lab_summary {
	struct lab_outcome first; /* first bad outcome, or LV_SAFE */
	u64 first_run;		  /* in which run it came, from 0 */
	u64 runs;
	u64 points;		    /* schedule points over all runs */
	u64 decisions;		    /* those with more than one choice */
	u64 reached[LAB_MAX_REACH]; /* runs in which place i was reached */
	unsigned nr_reach;
	const char *const *reach_names;
	u64 noted[LV_NR];	 /* runs in which a verdict that is not bad was noted */
	u64 noted_amount[LV_NR]; /* how much of it, over all runs */
};

/* Add one more run: its outcome @o, places reached, and for each verdict how much was noted. */
void lab_summary_add(struct lab_summary *s, const struct lab_outcome *o, u32 reached_mask,
		     const u32 noted[LV_NR]);

/* The first place that was asked for and reached in too few runs; -1: there is none. */
int lab_summary_missing(const struct lab_summary *s);

/*
 * The verdict of a whole search: the first bad one; else, if every place was reached in at least
 * LAB_REACH_MIN runs (or in every run, when there were fewer), the first of waste, empty, late,
 * refused that was noted, or safe; else unreached.
 */
enum lab_verdict lab_summary_verdict(const struct lab_summary *s);

#endif
