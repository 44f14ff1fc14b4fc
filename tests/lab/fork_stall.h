/*
 * fork_stall.h - how long threads of a parent wait while one of them forks.
 */
#ifndef TESTS_LAB_FORK_STALL_H
#define TESTS_LAB_FORK_STALL_H

#include "kernel/base/compiler.h"
#include "kernel/base/types.h"

/* Writes of the siblings from the start until the fork was over; times in virtual instructions. */
struct fork_stall {
	u64 accesses;
	u64 longest;
	u64 sum;
};

/* What the last `scenario fork stall=on` measured. */
struct fork_stall fork_stall_last(void);

/*
 * fork_stall_measure - one fork with siblings that write all the while, under virtual time.
 *
 * @words:   of `scenario fork`: shape, failure, rules, threads=
 * Returns:  0; or a negative errno with a clear line in @why
 * Context:  as lab_search(); the clock must count instructions
 */
int __must_check fork_stall_measure(const char *words, struct fork_stall *stall, char *why,
				    size_t len);

#endif
