/*
 * smp_internal.h - what a starting CPU finds when it leaves real mode (trampoline.S).
 */
#ifndef KERNEL_X86_SMP_INTERNAL_H
#define KERNEL_X86_SMP_INTERNAL_H

#include "kernel/base/compiler.h"

/* Filled for one CPU at a time; the CPU takes @stack by exchanging it with 0. */
struct ap_boot {
	u64 cr3;
	u64 stack;
	u64 gs_base;
	u32 apic_id;
};

extern struct ap_boot ap_boot;
extern char trampoline_start[], trampoline_end[];

/* Called by trampoline.S on the new CPU's stack. */
void ap_start(void) __noreturn;

#endif
