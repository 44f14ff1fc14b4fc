/*
 * fpu.h - when the FPU and vector registers may be used.
 *
 * Owns: CR0.TS. It stays set, so that any use traps (#NM) and is reported with its symbol, except
 *       in threads marked
 * TF_FPU and between fpu_begin() and fpu_end(). The kernel itself is compiled without; only newlib
 * uses them.
 * Idea: a thread inside a section owns the registers, saved and restored when it is switched. An
 *       interrupt handler that formats a message saves what it interrupts. No vector register lives
 *       across a C call, so exceptions that an instruction caused (page faults) need nothing.
 */
#ifndef KERNEL_CORE_FPU_H
#define KERNEL_CORE_FPU_H

#include "kernel/core/thread_base.h"

/* Nests; any context. */
void fpu_begin(void);
void fpu_end(void);

/* Has @thread registers that a switch must keep? */
static inline bool fpu_owns(const struct thread_base *thread)
{
	return thread->fpu_depth || (thread->flags & TF_FPU);
}

/*
 * At a context switch, interrupts off, on either stack: @prev's state is saved, @next's made
 * current.
 */
void fpu_switch(struct thread_base *prev, struct thread_base *next);

/* Forbids the FPU on the running CPU and takes the #NM hook; each CPU once, at its start. */
void fpu_init_cpu(void);

/* The running thread goes on at a recovery where it had @depth sections open. */
void fpu_restore_depth(u32 depth);

/* A panic prints without regard to who owned the registers. */
void fpu_panic(void);

#endif
