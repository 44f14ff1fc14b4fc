/*
 * space_frame.h - the frame of a bench of one address space: made and used, measured, gone.
 */
#ifndef TESTS_BENCH_SPACE_FRAME_H
#define TESTS_BENCH_SPACE_FRAME_H

#include "kernel/sched/rcu.h"
#include "mm/mman.h"
#include "tests/bench.h"
#include "tests/mm_user.h"

#define BASE USER_BASE
#define RW   (PROT_READ | PROT_WRITE)

/* Used by the calling thread, with @nr pages at BASE, not touched. NULL: the bench has failed. */
static inline struct mm_struct *space_begin(struct bench *b, unsigned long nr)
{
	struct mm_struct *mm = mm_alloc();

	if (!mm || user_mmap(mm, BASE, nr, RW))
		bench_fail(b, "no memory for an address space");
	if (mm)
		mm_use(mm);
	return mm;
}

static inline void space_end(struct mm_struct *mm)
{
	mm_unuse(mm);
	mmput(mm);
	rcu_barrier();
}

/* A call that gives 0, over all pages of the bench's axis. */
static inline void space_measured(struct bench *b, struct mm_struct *mm,
				  int (*call)(struct mm_struct *mm, unsigned long len))
{
	int err;

	bench_start(b);
	err = call(mm, bench_x(b) * PAGE_SIZE);
	bench_stop(b, bench_x(b));
	if (err)
		bench_fail(b, "failed: %d", err);
}

#endif
