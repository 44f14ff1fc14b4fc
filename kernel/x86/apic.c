/*
 * apic.c - local APIC and IOAPIC. See apic.h.
 */
#include "kernel/x86/apic.h"

#include <errno.h>
#include "kernel/x86/acpi.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/init.h"
#include "kernel/x86/io.h"
#include "kernel/x86/kmap.h"
#include "kernel/x86/pcpu.h"
#include "kernel/x86/trap.h"

enum lapic_reg {
	LAPIC_ID = 0x20,
	LAPIC_TPR = 0x80,
	LAPIC_EOI = 0xb0,
	LAPIC_SVR = 0xf0,
	LAPIC_ESR = 0x280,
	LAPIC_ICR_LOW = 0x300,
	LAPIC_ICR_HIGH = 0x310,
	LAPIC_LVT_TIMER = 0x320,
	LAPIC_LVT_LINT0 = 0x350,
	LAPIC_LVT_LINT1 = 0x360,
	LAPIC_LVT_ERROR = 0x370,
	LAPIC_TIMER_INITIAL = 0x380,
	LAPIC_TIMER_CURRENT = 0x390,
	LAPIC_TIMER_DIVIDE = 0x3e0,
};

#define APIC_BASE_ENABLE (1UL << 11)
#define APIC_BASE_X2APIC (1UL << 10)
#define SVR_ENABLE	 0x100
#define LVT_MASKED	 (1u << 16)
#define DIVIDE_BY_1	 0xb

#define ICR_FIXED	 0x000
#define ICR_NMI		 0x400
#define ICR_INIT	 0x500
#define ICR_STARTUP	 0x600
#define ICR_ASSERT	 0x4000
#define ICR_PENDING	 0x1000
#define ICR_ALL_BUT_SELF 0xc0000

#define IOAPIC_SELECT  0x00
#define IOAPIC_WINDOW  0x10
#define IOAPIC_VERSION 1
#define IOAPIC_TABLE   0x10
#define IOAPIC_LOW     (1u << 13)
#define IOAPIC_LEVEL   (1u << 15)

#define PIC1 0x20
#define PIC2 0xa0

#define TIMER_SHIFT  24
#define TIMER_MAX_NS (1UL << 33) /* ns * multiplier stays below 2^63 up to 64 GHz */

static volatile u32 *lapic;
static u64 lapic_phys;
static struct acpi_info controllers;
static volatile u32 *ioapic_base[ACPI_MAX_IOAPICS];
static u64 timer_mult; /* ticks per ns << TIMER_SHIFT */

u64 apic_timer_khz;

static u32 lapic_read(enum lapic_reg reg)
{
	return lapic[reg / 4];
}

static void lapic_write(enum lapic_reg reg, u32 value)
{
	lapic[reg / 4] = value;
}

static u32 ioapic_read(unsigned i, u32 reg)
{
	ioapic_base[i][IOAPIC_SELECT / 4] = reg;
	return ioapic_base[i][IOAPIC_WINDOW / 4];
}

static void ioapic_write(unsigned i, u32 reg, u32 value)
{
	ioapic_base[i][IOAPIC_SELECT / 4] = reg;
	ioapic_base[i][IOAPIC_WINDOW / 4] = value;
}

/* Four initialisation words, then all lines masked. @cascade: where the other PIC hangs. */
static __init void pic_silence(u16 port, u8 base, u8 cascade)
{
	outb(port, 0x11);
	outb(port + 1, base); /* a spurious interrupt must not look like an exception */
	outb(port + 1, cascade);
	outb(port + 1, 0x01); /* 8086 mode */
	outb(port + 1, 0xff);
}

/* Firmware may have left the APIC off or in x2APIC mode; the way back leads through "off". */
static void apic_enable_mmio(void)
{
	u64 base = rdmsr(MSR_APIC_BASE) & ~KM_ADDR;

	if (base & APIC_BASE_X2APIC)
		wrmsr(MSR_APIC_BASE, lapic_phys | (base & ~(APIC_BASE_ENABLE | APIC_BASE_X2APIC)));
	wrmsr(MSR_APIC_BASE, lapic_phys | (base & ~APIC_BASE_X2APIC) | APIC_BASE_ENABLE);
}

int __init apic_init(const struct acpi_info *acpi, const char **why)
{
	if (!acpi->lapic_phys || acpi->lapic_phys >= DIRECT_MAP_SIZE ||
	    acpi->lapic_phys % PAGE_SIZE) {
		*why = "the local APIC has an impossible address";
		return -ENODEV;
	}
	controllers = *acpi;
	lapic_phys = acpi->lapic_phys;
	lapic = kmap_mmio(PHYS(lapic_phys), PAGE_SIZE);
	for (unsigned i = 0; i < acpi->nr_ioapics; i++) {
		u32 pins;

		ioapic_base[i] = kmap_mmio(PHYS(acpi->ioapic[i].phys), 32);
		pins = (ioapic_read(i, IOAPIC_VERSION) >> 16 & 0xff) + 1;
		for (u32 pin = 0; pin < pins; pin++)
			ioapic_write(i, IOAPIC_TABLE + 2 * pin, LVT_MASKED);
	}
	pic_silence(PIC1, VEC_ISA_BASE, 1 << 2);
	pic_silence(PIC2, VEC_ISA_BASE + 8, 2);
	return 0;
}

void apic_init_cpu(void)
{
	apic_enable_mmio();
	lapic_write(LAPIC_LVT_TIMER, LVT_MASKED);
	lapic_write(LAPIC_LVT_LINT0, LVT_MASKED);
	lapic_write(LAPIC_LVT_LINT1, ICR_NMI);
	lapic_write(LAPIC_LVT_ERROR, LVT_MASKED);
	lapic_write(LAPIC_TIMER_DIVIDE, DIVIDE_BY_1);
	lapic_write(LAPIC_TPR, 0);
	lapic_write(LAPIC_SVR, SVR_ENABLE | VEC_SPURIOUS);
	lapic_write(LAPIC_EOI, 0);
}

u32 apic_id(void)
{
	return lapic_read(LAPIC_ID) >> 24;
}

void apic_eoi(void)
{
	lapic_write(LAPIC_EOI, 0);
}

static void icr_send(u32 dest, u32 command)
{
	spin_until(!(lapic_read(LAPIC_ICR_LOW) & ICR_PENDING));
	lapic_write(LAPIC_ICR_HIGH, dest << 24);
	lapic_write(LAPIC_ICR_LOW, command | ICR_ASSERT);
}

void apic_send_ipi(unsigned cpu, u8 vector)
{
	icr_send(pcpus[cpu]->apic_id, ICR_FIXED | vector);
}

void apic_send_nmi(unsigned cpu)
{
	icr_send(pcpus[cpu]->apic_id, ICR_NMI);
}

void apic_broadcast_ipi(u8 vector)
{
	icr_send(0, ICR_ALL_BUT_SELF | ICR_FIXED | vector);
}

void apic_broadcast_nmi(void)
{
	icr_send(0, ICR_ALL_BUT_SELF | ICR_NMI);
}

void apic_send_init(u32 id)
{
	icr_send(id, ICR_INIT);
}

void apic_send_startup(u32 id, u8 page)
{
	icr_send(id, ICR_STARTUP | page);
}

void apic_timer_set_rate(u64 khz)
{
	apic_timer_khz = khz;
	timer_mult = (khz << TIMER_SHIFT) / 1000000;
}

/* Vectors are held back by their upper four bits. */
_Static_assert(VEC_WATCHDOG >> 4 == 0xf && VEC_IPI_BASE >> 4 < 0xf && VEC_TIMER >> 4 < 0xf,
	       "the watchdog's vector is above those of all that happens");

void apic_hold(bool hold)
{
	lapic_write(LAPIC_TPR, hold ? 0xe0 : 0);
}

void apic_timer_arm(u64 ns, u8 vector)
{
	u64 ticks = min(ns, TIMER_MAX_NS) * timer_mult >> TIMER_SHIFT;

	lapic_write(LAPIC_LVT_TIMER, vector);
	lapic_write(LAPIC_TIMER_INITIAL, (u32)max(1UL, min(ticks, 0xffffffffUL)));
}

void apic_timer_stop(void)
{
	lapic_write(LAPIC_LVT_TIMER, LVT_MASKED);
	lapic_write(LAPIC_TIMER_INITIAL, 0);
}

void apic_timer_free_run(void)
{
	lapic_write(LAPIC_LVT_TIMER, LVT_MASKED);
	lapic_write(LAPIC_TIMER_INITIAL, 0xffffffff);
}

u32 apic_timer_elapsed(void)
{
	return 0xffffffff - lapic_read(LAPIC_TIMER_CURRENT);
}

bool ioapic_enable_isa(unsigned irq)
{
	const struct acpi_isa_irq *isa = &controllers.isa[irq];

	for (unsigned i = 0; i < controllers.nr_ioapics; i++) {
		u32 pin = isa->gsi - controllers.ioapic[i].gsi_base;
		u32 pins = (ioapic_read(i, IOAPIC_VERSION) >> 16 & 0xff) + 1;

		if (isa->gsi < controllers.ioapic[i].gsi_base || pin >= pins)
			continue;
		ioapic_write(i, IOAPIC_TABLE + 2 * pin + 1, pcpus[0]->apic_id << 24);
		ioapic_write(i, IOAPIC_TABLE + 2 * pin,
			     (VEC_ISA_BASE + irq) | (isa->active_low ? IOAPIC_LOW : 0) |
				     (isa->level ? IOAPIC_LEVEL : 0));
		return true;
	}
	return false;
}
