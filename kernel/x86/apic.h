/*
 * apic.h - local APIC (timer, inter-processor interrupts) and IOAPIC (device interrupts).
 *
 * Idea: xAPIC through uncached MMIO; the timer is one-shot only; the legacy PIC is masked for good.
 */
#ifndef KERNEL_X86_APIC_H
#define KERNEL_X86_APIC_H

#include "kernel/base/compiler.h"

struct acpi_info;

/*
 * apic_init - map the registers and route ISA interrupts; once, on the first CPU, after
 * kmap_init().
 *
 * Returns 0, or -ENODEV with *@why set.
 */
int __must_check apic_init(const struct acpi_info *acpi, const char **why);

/* Enable the running CPU's local APIC: spurious vector, timer masked, priority 0. */
void apic_init_cpu(void);

/* APIC id of the running CPU, from the hardware. */
u32 apic_id(void);

/* Acknowledge the interrupt in service. Done by irq_dispatch(). */
void apic_eoi(void);

/*
 * Send interrupt @vector, or an NMI, to physical CPU @cpu. Returns once the APIC has taken it.
 * Interrupts off.
 */
void apic_send_ipi(unsigned cpu, u8 vector);
void apic_send_nmi(unsigned cpu);

/* The same to every CPU but the running one. */
void apic_broadcast_ipi(u8 vector);
void apic_broadcast_nmi(void);

/* INIT and start-up IPIs, for smp.c. */
void apic_send_init(u32 apic_id);
void apic_send_startup(u32 apic_id, u8 page);

/*
 * apic_timer_arm - raise @vector (VEC_TIMER or VEC_WATCHDOG) on this CPU after @ns; replaces what
 * was armed.
 *
 * @ns:  0 = as soon as possible; long times are cut to what the counter holds (the caller re-arms:
 *       see the clock)
 */
void apic_timer_arm(u64 ns, u8 vector);
void apic_timer_stop(void);

/*
 * While @hold, the running CPU takes no interrupt but VEC_WATCHDOG and NMIs, even with its flag on;
 * what comes meanwhile waits.
 */
void apic_hold(bool hold);

/* Timer ticks per millisecond; set by tsc_calibrate(). */
extern u64 apic_timer_khz;
void apic_timer_set_rate(u64 khz);

/* For tsc_calibrate(): let the timer run masked from its maximum / ticks gone by since. */
void apic_timer_free_run(void);
u32 apic_timer_elapsed(void);

/*
 * Enable ISA interrupt @irq (0..15) for the first CPU at vector VEC_ISA_BASE + @irq. False: no
 * IOAPIC has it.
 */
bool ioapic_enable_isa(unsigned irq);

#endif
