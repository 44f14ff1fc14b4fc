/*
 * panic.h - the end of the machine, with everything one wants to know.
 *
 * Prints cause, registers, symbolised backtrace, held locks, the last log lines that were not
 * shown; stops the other CPUs; ends with the verdict `panic`. Takes less than a second and no lock
 * that could be held.
 */
#ifndef KERNEL_CORE_PANIC_H
#define KERNEL_CORE_PANIC_H

#include "kernel/base/compiler.h"

struct trap_frame;

/* Any context. */
void panic(const char *fmt, ...) __noreturn __cold __printf(1, 2);

/* The same for a trap: registers and backtrace are @frame's. */
void panic_frame(const struct trap_frame *frame, const char *fmt, ...) __noreturn __cold
	__printf(2, 3);

/* Prints the registers of @frame and the control registers, as errors. */
void regs_print(const struct trap_frame *frame);

/* Is a panic under way (on any CPU)? */
bool panicking(void);

#endif
