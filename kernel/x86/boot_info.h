/*
 * boot_info.h - what the loader told us, copied before anything could overwrite it.
 */
#ifndef KERNEL_X86_BOOT_INFO_H
#define KERNEL_X86_BOOT_INFO_H

#include "kernel/x86/acpi.h"
#include "kernel/x86/layout.h"
#include "kernel/x86/memmap.h"

/* What a machine of 8 MiB has: enough for all tests on two CPUs. Less is refused. */
#define MEM_MIN_BYTES (7UL << 20)

struct boot_info {
	char loader[64]; /* "qemu", "GRUB 2.06-..." */
	/* Multiboot's; QEMU puts a file name before it, GRUB does not. fw_cfg's goes first. */
	char cmdline[4096];
	struct memmap ram;  /* all usable memory */
	struct memmap free; /* what nobody has taken yet: for frames_world_init() */
	struct memmap_notes notes;
	struct acpi_info acpi;
	const char *acpi_trouble; /* NULL, or why the machine runs on one CPU */
};

extern struct boot_info boot_info;

/* A hash of all bytes of the image, 16 hex digits: equal sources give equal ids. */
extern const char kernel_build_id[];

/*
 * boot_alloc - @size bytes of zeroed memory for ever, below 4 GiB.
 *
 * @size, @align:  bytes, rounded up to pages; @align a power of two
 * Context:        boot, before boot_release_init()
 * Returns:        direct-map address; refuses the machine when memory is short
 */
void *boot_alloc(size_t size, size_t align);

/* True once boot_release_init() has ended boot_alloc(): boot_info.free is layer 4's. */
bool boot_alloc_closed(void);

/*
 * The lab's arena: the frames its worlds are made of, at a fixed place so that their addresses are
 * the same on every machine. In the direct map by 4 KiB pages that are not global.
 */
#define ARENA_PHYS	    (16UL << 20)
#define ARENA_DEFAULT_BYTES (16UL << 20)
#define ARENA_MIN_RAM	    (63UL << 20) /* smaller machines get none unless they ask */

extern phys_t arena_phys;  /* ARENA_PHYS once reserved */
extern size_t arena_bytes; /* 0 = there is none */

/*
 * boot_reserve_arena - take [ARENA_PHYS, ARENA_PHYS + @bytes) off boot_info.free.
 *
 * @bytes:   rounded up to 2 MiB; 0 = ARENA_DEFAULT_BYTES on a machine of ARENA_MIN_RAM or more
 * Context:  boot, once, after x86_init(), before layer 4 takes the memory
 * Returns:  0 (perhaps with no arena), -ENOMEM if that memory is not there or not free
 */
int __must_check boot_reserve_arena(size_t bytes);

/*
 * x86_init - from boot_start() to a machine on its own tables: traps, features, memory map, kernel
 * mappings, APIC, clocks' frequencies. Refuses the machine if it cannot work. Interrupts stay off.
 */
void x86_init(void);

/*
 * boot_release_init - unmap and return the memory only boot needed (code, boot tables, trampoline
 * source).
 *
 * Context:  after smp_start() and the last .init function. Ends boot_alloc(): table pages come from
 *           kmap_set_table_alloc() from now on, or not at all
 * Returns:  the range; no longer mapped in the image area, the direct map still has it. For layer 4
 *           to take.
 */
struct mem_range boot_release_init(void);

/* Called by entry64.S on the boot stack, interrupts off. */
void boot_start(u32 multiboot_phys) __noreturn;

/* The kernel proper (kernel/main.c, layer 8); entered once, on the boot stack. */
void kernel_main(void) __noreturn;

#endif
