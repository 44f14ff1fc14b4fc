/*
 * fork_pin.c - who pins a failed copy's child before the forker lets go is the one who ends it.
 */
#include "kernel/core/fault.h"
#include "kernel/sched/thread.h"
#include "mm/mm.h"
#include "mm/mm_marks.h"
#include "tests/fork_run.h"
#include "tests/ktest.h"

static struct mm_struct *pinned;
static struct thread *ender; /* whose thread passed the moment at which pages go */

/* As a walker that comes in W1, right behind the child's unlock; it stays for long. */
static void pin(const struct mm_struct *mm, enum mm_mark mark)
{
	struct mm_struct *child = (struct mm_struct *)mm;

	if (mark == MARK_UNLOCK && mmget_not_zero(child))
		pinned = child;
	if (mark == MARK_ZAP)
		ender = current;
}

/* The pin is dropped by this thread, with the moments watched. */
static void drop_watched(void)
{
	fork_run_begin();
	mm_marks_watch(pin);
	mmput(pinned);
	fork_run_end();
}

KTEST(fork_pin, the_last_user_runs_exit_mmap, KT_UNIT)
{
	static struct fork_shape shape;
	static struct fork_run run;
	struct fork_stage stage;

	shape = (struct fork_shape){
		.vmas = 4, .pages = 2, .dontcopy = SHAPE_NO, .k = 2, .kill = SHAPE_NO};
	shape.site = fault_site_find("F13");
	pinned = NULL;
	ender = NULL;
	t_assert_eq(t, fork_stage_build(&shape, &stage), 0);
	fork_run_look = pin;
	t_expect_eq(t, fork_run_once(&shape, &stage, &run), 0);
	fork_run_look = NULL;
	t_expect(t, run.fired);
	/* The forker has returned, and the child is as it left it. */
	t_assert(t, pinned);
	t_expect(t, !ender);
	t_expect_eq(t, run.nr_ends, 0);
	t_expect_eq(t, pinned->map_count, 2);
	drop_watched();
	t_expect_eq(t, ender, current);
	t_expect_eq(t, fork_stage_end(&stage), 0);
}
