/*
 * watchdog.h - soft lockups: a vCPU on which nothing else has been able to run for too long.
 *
 * Idea: each timer interrupt looks whether preemption was on when it came; so does each context
 *       switch. A vCPU whose ticks have found preemption off for watchdog_limit_ns without one
 *       switch is reported once, with a backtrace of what was interrupted. A report, never a panic;
 *       a new report only after the vCPU was seen alive again.
 */
#ifndef KERNEL_CORE_WATCHDOG_H
#define KERNEL_CORE_WATCHDOG_H

#include "kernel/base/compiler.h"

struct trap_frame;

extern u64 watchdog_limit_ns; /* default 10 s; `set watchdog_ms` */

/* This vCPU has switched threads, or is idle. Cheap; any context. */
void watchdog_touch(void);

/*
 * watchdog_tick - look at this vCPU.
 *
 * @frame:   what the timer interrupted; @now: ns of the real clock
 * Context:  timer interrupt, before it does anything that could take long; at least once a second
 *           on a busy vCPU
 */
void watchdog_tick(const struct trap_frame *frame, u64 now);

/* Lockups reported since boot. */
unsigned long watchdog_reports(void);

#endif
