/*
 * start.c - from the loader's words to a machine on its own tables. See boot_info.h.
 *
 * Owns: boot_info, the order in which layer 1 comes up, refusal of machines that cannot work.
 */
#include "kernel/x86/boot_info.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "kernel/x86/apic.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/init.h"
#include "kernel/x86/kmap.h"
#include "kernel/x86/machine.h"
#include "kernel/x86/smp_internal.h"
#include "kernel/x86/trap.h"
#include "kernel/x86/tsc.h"
#include "kernel/x86/uart.h"

#define BOOT_MAPPED (4UL << 30) /* what the boot tables reach */

#define MB_HAS_MEM     (1u << 0)
#define MB_HAS_CMDLINE (1u << 2)
#define MB_HAS_MMAP    (1u << 6)
#define MB_HAS_LOADER  (1u << 9)
#define MB_MMAP_MAX    (64u << 10)

struct multiboot_info {
	u32 flags;
	u32 mem_lower;
	u32 mem_upper; /* KiB from 1 MiB up */
	u32 boot_device;
	u32 cmdline;
	u32 mods[2];
	u32 syms[4];
	u32 mmap_length;
	u32 mmap_addr;
	u32 drives[2];
	u32 config_table;
	u32 loader_name;
} __packed;

struct smap_site {
	u64 address;
	u64 opcode;
};

extern const struct smap_site __start_smap_sites[], __stop_smap_sites[];
extern char __init_text_start[];

struct boot_info boot_info;
phys_t arena_phys;
size_t arena_bytes;
static bool alloc_closed;

/* A NUL-terminated string of the loader's, cut to @size. */
static __init void copy_string(char *to, size_t size, u32 phys)
{
	const char *from = phys_to_virt(PHYS(phys));
	size_t len = strnlen(from, size - 1);

	memcpy(to, from, len);
	to[len] = '\0';
}

static __init u64 memory_limit(void)
{
	u64 limit = 1UL << cpu_facts.phys_bits;

	return min(limit, DIRECT_MAP_SIZE);
}

static __init void read_memory_map(const struct multiboot_info *mb)
{
	const char *why = "the loader gave no memory map";

	if (mb->flags & MB_HAS_MMAP && mb->mmap_length <= MB_MMAP_MAX) {
		if (memmap_parse(phys_to_virt(PHYS(mb->mmap_addr)), mb->mmap_length, memory_limit(),
				 &boot_info.ram, &boot_info.notes, &why))
			machine_refuse(why);
	} else if (mb->flags & MB_HAS_MEM) {
		if (memmap_add(&boot_info.ram, 1UL << 20, (1UL << 20) + ((u64)mb->mem_upper << 10)))
			machine_refuse(why);
	} else {
		machine_refuse(why);
	}
}

static __init void refuse_small(u64 total)
{
	char line[80] = "only ", *p = line + strlen(line);

	utoa((unsigned)(total >> 20), p, 10);
	strlcat(line, " MiB of usable memory, at least ", sizeof(line));
	utoa((unsigned)(MEM_MIN_BYTES >> 20), line + strlen(line), 10);
	strlcat(line, " are needed", sizeof(line));
	machine_refuse(line);
}

/*
 * What is left when image and BIOS area are taken off. The first MiB stays with the firmware and
 * the trampoline.
 */
static __init void find_free_memory(void)
{
	u64 total = memmap_total(&boot_info.ram);

	if (total < MEM_MIN_BYTES)
		refuse_small(total);
	if (!memmap_covers(&boot_info.ram, KERNEL_LOAD, virt_to_phys(__image_end).v))
		machine_refuse("the image was loaded where the memory map has no usable memory");
	boot_info.free = boot_info.ram;
	memmap_remove(&boot_info.free, 0, virt_to_phys(__image_end).v);
}

bool boot_alloc_closed(void)
{
	return alloc_closed;
}

void *boot_alloc(size_t size, size_t align)
{
	u64 phys;
	void *mem;

	if (alloc_closed)
		machine_refuse("boot memory was asked for after boot");
	size = ALIGN_UP(size, PAGE_SIZE);
	phys = memmap_take(&boot_info.free, size, max(align, PAGE_SIZE), KERNEL_LOAD, BOOT_MAPPED);
	if (!phys)
		machine_refuse("not enough memory below 4 GiB to start");
	mem = phys_to_virt(PHYS(phys));
	memset(mem, 0, size);
	return mem;
}

int __init boot_reserve_arena(size_t bytes)
{
	u64 end;

	if (!bytes && memmap_total(&boot_info.ram) >= ARENA_MIN_RAM)
		bytes = ARENA_DEFAULT_BYTES;
	if (!bytes)
		return 0;
	if (bytes > DIRECT_MAP_SIZE)
		return -ENOMEM;
	bytes = ALIGN_UP(bytes, LARGE_PAGE_SIZE);
	end = ARENA_PHYS + bytes;
	if (!memmap_covers(&boot_info.free, ARENA_PHYS, end))
		return -ENOMEM;
	if (kmap_protect(phys_to_virt(PHYS(ARENA_PHYS)), bytes / PAGE_SIZE, KMAP_RW_LOCAL))
		return -ENOMEM;
	memmap_remove(&boot_info.free, ARENA_PHYS, end);
	arena_phys = PHYS(ARENA_PHYS);
	arena_bytes = bytes;
	return 0;
}

/* Write stac and clac over their nops. On the boot tables, where text is still writable. */
static __init void enable_smap_sites(void)
{
	if (!cpu_facts.smap)
		return;
	for (const struct smap_site *s = __start_smap_sites; s < __stop_smap_sites; s++)
		memcpy((void *)s->address, &s->opcode, 3);
	cpu_serialize();
}

/* The boot tables map 4 GiB; tables further up, or half there, do not exist for us. */
static __init const void *acpi_map(void *ctx, u64 phys, size_t len)
{
	if (phys >= BOOT_MAPPED || len > BOOT_MAPPED - phys)
		return NULL;
	return phys_to_virt(PHYS(phys));
}

static __init void read_acpi(void)
{
	const struct acpi_memory mem = {.map = acpi_map};
	const char *why;

	if (acpi_parse(&mem, &boot_info.acpi, &why))
		boot_info.acpi_trouble = why;
}

void __init x86_init(void)
{
	const char *why;

	find_free_memory();
	read_acpi();
	kmap_init();
	smp_init_boot_cpu(cpuid(1, 0).ebx >> 24);
	if (apic_init(&boot_info.acpi, &why))
		machine_refuse(why);
	apic_init_cpu();
	tsc_calibrate();
}

struct mem_range boot_release_init(void)
{
	struct mem_range range = {KERNEL_LOAD, virt_to_phys(__init_end).v};

	alloc_closed = true;
	/* A CPU that wakes too late still runs through the boot tables. */
	if (smp_cpus_missing)
		return (struct mem_range){0, 0};
	for (char *p = __init_text_start; p < __init_end; p += PAGE_SIZE)
		if (kmap_unmap(p, NULL))
			break;
	return range;
}

void __init boot_start(u32 multiboot_phys)
{
	const struct multiboot_info *mb = phys_to_virt(PHYS(multiboot_phys));

	uart_init();
	cpu_init_features();
	enable_smap_sites();
	idt_init();
	idt_load();

	if (mb->flags & MB_HAS_CMDLINE)
		copy_string(boot_info.cmdline, sizeof(boot_info.cmdline), mb->cmdline);
	if (mb->flags & MB_HAS_LOADER)
		copy_string(boot_info.loader, sizeof(boot_info.loader), mb->loader_name);
	read_memory_map(mb);
	kernel_main();
}
