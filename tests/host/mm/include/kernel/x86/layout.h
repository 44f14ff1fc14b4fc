/*
 * layout.h (host) - the direct map is one piece of host memory that begins at physical address 0.
 */
#ifndef TESTS_HOST_MM_INCLUDE_KERNEL_X86_LAYOUT_H
#define TESTS_HOST_MM_INCLUDE_KERNEL_X86_LAYOUT_H

#include "kernel/base/types.h"

#define PAGE_SHIFT	12
#define PAGE_SIZE	4096UL
#define LARGE_PAGE_SIZE 0x200000UL
#define USER_MIN	0x10000UL
#define USER_MAX	0x7ffffffff000UL
#define WINDOW_BASE	0xffffc90000000000UL
#define WINDOW_SIZE	0x8000000000UL

typedef struct {
	u64 v;
} phys_t;

#define PHYS(x) ((phys_t){(x)})

extern char *host_ram; /* where physical address 0 lies */

static inline void *phys_to_virt(phys_t p)
{
	return host_ram + p.v;
}

static inline phys_t virt_to_phys(const volatile void *va)
{
	return PHYS((u64)((const volatile char *)va - host_ram));
}

static inline phys_t direct_to_phys(const volatile void *va)
{
	return virt_to_phys(va);
}

#endif
