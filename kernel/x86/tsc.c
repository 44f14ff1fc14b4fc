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
#define PIT_COUNT      11932UL /* 10 ms */
#define PIT_WARM_UP    12      /* 10 us */
#define PIT_COMMAND    0x43
#define PIT_CHANNEL2   0x42
#define PIT_ONE_SHOT2  0xb0 /* channel 2, both bytes, mode 0: output rises at the end */
#define PORT_B	       0x61
#define PORT_B_GATE2   0x01
#define PORT_B_SPEAKER 0x02
#define PORT_B_OUT2    0x20

#define POLL_SPIN 50 /* instructions between polls: port reads are dear under QEMU */
#define POLLS_MAX 20000000

/* QEMU's icount counts one instruction as one nanosecond; closer than this is meant. */
#define ICOUNT_KHZ   1000000UL
#define ICOUNT_SLACK 1000UL

u64 tsc_khz;

/* 32.32 fixed point. */
static u64 ns_per_tick;
static u64 ticks_per_ns;

/* Start @count periods on channel 2. */
static __init void pit_start(unsigned count)
{
	outb(PORT_B, (inb(PORT_B) & ~PORT_B_SPEAKER) | PORT_B_GATE2);
	outb(PIT_COMMAND, PIT_ONE_SHOT2);
	outb(PIT_CHANNEL2, count & 0xff);
	outb(PIT_CHANNEL2, count >> 8);
}

static __init bool pit_wait(void)
{
	for (unsigned long polls = 0; polls < POLLS_MAX; polls++) {
		if (inb(PORT_B) & PORT_B_OUT2)
			return true;
		for (unsigned i = 0; i < POLL_SPIN; i++)
			barrier();
	}
	return false;
}

/* @ticks in the time of PIT_COUNT periods, as ticks per millisecond. */
static __init u64 to_khz(u64 ticks)
{
	return ticks * PIT_HZ / (PIT_COUNT * 1000);
}

/* TSC and APIC timer ticks that pass in @count periods of the PIT. */
static __init void measure(unsigned count, u64 *tsc_ticks, u32 *timer_ticks)
{
	u64 start;

	pit_start(count);
	apic_timer_free_run();
	start = rdtsc_ordered();
	if (!pit_wait())
		machine_refuse("the PIT does not count, so there is no time");
	*tsc_ticks = rdtsc_ordered() - start;
	*timer_ticks = apic_timer_elapsed();
	apic_timer_stop();
}

void __init tsc_calibrate(void)
{
	u64 ticks;
	u32 timer_ticks;

	/*
	 * A short one first: QEMU translates code when it first runs, which takes 10 us of the
	 * guest's time.
	 */
	measure(PIT_WARM_UP, &ticks, &timer_ticks);
	measure(PIT_COUNT, &ticks, &timer_ticks);

	tsc_khz = to_khz(ticks);
	if (tsc_khz > ICOUNT_KHZ - ICOUNT_SLACK && tsc_khz < ICOUNT_KHZ + ICOUNT_SLACK)
		tsc_khz = ICOUNT_KHZ;
	if (!tsc_khz || !timer_ticks)
		machine_refuse("the TSC or the APIC timer does not count");
	apic_timer_set_rate(to_khz(timer_ticks));
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
