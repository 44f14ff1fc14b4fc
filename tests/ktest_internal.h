/*
 * ktest_internal.h - what the files of the test runner share.
 */
#ifndef TESTS_KTEST_INTERNAL_H
#define TESTS_KTEST_INTERNAL_H

#include <setjmp.h>

#include "kernel/core/thread_base.h"
#include "tests/ktap.h"
#include "tests/ktest.h"

#define KTEST_REASON_MAX 96

/*
 * Field key: [I] set before the body starts  [B] the body's thread only  [A] atomic, any thread of
 * the test
 */
struct ktest {
	const struct ktest_case *kc;	 /* [I] */
	struct ktap *report;		 /* [I] where notes go */
	u64 seed, scale;		 /* [I] */
	struct thread_base *owner;	 /* [B] the thread that may leave by a jump */
	struct rng rng;			 /* [B] */
	jmp_buf end;			 /* [B] where t_assert and t_skip go */
	u32 nr_checks;			 /* [A] */
	u32 nr_failed;			 /* [A] */
	u32 nr_sweeps;			 /* [B] fault_sweep()s that came to their end */
	u32 nr_open_sweeps;		 /* [B] fault_sweep()s under way */
	u32 nr_warnings;		 /* [B] kernel warnings it said it causes */
	bool skipped;			 /* [B] */
	char reason[KTEST_REASON_MAX];	 /* [B] why */
};

/* The order and choice of a run. */
struct ktest_opts {
	const char *glob; /* tests whose "suite.name" matches */
	const char *skip; /* but for those that match this; NULL: none */
	u64 seed;
	u64 scale; /* multiplies the work of stress and model tests */
	bool shuffle;
};

/*
 * ktest_run - run the chosen tests and report them.
 *
 * Returns: KTAP_PASS, KTAP_FAIL if one failed or did not run, KTAP_SKIP if all were skipped
 * Context: a thread that may sleep and use floating point; one run at a time
 */
enum ktap_status ktest_run(const struct ktest_opts *opts);

/*
 * ktest_try - run one test and judge it: its body, what it claimed, what it left behind.
 *
 * Reports one result in @report's innermost plan and returns it. Context: as ktest_run()
 */
enum ktap_status ktest_try(struct ktap *report, const struct ktest_case *kc,
			   const struct ktest_opts *opts);

/* How many registered tests @opts chooses. */
unsigned ktest_count(const struct ktest_opts *opts);

/* End what a body that was left early had begun. In the body's thread. */
void fault_sweep_abandon(struct ktest *t);

/* The body, in the calling thread, with every way out of it caught. */
void ktest_call_body(struct ktest *t);

#endif
