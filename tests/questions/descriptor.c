/*
 * descriptor.c - question 17: the limits of an unmapping as a descriptor or as arguments.
 *
 * Both exist here: rule sets that end a failed child at a marker in its tree, and those that say
 * where it ends in struct unmap_desc. What a change touches is counted in the sources when they are
 * built (scripts/source-counts).
 */
#include "tests/questions/question.h"

#include "source-counts.h"

#define HALF 128

static int row_of_rules(const char *sem, const char *bench, u64 tests)
{
	const struct bench_result *result = q_bench(bench, HALF);

	if (!result)
		return -1;
	q_str(sem);
	q_u64(tests);
	q_u64(result->total.median);
	q_row();
	return 0;
}

static void row_of_count(const char *what, u64 descriptor, u64 arguments)
{
	q_str(what);
	q_u64(descriptor);
	q_u64(arguments);
	q_row();
}

QUESTION(17, "Would the marker have been avoidable in 2023?",
	 "Rule sets with a marker and without stand side by side here, on one unmapping whose "
	 "limits are a descriptor. Counted in mm/ at build time: places that a limit more "
	 "touches, with the descriptor (who fills one in) and if each limit were an argument "
	 "(each function that takes the limits and each call of one). Then the tests for the "
	 "marker that each way leaves in the code, and a fork that fails at VMA 128 of 256 "
	 "under both.",
	 "It is counted in this code, which is smaller than Linux's: the ratio tells, not the "
	 "number. Whether a list of arguments is too messy is taste; that it could be done is "
	 "shown by rule sets that need no marker and no flag for the walk of the child's own "
	 "exit.")
{
	int err;

	Q_COLUMNS("a limit more touches", "descriptor", "arguments");
	row_of_count("places", COUNT_FILLED, COUNT_TAKERS + COUNT_CALLS);
	row_of_count("limits named at calls", COUNT_FILLED_MEMBERS, COUNT_CALLS * COUNT_MEMBERS);
	row_of_count("functions with parameters", 0, COUNT_TAKERS);
	Q_COLUMNS("way to say where it ends", "marker tests", "failing fork");
	err = row_of_rules("marker (zero_marker)", "fork_fail_total_zero_marker",
			   COUNT_MARKER_TESTS);
	if (!err)
		err = row_of_rules("limit (full_teardown_child_lock)",
				   "fork_fail_total_full_teardown_child_lock", 0);
	if (!err)
		err = row_of_rules("limit (full_teardown_both_locks)",
				   "fork_fail_total_full_teardown_both_locks", 0);
	return err;
}
