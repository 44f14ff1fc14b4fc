/*
 * tsc.c - the rate of the time-stamp counter. See tsc.h.
 */
#include "kernel/x86/tsc.h"

#include "kernel/x86/apic.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/init.h"
#include "kernel/x86/io.h"
#include "kernel/x86/machine.h"

#define PIT_HZ	       1193182UL
#define PIT_WINDOW     11932u /* periods to wait: 10 ms */
#define PIT_COMMAND    0x43
#define PIT_CHANNEL2   0x42
#define PIT_ONE_SHOT2  0xb0 /* channel 2, both bytes, mode 0: output rises at zero */
#define PIT_LATCH2     0x80
#define PORT_B	       0x61
#define PORT_B_GATE2   0x01
#define PORT_B_SPEAKER 0x02
#define PORT_B_OUT2    0x20

#define READS	  5    /* per sample: the tightest counts, a host's interruption does not */
#define POLL_SPIN 1000 /* instructions between samples: port reads are dear under QEMU */
#define POLLS_MAX 100000
#define LATE_MAX  1000 /* a loaded host may keep us away again and again */

/* QEMU's icount counts one instruction as one nanosecond; closer than this is meant. */
#define ICOUNT_KHZ   1000000UL
#define ICOUNT_SLACK 1000UL

u64 tsc_khz;

/* 32.32 fixed point. */
static u64 ns_per_tick;
static u64 ticks_per_ns;

/* All three counters at one moment, which lies within @width TSC ticks. */
struct sample {
	u64 tsc;
	u64 width;
	u32 apic;
	u16 pit; /* counts down */
};

static __init struct sample take_sample(void)
{
	struct sample best = {.width = ~0UL};

	for (unsigned i = 0; i < READS; i++) {
		struct sample s;
		u64 start = rdtsc_ordered();

		outb(PIT_COMMAND, PIT_LATCH2);
		s.apic = apic_timer_elapsed();
		s.width = rdtsc_ordered() - start;
		s.tsc = start + s.width / 2;
		s.pit = inb(PIT_CHANNEL2);
		s.pit |= inb(PIT_CHANNEL2) << 8;
		if (s.width < best.width)
			best = s;
	}
	return best;
}

/* Start channel 2 from its maximum, 55 ms, and the APIC timer beside it. */
static __init void start_counters(void)
{
	outb(PORT_B, (inb(PORT_B) & ~PORT_B_SPEAKER) | PORT_B_GATE2);
	outb(PIT_COMMAND, PIT_ONE_SHOT2);
	outb(PIT_CHANNEL2, 0xff);
	outb(PIT_CHANNEL2, 0xff);
	apic_timer_free_run();
}

enum measured { MEASURED, CAME_LATE, DOES_NOT_COUNT };

/*
 * Two samples at least PIT_WINDOW apart. CAME_LATE: the host kept us away so long that the PIT went
 * round.
 */
static __init enum measured measure(struct sample *from, struct sample *to)
{
	start_counters();
	*from = take_sample();
	for (unsigned long polls = 0; polls < POLLS_MAX; polls++) {
		for (unsigned i = 0; i < POLL_SPIN; i++)
			barrier();
		*to = take_sample();
		if (inb(PORT_B) & PORT_B_OUT2)
			return CAME_LATE;
		if ((u16)(from->pit - to->pit) >= PIT_WINDOW)
			return MEASURED;
	}
	return DOES_NOT_COUNT;
}

void __init tsc_calibrate(void)
{
	struct sample from, to;
	enum measured how;
	unsigned late = 0;
	u64 ticks;

	while ((how = measure(&from, &to)) != MEASURED)
		if (how == DOES_NOT_COUNT || ++late == LATE_MAX)
			machine_refuse("the PIT does not count, so there is no time");
	apic_timer_stop();

	ticks = to.tsc - from.tsc;
	tsc_khz = ticks * PIT_HZ / ((u64)(u16)(from.pit - to.pit) * 1000);
	if (tsc_khz > ICOUNT_KHZ - ICOUNT_SLACK && tsc_khz < ICOUNT_KHZ + ICOUNT_SLACK)
		tsc_khz = ICOUNT_KHZ;
	if (!tsc_khz || to.apic == from.apic)
		machine_refuse("the TSC or the APIC timer does not count");
	apic_timer_set_rate((to.apic - from.apic) * tsc_khz / ticks);
	ns_per_tick = (1000000UL << 32) / tsc_khz;
	ticks_per_ns = (tsc_khz << 32) / 1000000;
}

u64 tsc_from_ns(u64 ns)
{
	return (unsigned __int128)ns * ticks_per_ns >> 32;
}

u64 tsc_to_ns(u64 tsc)
{
	return (unsigned __int128)tsc * ns_per_tick >> 32;
}

void tsc_delay_ns(u64 ns)
{
	u64 end = rdtsc() + tsc_from_ns(ns);

	spin_until(rdtsc() >= end);
}
