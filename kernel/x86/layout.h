/*
 * layout.h - the fixed addresses of the kernel half and the types of an address.
 *
 * Owns: where things are. Read by C, assembly and linker/kernel.ld alike.
 * Idea: every area lies under its own top-level entry, preset once, so that a new mm copies 256
 *       words and never needs to learn of a later kernel mapping.
 *
 *   ffff888000000000  direct map: physical p at DIRECT_MAP_BASE + p; 2 MiB pages, split where
 *   needed ffffc90000000000  window: 4 KiB mappings made one by one (page-per-object slab, tests)
 *   ffffffff80000000  image: physical p at KERNEL_BASE + p, 4 KiB pages, W^X
 *   ffffffffa0000000  .world: the state of mm/, kernel/sched and kernel/proc, on frames of its own
 */
#ifndef KERNEL_X86_LAYOUT_H
#define KERNEL_X86_LAYOUT_H

#ifdef __ASSEMBLER__
#define LAYOUT_C(x) x
#else
#define LAYOUT_C(x) x##UL
#endif

#define PAGE_SHIFT	12
#define PAGE_SIZE	LAYOUT_C(4096)
#define LARGE_PAGE_SIZE LAYOUT_C(0x200000)

#define KERNEL_LOAD	LAYOUT_C(0x100000) /* physical address of the image */
#ifdef MMLIFE_UBSAN
#define KERNEL_LIMIT LAYOUT_C(0x1000000) /* reports take room; not for UEFI */
#else
#define KERNEL_LIMIT LAYOUT_C(0x800000) /* it ends below: UEFI keeps tables at 8 MiB */
#endif
#define TRAMPOLINE_PHYS LAYOUT_C(0x8000)   /* page the other CPUs start in, real mode */

#define DIRECT_MAP_BASE LAYOUT_C(0xffff888000000000)
#define DIRECT_MAP_SIZE LAYOUT_C(0x8000000000) /* one top-level entry: 512 GiB */
#define WINDOW_BASE	LAYOUT_C(0xffffc90000000000)
#define WINDOW_SIZE	LAYOUT_C(0x8000000000)
#define KERNEL_BASE	LAYOUT_C(0xffffffff80000000)
#define WORLD_BASE	LAYOUT_C(0xffffffffa0000000)
#define WORLD_LIMIT	LAYOUT_C(0xffffffffb0000000)

#define USER_MIN LAYOUT_C(0x10000)	  /* nothing is ever mapped below: 0x406 + x faults */
#define USER_MAX LAYOUT_C(0x7ffffffff000) /* first address above user space */

/* Selectors of the GDT. */
#define SEL_KERNEL_CODE 0x08
#define SEL_KERNEL_DATA 0x10
#define SEL_TSS		0x18

#define BOOT_STACK_SIZE 16384

#ifndef __ASSEMBLER__
#include "kernel/base/compiler.h"

/* A physical address: never mixes with a virtual one without a function that says so. */
typedef struct {
	u64 v;
} phys_t;

#define PHYS(x) ((phys_t){(x)})

/* Image bounds, from the linker; all page-aligned. */
extern char __init_start[], __init_end[], __text_start[], __text_end[], __rodata_start[],
	__rodata_end[];
extern char __roinit_start[], __roinit_end[], __data_start[], __bss_end[], __ksyms_start[],
	__ksyms_end[];
extern char __image_end[];
extern char __world_start[], __world_data_end[], __world_end[], __world_load[];
extern char __percpu_load[], __percpu_size[], __percpu_boot[];

/* Direct-map address of @p. Valid for RAM and for what kmap_mmio() mapped. */
static inline void *phys_to_virt(phys_t p)
{
	return (void *)(DIRECT_MAP_BASE + p.v);
}

/*
 * Physical address behind a direct-map or image address; nothing else may be asked (see
 * kmap_lookup).
 */
static inline phys_t virt_to_phys(const volatile void *va)
{
	u64 a = (u64)va;

	return PHYS(a >= KERNEL_BASE ? a - KERNEL_BASE : a - DIRECT_MAP_BASE);
}

/* The same for an address that is known to be one of the direct map. */
static inline phys_t direct_to_phys(const volatile void *va)
{
	return PHYS((u64)va - DIRECT_MAP_BASE);
}
#endif

#endif
