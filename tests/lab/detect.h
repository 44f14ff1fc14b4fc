/*
 * detect.h - the detectors that listen while a world runs: faults, broken invariants, stale
 * translations, loops without a point. Each turns a fact into a verdict through lockstep_fail().
 *
 * Layer rule: nothing here may know a semantics or a mutant.
 */
#ifndef TESTS_LAB_DETECT_H
#define TESTS_LAB_DETECT_H

/* Listen / stop listening. The interactive system is set aside meanwhile. */
void detect_enter(void);
void detect_leave(void);

/* A run begins: forget what the last one taught. */
void detect_begin_run(void);

/* vCPU @cpu has just used the user address @addr through whatever tables it has loaded. */
void detect_user_access(unsigned cpu, unsigned long addr);

#endif
