/*
 * sem_wait.c - question 15: a registration that waits for a fork that failed.
 *
 * Idea: in virtual time the vCPU that is furthest behind runs next, so what one thread waits for
 *       another shows in when it is done. The same fork is run with the semaphore given back after
 *       the copy and after the teardown, by how much there is to tear down.
 */
#include "kernel/core/clock.h"
#include "tests/questions/question.h"

/* When the last of forker and uprobe is done; 0 after q_fail(). */
static u64 done_at(u64 vmas, u64 k, const char *sem, bool with_uprobe)
{
	const struct lab_result *res =
		q_search("fork vmas=%lu pages=2 file=%lu clean=on site=F13 k=%lu sem=%s %s "
			 "strategy=vtime", vmas, vmas / 2, k, sem,
			 with_uprobe ? "walkers=uprobe" : "");

	return res ? res->vtime : 0;
}

static int row_of_wait(u64 vmas, u64 k)
{
	u64 narrow = done_at(vmas, k, "zero_marker", true);
	u64 wide = narrow ? done_at(vmas, k, "zero_marker_sem", true) : 0;
	u64 alone = wide ? done_at(vmas, k, "zero_marker_sem", false) : 0;

	if (!alone)
		return q_fail("no virtual time");
	q_str("zero_marker (_sem)");
	q_u64(vmas), q_u64(k), q_u64(alone), q_u64(narrow), q_u64(wide);
	q_s64((s64)wide - (s64)narrow);
	q_row();
	return 0;
}

QUESTION(15, "Does holding the uprobe semaphore through teardown hurt registration?",
	 "A fork that fails at VMA k beside a registration of a uprobe in a file that half of "
	 "the VMAs map, in virtual time (instructions, each thread on a vCPU of its own): when "
	 "both are done if dup_mmap_sem is given back after the copy (narrow) and after the "
	 "child is torn down (wide); the difference is what registration waits longer.",
	 "Virtual time has no caches and no other load; narrow is the unsafe rule set, shown "
	 "for its time alone. On the tsc clock virtual time is that of the emulator: use "
	 "--clock insn --smp 1.")
{
	static const u64 sizes[] = {8, 32, 128};
	int err = 0;

	if (!clock_is_insn())
		q_note("this boot's clock is %s: the figures are not instructions", clock_name());
	Q_COLUMNS("rule sets", "VMAs", "k", "fork only", "narrow", "wide", "longer");
	for (unsigned i = 0; i < ARRAY_SIZE(sizes) && !err; i++) {
		err = row_of_wait(sizes[i], sizes[i] / 4);
		if (!err)
			err = row_of_wait(sizes[i], sizes[i] * 3 / 4);
	}
	return err;
}
