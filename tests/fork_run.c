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
#include "mm/mmu_gather.h"
#include "mm/page_alloc.h"

void (*fork_run_look)(const struct mm_struct *mm, enum mm_mark mark);

static struct {
	struct fork_run *run;
	const struct mm_struct *parent;
	const struct mm_tables *tables; /* the child's */
} watched;

/* Frames that wait on some vCPU's list are free. */
static long frames_in_use(void)
{
	long nr = 0;

	for (unsigned kind = FK_KERNEL; kind < FK_NR; kind++)
		nr += frames_live(kind);
	return nr;
}

/* The copy has ended, one way or the other. */
static void note_charged(const struct mm_struct *mm, struct fork_run *run)
{
	watched.tables = &mm->tables;
	run->charged_frames = (u64)(atomic_long_read_nopoint(&mm->rss_stat[MM_ANONPAGES]) +
				    atomic_long_read_nopoint(&mm->rss_stat[MM_FILEPAGES]));
	run->charged_tables =
		(u64)atomic_long_read_nopoint(&mm->tables.pgtables_bytes) / PAGE_SIZE;
}

static void note_freed(const struct mm_tables *mt, unsigned long nr_frames, unsigned long nr_tables)
{
	struct fork_run *run = watched.run;
	u64 clock = rdtsc_ordered();

	if (!run || mt != watched.tables)
		return;
	run->freed_frames += nr_frames;
	run->freed_tables += nr_tables;
	if (run->nr_back < FORK_BACK_MAX)
		run->nr_back++;
	run->back[run->nr_back - 1] = (struct fork_back){
		.clock = clock, .freed = run->freed_frames + run->freed_tables};
}

static const struct fork_moment *moment(const struct fork_run *run, enum mm_mark mark)
{
	for (unsigned i = 0; i < run->nr_moments; i++) {
		if (run->moment[i].mark == mark)
			return &run->moment[i];
	}
	return NULL;
}

s64 fork_run_back(const struct fork_run *run, unsigned percent)
{
	u64 all = run->charged_frames + run->charged_tables;
	const struct fork_moment *failed = moment(run, MARK_RECOVER);

	for (unsigned i = 0; failed && i < run->nr_back; i++) {
		if (run->back[i].freed * 100 >= all * percent)
			return (s64)(run->back[i].clock - failed->clock);
	}
	return -1;
}

s64 fork_run_hold(const struct fork_run *run)
{
	const struct fork_moment *from = moment(run, MARK_CLONE), *to = moment(run, MARK_PARENT);

	return from && to ? (s64)(to->clock - from->clock) : -1;
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
	if (mark == MARK_RECOVER || mark == MARK_LIVE)
		note_charged(mm, run);
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
		fork_stage_put_child(stage, child);
}

static unsigned nr_begun;

void fork_run_begin(void)
{
	if (nr_begun++)
		return;
	fault_hold();
	mm_marks_watch(note);
	gather_freed_hook = note_freed;
	static_key_set(&gather_key, true);
}

void fork_run_end(void)
{
	if (--nr_begun)
		return;
	static_key_set(&gather_key, false);
	mm_marks_watch(NULL);
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
	watched.tables = NULL;
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
