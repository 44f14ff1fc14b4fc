/*
 * detect.h - the detectors that listen while a world runs: faults, broken invariants, stale
 * translations, loops without a point. Each turns a fact into a verdict through lockstep_fail().
 *
 * Layer rule: nothing here may know a semantics or a mutant.
 */
#ifndef TESTS_LAB_DETECT_H
#define TESTS_LAB_DETECT_H

#include "kernel/base/types.h"

/* Listen / stop listening. The interactive system is set aside meanwhile. */
void detect_enter(void);
void detect_leave(void);

/*
 * A run begins: forget what the last one taught. @measured: instructions will be counted, so the
 * watchdog shall not come before its full time.
 */
void detect_begin_run(bool measured);

/* vCPU @cpu has just used the user address @addr through whatever tables it has loaded. */
void detect_user_access(unsigned cpu, unsigned long addr);

#endif
