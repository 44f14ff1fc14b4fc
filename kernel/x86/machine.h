/*
 * machine.h - how a run ends.
 *
 * Owns: the exit port, the statuses, refusal of a machine.
 */
#ifndef KERNEL_X86_MACHINE_H
#define KERNEL_X86_MACHINE_H

#include "kernel/base/compiler.h"

enum machine_status {
	MACHINE_PASS = 0x10,
	MACHINE_FAIL = 0x11,
	MACHINE_REFUSED = 0x12,
	MACHINE_PANIC = 0x13,
	MACHINE_SKIPPED = 0x14,
};

/*
 * machine_exit - leave QEMU with @status through isa-debug-exit; without that device, halt for
 * ever.
 *
 * Prints nothing: the verdict line is the caller's, or machine_verdict()'s.
 */
void machine_exit(enum machine_status status) __noreturn;

/* The last line of every run, then machine_exit(). Any context. */
void machine_verdict(enum machine_status status) __noreturn;

/*
 * machine_refuse - this machine cannot run mmlife: say why and end with status `refused`.
 *
 * @reason:  one line without newline
 */
void machine_refuse(const char *reason) __noreturn;

/* Make the CPU triple-fault (a test of the launcher): empty IDT, then a trap. */
void machine_triple_fault(void) __noreturn;

#endif
