/*
 * tsc.h - the rate of the time-stamp counter.
 */
#ifndef KERNEL_X86_TSC_H
#define KERNEL_X86_TSC_H

#include "kernel/base/compiler.h"

/* Counts per millisecond; 1000000 exactly when the counter counts instructions (QEMU's icount). */
extern u64 tsc_khz;

/*
 * Measure TSC and APIC timer against 10 ms of PIT channel 2. Once, interrupts off, after
 * apic_init_cpu().
 */
void tsc_calibrate(void);

/* Counts in @ns, and back. Exact to the rate measured; no overflow below 100 years. */
u64 tsc_from_ns(u64 ns);
u64 tsc_to_ns(u64 tsc);

/* Busy wait; for hardware that wants a pause, never to wait for software. */
void tsc_delay_ns(u64 ns);

#endif
