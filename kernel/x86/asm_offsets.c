/*
 * asm_offsets.c - numbers that assembly needs to know of C structures.
 *
 * Compiled to assembly, never linked: the build turns each "->NAME value" line into a #define of
 * asm-offsets.h.
 */
#include <errno.h>
#include "kernel/x86/smp_internal.h"
#include "kernel/x86/trap.h"

#define DEFINE(name, value) __asm__ volatile("#->" #name " %0" : : "i"(value))

void asm_offsets(void);

void asm_offsets(void)
{
	DEFINE(AP_BOOT_CR3, offsetof(struct ap_boot, cr3));
	DEFINE(AP_BOOT_STACK, offsetof(struct ap_boot, stack));
	DEFINE(AP_BOOT_GS, offsetof(struct ap_boot, gs_base));
	DEFINE(AP_BOOT_APIC_ID, offsetof(struct ap_boot, apic_id));

	DEFINE(FRAME_RIP, offsetof(struct trap_frame, rip));
	DEFINE(ERRNO_EFAULT, EFAULT);
}
