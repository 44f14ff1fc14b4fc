/*
 * fork_run.c - see fork_run.h.
 */
#include "tests/fork_run.h"

#include <errno.h>

#include "kernel/base/err.h"
#include "kernel/core/clock.h"
#include "kernel/core/fault.h"
#include "kernel/sched/kthread.h"
#include "kernel/sched/work.h"
#include "mm/page_alloc.h"

void (*fork_run_look)(const struct mm_struct *mm, enum mm_mark mark);

static struct {
	struct fork_run *run;
	const struct mm_struct *parent;
} watched;

/* Frames that wait on some vCPU's list are free. */
static long frames_in_use(void)
{
	long nr = 0;

	for (unsigned kind = FK_KERNEL; kind < FK_NR; kind++)
		nr += frames_live(kind);
	return nr;
}

static void note(const struct mm_struct *mm, enum mm_mark mark)
{
	struct fork_run *run = watched.run;

	if (!run || mm == watched.parent)
		return;
	if (fork_run_look)
		fork_run_look(mm, mark);
	if (mark == MARK_CLONE)
		run->child_id = mm->id;
	if (mm->id != run->child_id)
		return;
	if (mark == MARK_UNLOCK || mark == MARK_LIVE) {
		run->map_count = mm->map_count;
		run->flags = mm->flags;
	}
	if (mark == MARK_END)
		run->nr_ends++;
	if (run->nr_moments < FORK_MOMENTS_MAX)
		run->moment[run->nr_moments++] = (struct fork_moment){
			.mark = mark, .clock = rdtsc_ordered(), .frames = frames_in_use()};
}

static void forker(void *arg)
{
	struct fork_stage *stage = arg;
	struct mm_struct *child = dup_mm(stage->mm);

	if (IS_ERR(child))
		watched.run->err = (int)PTR_ERR(child);
	else
		mmput(child);
}

static unsigned nr_begun;

void fork_run_begin(void)
{
	if (nr_begun++)
		return;
	fault_hold();
	mm_marks_hook = note;
	static_key_set(&mm_marks_key, true);
}

void fork_run_end(void)
{
	if (--nr_begun)
		return;
	static_key_set(&mm_marks_key, false);
	fault_release();
}

int fork_run_once(const struct fork_shape *shape, struct fork_stage *stage, struct fork_run *run)
{
	struct thread *t;

	*run = (struct fork_run){0};
	t = kthread_create("forker", forker, stage);
	if (!t)
		return -ENOMEM;
	/* What a hog has taken is short where it took it. */
	if (shape->hog)
		t->affinity = 1ull << smp_processor_id();
	fork_run_begin();
	watched.run = run;
	watched.parent = stage->mm;
	fork_fault_arm(shape);
	thread_start(t);
	thread_join(t);
	flush_workqueue(&system_wq); /* who tears down later has done so */
	run->fired = fork_fault_fired();
	fork_fault_disarm();
	watched.run = NULL;
	fork_run_end();
	return 0;
}
