/*
 * watchdog.h - soft lockups: a vCPU on which nothing else has been able to run for too long.
 *
 * Idea: each timer interrupt looks whether preemption was on when it came; so does each context
 *       switch. A vCPU whose ticks have found preemption off for watchdog_limit_ns without one
 *       switch is reported once, with a backtrace of what was interrupted. A report, never a panic;
 *       a new report only after the vCPU was seen alive again. Between two looks no more counts
 *       than WATCHDOG_GAPS in the limit: a host that does not run the vCPU for long looks like one
 *       late tick, and must not look like a lockup.
 */
#ifndef KERNEL_CORE_WATCHDOG_H
#define KERNEL_CORE_WATCHDOG_H

#include "kernel/base/compiler.h"

struct trap_frame;

extern u64 watchdog_limit_ns; /* default 10 s; `set watchdog_ms` */

#define WATCHDOG_GAPS 4

/* Called when the limit was set anew: whoever makes the ticks must come more often within it. */
extern void (*watchdog_limit_hook)(void);

/* What is known of one vCPU. Zero bytes are a valid start. */
struct watchdog {
	u64 alive_ns; /* when it was last seen alive, by the ticks' time; 0: not yet looked at */
	u64 last_ns;  /* the last look */
	u64 stuck_ns; /* counted since it was last seen alive */
	bool touched; /* has switched since the last tick */
	bool reported;
};

/*
 * The rule: a look at @now found preemption off, or not. True: this is a lockup to be reported,
 * once.
 */
bool watchdog_judge(struct watchdog *w, bool preempt_off, u64 now);

/* This vCPU has switched threads, or is idle. Cheap; any context. */
void watchdog_touch(void);

/*
 * watchdog_tick - look at this vCPU.
 *
 * @frame:   what the timer interrupted; @now: ns of the real clock
 * Context:  timer interrupt, before it does anything that could take long; more often than
 *           WATCHDOG_GAPS times within the limit on a busy vCPU
 */
void watchdog_tick(const struct trap_frame *frame, u64 now);

/* Lockups reported since boot. */
unsigned long watchdog_reports(void);

#endif
