/*
 * smp_internal.h - what smp.c, start.c and the boot assembly share.
 */
#ifndef KERNEL_X86_SMP_INTERNAL_H
#define KERNEL_X86_SMP_INTERNAL_H

#include "kernel/base/compiler.h"

/*
 * What a starting CPU finds when it leaves real mode (trampoline.S).
 * Filled for one CPU at a time; the CPU takes @stack by exchanging it with 0.
 */
struct ap_boot {
	u64 cr3;
	u64 stack;
	u64 gs_base;
	u32 apic_id;
};

extern struct ap_boot ap_boot;
extern char trampoline_start[], trampoline_end[];
extern char boot_stack_guard[], boot_stack[], boot_stack_top[]; /* entry64.S */

/* CPUs that did not come; they may yet wake up and run the trampoline. */
extern unsigned smp_cpus_missing;

/* Give the CPU that booted its tables and trap stacks. Once, after kmap_init(). */
void smp_init_boot_cpu(u32 apic_id);

/* Called by trampoline.S on the new CPU's stack. */
void ap_start(void) __noreturn;

#endif
