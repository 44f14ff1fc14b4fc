/*
 * smp.h - starting the other CPUs.
 */
#ifndef KERNEL_X86_SMP_H
#define KERNEL_X86_SMP_H

#include "kernel/x86/pcpu.h"

/*
 * smp_prepare - allocate, for each CPU of the ACPI list up to @max, its pcpu, stacks and vCPU area.
 *
 * Context:  boot, once, after x86_init(), before layer 4 takes the memory
 * Result:   pcpus[0 .. nr_pcpus - 1]; vcpu_base[] and nr_vcpus follow (vCPU i on pcpu i)
 */
void smp_prepare(unsigned max);

/*
 * smp_start - wake the prepared CPUs one by one; each calls @ap_main() on its own stack, interrupts
 * off, irq_depth and preempt_depth 1, and never returns from it.
 *
 * Returns:  number of CPUs that did not come within a second. Their pcpus are removed and the rest
 *           renumbered before any of them is used: nr_pcpus and nr_vcpus count CPUs that run.
 */
unsigned smp_start(void (*ap_main)(void));

#endif
