/*
 * dying.h - the figures of scenario kind `dying`: when, in virtual time, an address space went.
 *
 * Host side, of the last run. 0: it did not come to that.
 */
#ifndef TESTS_QUESTIONS_DYING_H
#define TESTS_QUESTIONS_DYING_H

#include "kernel/base/types.h"

#define DYING_HELPERS 4u

struct dying_times {
	u64 owner_begins; /* the thread whose process ends drops its reference, */
	u64 owner_back;	  /* and has dropped it */
	/* Moments of exit_mmap(), whoever runs it; shell: all is free but the struct. */
	u64 zap, zapped, tables, shell;
	u64 begins[DYING_HELPERS], ends[DYING_HELPERS]; /* of reapers, then of readers */
};

extern struct dying_times dying_times;

#endif
