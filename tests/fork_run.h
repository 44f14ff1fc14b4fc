/*
 * fork_run.h - one fork of a stage, watched: what it returned, what it left, when what happened.
 */
#ifndef TESTS_FORK_RUN_H
#define TESTS_FORK_RUN_H

#include "mm/mm_marks.h"
#include "tests/fork_shape.h"

#define FORK_MOMENTS_MAX 24u
#define FORK_BACK_MAX	 64u /* later ones count as the last */

struct fork_moment {
	enum mm_mark mark;
	u64 clock;    /* of rdtsc_ordered() */
	long frames;  /* in use, then */
};

/* What the child had given back of what it was charged, at a moment. */
struct fork_back {
	u64 clock;
	u64 freed; /* frames and tables so far */
};

struct fork_run {
	int err;	    /* of dup_mm() */
	bool fired;	    /* the armed failure came */
	u64 child_id;	    /* 0: it came to no child */
	int map_count;	    /* VMAs of the child's own, when it was unlocked */
	unsigned long flags; /* of the child, then */
	unsigned nr_ends;   /* last mmdrops of the child */
	unsigned nr_moments;
	struct fork_moment moment[FORK_MOMENTS_MAX];
	/*
	 * Of the child's generation: entries that map frames and tables, when its copy ended; how
	 * many of them were given back. A frame that is shared costs it a reference.
	 */
	u64 charged_frames, charged_tables, freed_frames, freed_tables;
	unsigned nr_back;
	struct fork_back back[FORK_BACK_MAX];
};

/* Clock ticks from the failure until @percent of what was charged was back; -1: never. */
s64 fork_run_back(const struct fork_run *run, unsigned percent);
/* Clock ticks for which the parent's lock was held; -1: it was not taken. */
s64 fork_run_hold(const struct fork_run *run);

/* Looks at any mm but the parent at each moment of a run, before it goes on. NULL: nobody. */
extern void (*fork_run_look)(const struct mm_struct *mm, enum mm_mark mark);

/*
 * fork_run_begin, fork_run_end - around many runs: what each of them switches on and off, which
 * stops all CPUs, stays on meanwhile. Context: as static_key_set()
 */
void fork_run_begin(void);
void fork_run_end(void);

/*
 * fork_run_once - arm, fork, disarm; a child that was made ends at once.
 *
 * Context:  may sleep, makes a thread that forks (a killed one cannot be used any more); nobody
 *           else forks or exits meanwhile
 * Returns:  0 with *@run filled, or -ENOMEM: no thread
 */
int __must_check fork_run_once(const struct fork_shape *shape, struct fork_stage *stage,
			       struct fork_run *run);

#endif
