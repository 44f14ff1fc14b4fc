/*
 * fork_run.h - one fork of a stage, watched: what it returned, what it left, when what happened.
 */
#ifndef TESTS_FORK_RUN_H
#define TESTS_FORK_RUN_H

#include "mm/mm_marks.h"
#include "tests/fork_shape.h"

#define FORK_MOMENTS_MAX 24u

struct fork_moment {
	enum mm_mark mark;
	u64 clock;    /* of rdtsc_ordered() */
	long frames;  /* in use, then */
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
};

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
