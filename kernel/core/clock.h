/*
 * clock.h - what time it is, and what the time-stamp counter counts.
 *
 * Owns: which clock the run was promised (`clock=` of the boot line), the proof that it is so,
 *       nanoseconds.
 * Not here: the counter's rate (kernel/x86/tsc.h), virtual time (sched_ops->now).
 */
#ifndef KERNEL_CORE_CLOCK_H
#define KERNEL_CORE_CLOCK_H

#include "kernel/base/compiler.h"
#include "kernel/x86/cpu.h"

enum clock_kind {
	CLOCK_TSC,   /* time: cycles on hardware; under TCG not cycles of anything */
	CLOCK_INSN,  /* one count per guest instruction, of all CPUs together */
	CLOCK_MODEL, /* as insn; modelled cycles come beside it */
};

/*
 * clock_init - settle which clock this is and prove it.
 *
 * @promised: value of `clock=`, or NULL = tsc
 * Under insn and model 100 blocks of known length must each count exactly.
 * Under model there must be a model beside the machine.
 * Returns:   0, or -EINVAL with a clear reason in *@why: the machine is then refused
 * Context:   boot, after tsc_calibrate()
 */
int __must_check clock_init(const char *promised, const char **why);

enum clock_kind clock_kind(void);
bool clock_is_insn(void); /* does the counter count instructions (insn or model)? */

/* "tsc", "insn" or "model"; what records carry: "tcg-tsc" for tsc under TCG. */
const char *clock_name(void);
const char *clock_record_name(void);

/* Nanoseconds since clock_init() of the machine itself, whatever the run mode. Any context. */
u64 clock_ns(void);

/* Nanoseconds as threads see them: sched_ops->now(), clock_ns() before there is a scheduler. */
u64 time_ns(void);

#endif
