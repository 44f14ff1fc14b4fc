/*
 * smp.h - starting the other CPUs.
 */
#ifndef KERNEL_X86_SMP_H
#define KERNEL_X86_SMP_H

#include "kernel/x86/pcpu.h"

/*
 * smp_prepare - wake the CPUs of the ACPI list, up to @max in all, one by one; each gets a pcpu,
 * stacks and a vCPU area, comes up on the kernel's tables and halts until smp_start().
 *
 * Context:  boot, once, after x86_init(), before layer 4 takes the memory
 * Result:   pcpus[0 .. nr_pcpus - 1], all running; vCPU i is carried by pcpu i; nr_vcpus equals
 *           nr_pcpus. A CPU that does not come within two seconds gets no number.
 */
void smp_prepare(unsigned max);

/*
 * smp_start - let the CPUs go: each calls @ap_main() on its own stack, interrupts off, irq_depth
 * and preempt_depth 1, and never returns from it.
 *
 * Returns:  how many CPUs of the list did not come to smp_prepare()
 */
unsigned smp_start(void (*ap_main)(void));

#endif
