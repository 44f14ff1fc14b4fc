/*
 * acpi.h - the few facts mmlife wants from ACPI: which CPUs and which interrupt controllers there
 * are.
 *
 * Owns: finding and checking RSDP, RSDT or XSDT, MADT. Pure: reads memory only through struct
 *       acpi_memory, so the host tests feed it tables of their own.
 * Invariant: no length, count or address of a table is believed before it is checked.
 */
#ifndef KERNEL_X86_ACPI_H
#define KERNEL_X86_ACPI_H

#include "kernel/base/compiler.h"

#define ACPI_MAX_CPUS	 64
#define ACPI_MAX_IOAPICS 8
#define ACPI_ISA_IRQS	 16

/* How the parser reaches physical memory. */
struct acpi_memory {
	/*
	 * @len bytes at @phys, or NULL if that is not readable memory. Stays valid during the
	 * parse.
	 */
	const void *(*map)(void *ctx, u64 phys, size_t len);
	void *ctx;
};

struct acpi_ioapic {
	u8 id;
	u32 phys;
	u32 gsi_base;
};

/* Where an ISA interrupt arrives. */
struct acpi_isa_irq {
	u32 gsi;
	bool active_low;
	bool level;
};

struct acpi_info {
	u64 lapic_phys;
	unsigned nr_cpus;    /* enabled ones, in table order */
	unsigned nr_ignored; /* too many, id above 254, or named twice */
	u8 apic_id[ACPI_MAX_CPUS];
	unsigned nr_ioapics;
	struct acpi_ioapic ioapic[ACPI_MAX_IOAPICS];
	struct acpi_isa_irq isa[ACPI_ISA_IRQS];
};

/*
 * acpi_parse - fill *@info from the firmware's tables.
 *
 * Returns:  0; or -ENOENT (no ACPI, or no MADT) or -EINVAL (a table is damaged) with *@why a line
 *           about it and *@info set to what a machine without ACPI gets: no CPU list, no IOAPIC.
 */
int __must_check acpi_parse(const struct acpi_memory *mem, struct acpi_info *info,
			    const char **why);

#endif
