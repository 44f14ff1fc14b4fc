/*
 * trampoline.S - from the start-up IPI of an application processor to C.
 *
 * Who jumps here: the CPU itself, after SIPI, in real mode at TRAMPOLINE_PHYS (%cs =
 * TRAMPOLINE_PHYS >> 4, %ip = 0), where smp.c has copied [trampoline_start, trampoline_end).
 *
 * Story: real mode -> protected mode -> long mode on the boot tables (identity, so the page goes on
 * being mapped) -> ap_entry64 at its high address. There: the kernel's own tables, a stack, the %gs
 * of its virtual CPU, C. What differs from CPU to CPU is read from `ap_boot`, which smp.c fills for
 * one CPU at a time. A CPU that comes too late finds another's APIC id or no stack there, and halts
 * for ever.
 */
#include "kernel/x86/layout.h"
#include "asm-offsets.h"

#define CR4_PAE	    (1 << 5)
#define CR0_PE	    (1 << 0)
#define CR0_WP	    (1 << 16)
#define CR0_PG	    (1 << 31)
#define CR0_CD_NW   ((1 << 30) | (1 << 29))
#define MSR_EFER    0xc0000080
#define EFER_LME    (1 << 8)
#define EFER_NXE    (1 << 11)
#define MSR_GS_BASE 0xc0000101

/* Where a label of the copy lies. */
#define COPY(label) (TRAMPOLINE_PHYS + (label) - trampoline_start)

	.section .rodata
	.balign 16
	.globl trampoline_start, trampoline_end
	.code16
trampoline_start:
	cli
	cld
	xorw %ax, %ax
	movw %ax, %ds
	lgdtl COPY(tr_gdt_pointer)
	movl %cr0, %eax
	andl $~CR0_CD_NW, %eax			/* INIT leaves the caches off */
	orl $CR0_PE, %eax
	movl %eax, %cr0
	ljmpl $tr_code32 - tr_gdt, $COPY(1f)

	.code32
1:	movw $SEL_KERNEL_DATA, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss

	movl %cr4, %eax
	orl $CR4_PAE, %eax
	movl %eax, %cr4
	movl $boot_pml4, %eax
	movl %eax, %cr3
	movl $MSR_EFER, %ecx
	rdmsr
	orl $(EFER_LME | EFER_NXE), %eax
	wrmsr
	movl %cr0, %eax
	orl $(CR0_PG | CR0_WP), %eax
	movl %eax, %cr0
	ljmp $SEL_KERNEL_CODE, $COPY(2f)

	.code64
2:	movabsq $ap_entry64, %rax
	jmp *%rax

	.balign 8
tr_gdt:
	.quad 0
	.quad 0x00af9b000000ffff		/* SEL_KERNEL_CODE: 64-bit */
	.quad 0x00cf93000000ffff		/* SEL_KERNEL_DATA */
tr_code32 = .
	.quad 0x00cf9b000000ffff		/* 32-bit code, for the way up */
tr_gdt_end:
tr_gdt_pointer:
	.word tr_gdt_end - tr_gdt - 1
	.long COPY(tr_gdt)
trampoline_end:

	.text
	.code64
	.globl ap_entry64
ap_entry64:
	/* The kernel's tables: this code is mapped there too, the low half is not. */
	movq ap_boot + AP_BOOT_CR3(%rip), %rax
	movq %rax, %cr3

	/*
	 * Only the CPU that smp.c waits for may go on: one that wakes after its time-out halts
	 * here.
	 */
	movl $1, %eax
	cpuid
	shrl $24, %ebx
	cmpl ap_boot + AP_BOOT_APIC_ID(%rip), %ebx
	jne 1f

	/* One stack, one taker. */
	xorl %eax, %eax
	xchgq %rax, ap_boot + AP_BOOT_STACK(%rip)
	testq %rax, %rax
	jz 1f
	movq %rax, %rsp
	xorl %ebp, %ebp

	movl ap_boot + AP_BOOT_GS(%rip), %eax
	movl ap_boot + AP_BOOT_GS + 4(%rip), %edx
	movl $MSR_GS_BASE, %ecx
	wrmsr

	call ap_start				/* kernel/x86/smp.c */
	ud2
1:	cli
	hlt
	jmp 1b

	.section .note.GNU-stack, "", @progbits
