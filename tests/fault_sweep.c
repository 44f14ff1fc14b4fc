/*
 * fault_sweep.c - fail the 1st, 2nd, 3rd ... allocation of an operation until it succeeds.
 *
 * Owns: the rounds and the verdict over them. Not here: deciding that an allocation fails
 *       (kernel/core/fault).
 * Idea: arming names the n-th fault point this thread passes, whichever site it is; so a sweep
 *       needs no list of the allocations an operation makes, and one added later is swept without
 *       being told.
 */
#include "tests/ktest_internal.h"

#include "kernel/core/fault.h"

/* No operation here has this many allocations: it would mean that failing one changes nothing. */
#define SWEEP_MAX_ROUNDS 100000

/* From the first round to the last the sites listen, so that a round need not stop all CPUs. */
static void begin(struct ktest *t)
{
	if (t->nr_open_sweeps++ == 0)
		fault_hold();
}

static void end(struct ktest *t)
{
	if (--t->nr_open_sweeps == 0)
		fault_release();
}

void fault_sweep_abandon(struct ktest *t)
{
	fault_nth_disarm();
	while (t->nr_open_sweeps)
		end(t);
}

bool fault_sweep_arm(struct fault_sweep *fs)
{
	if (!fs->begun)
		begin(fs->t);
	fs->begun = true;
	if (fs->nth == SWEEP_MAX_ROUNDS) {
		t_fail(fs->t, "a sweep did not end within %u rounds", SWEEP_MAX_ROUNDS);
		fs->done = true;
	}
	if (fs->done) {
		end(fs->t);
		return false;
	}
	fault_nth_arm(fs->nth);
	return true;
}

static void judge_last_round(struct fault_sweep *fs, int err)
{
	t_count_check(fs->t);
	fs->done = true;
	fs->t->nr_sweeps++;
	if (err)
		t_fail(fs->t, "failed with %d though nothing was failed (round %u)", err,
		       fs->nth);
	else if (fs->nr_fired == 0)
		t_fail(fs->t, "a sweep in which no allocation was reached");
	else
		t_note(fs->t, "sweep: %u allocations failed in turn", fs->nr_fired);
}

enum fault_sweep_result fault_sweep_judge(struct fault_sweep *fs, int err)
{
	bool fired = fault_nth_fired();

	fault_nth_disarm();
	if (!fired) {
		judge_last_round(fs, err);
		return SWEEP_DONE;
	}
	t_count_check(fs->t);
	fs->nr_fired++;
	fs->nth++;
	return err ? SWEEP_FAILED : SWEEP_COPED;
}

void fault_sweep_absorbed(struct fault_sweep *fs)
{
	t_fail(fs->t, "succeeded although allocation %u failed", fs->nth - 1);
	fs->done = true;
}
