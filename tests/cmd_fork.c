/*
 * cmd_fork.c - `fork`: one fork of a parent of a given shape, with a failure at a given place.
 */
#include <string.h>

#include "kernel/core/clock.h"
#include "kernel/core/fault.h"
#include "kernel/shell/out.h"
#include "kernel/shell/shell.h"
#include "mm/page_alloc.h"
#include "tests/fork_run.h"
#include "tests/mm_same.h"

static void show_moments(const struct fork_run *run)
{
	out("  %-12s %12s %12s\n", "moment", clock_name(), "frames used");
	for (unsigned i = 0; i < run->nr_moments; i++) {
		const struct fork_moment *m = &run->moment[i];

		out("  %-12s %12lu %12ld\n", mm_mark_name[m->mark],
		    m->clock - run->moment[0].clock, m->frames);
	}
}

static void show_back(const struct fork_run *run)
{
	if (!run->charged_frames && !run->charged_tables)
		return;
	out("  child: %lu frames and %lu tables charged, %lu and %lu given back\n",
	    run->charged_frames, run->charged_tables, run->freed_frames, run->freed_tables);
	if (!run->err)
		return;
	out("  parent's lock held %ld; memory back 50 %% after %ld, 90 %% %ld, 100 %% %ld\n",
	    fork_run_hold(run), fork_run_back(run, 50), fork_run_back(run, 90),
	    fork_run_back(run, 100));
}

static void show_allowed(unsigned allowed)
{
	for (unsigned i = 0; i < NR_MM_ALLOWED; i++) {
		if (allowed >> i & 1)
			out("  parent: %s\n", mm_allowed_names[i]);
	}
}

static int judge(const struct fork_shape *shape, const struct fork_run *run, int nr_wrong)
{
	bool asked = shape->site || shape->kill != SHAPE_NO;

	if (nr_wrong)
		return shell_error("fork", "the parent differs in %d ways", nr_wrong);
	if (run->nr_ends != (run->child_id != 0))
		return shell_error("fork", "the child ended %u times", run->nr_ends);
	if (asked && !run->fired)
		return shell_error("fork", "the failure was not reached: %s",
				   shape->site ? shape->site->name : "kill");
	return SHELL_OK;
}

static int run_and_show(const struct fork_shape *shape, struct fork_stage *stage)
{
	struct mm_picture *before = mm_picture_take(stage->mm), *after = NULL;
	static struct fork_run run;
	unsigned allowed = 0;
	int nr_wrong = 0;

	if (!before || fork_run_once(shape, stage, &run) ||
	    !(after = mm_picture_take(stage->mm))) {
		if (before)
			mm_picture_free(before);
		return shell_error("fork", "no memory to watch it");
	}
	nr_wrong = mm_same(before, after, &allowed);
	mm_picture_free(before);
	mm_picture_free(after);
	out("fork: %s, %d of %lu VMAs copied, flags %#lx\n", run.err ? strerror(-run.err) : "done",
	    run.map_count, shape->vmas, run.flags);
	show_moments(&run);
	show_back(&run);
	show_allowed(allowed);
	return judge(shape, &run, nr_wrong);
}

static int cmd_fork(int argc, char **argv)
{
	static struct kv kv;
	static struct fork_shape shape;
	struct fork_stage stage;
	char name[256];
	int status, err;

	kv_parse_words(&kv, argc - 1, argv + 1);
	fork_shape_parse(&shape, &kv, frames_total() / 2);
	if (kv_done(&kv))
		return shell_error("fork", "%s", kv.error);
	err = fork_stage_build(&shape, &stage);
	if (err)
		return shell_error("fork", "the parent cannot be made: %s", strerror(-err));
	sem_set_name(sem_current(), name, sizeof(name));
	out("rules: %s\n", name);
	status = run_and_show(&shape, &stage);
	err = fork_stage_end(&stage);
	if (err)
		return shell_error("fork", "its swap device cannot go: %s", strerror(-err));
	return status;
}

SHELL_CMD(fork, "fork k=v...: copy an address space, perhaps with a failure\n  " FORK_SHAPE_USAGE,
	  cmd_fork);
