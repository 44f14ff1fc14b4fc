/*
 * entry64.S - the first 64-bit instructions of the first CPU.
 *
 * Who jumps here: entry32.S, in long mode on the boot tables, %rdi = physical address of the
 * multiboot data (32 bits), interrupts off, low half still mapped one to one.
 *
 * Story: take the boot stack; give C its virtual CPU (copy the .percpu template into the area
 * reserved for CPU 0 and point %gs at it); call C, which does not return.
 */
#include "kernel/x86/layout.h"

#define MSR_GS_BASE 0xc0000101

	.section .init.text, "ax"
	.code64
	.globl boot_entry64
boot_entry64:
	movq $boot_stack_top, %rsp
	xorl %ebp, %ebp				/* ends every backtrace */
	movl %edi, %ebx

	/* The first virtual CPU: its area is the template's copy. */
	movq $__percpu_load, %rsi
	movq $__percpu_boot, %rdi
	movl $__percpu_size, %ecx
	rep movsb
	movq $__percpu_boot, %rax
	movq %rax, %rdx
	shrq $32, %rdx
	movl $MSR_GS_BASE, %ecx
	wrmsr

	movl %ebx, %edi
	call boot_start				/* kernel/x86/start.c */
	ud2

	.section .bss
	.balign 4096
	.globl boot_stack_guard, boot_stack, boot_stack_top
boot_stack_guard:
	.skip 4096				/* unmapped by kmap_init */
boot_stack:
	.skip BOOT_STACK_SIZE
boot_stack_top:

	.section .note.GNU-stack, "", @progbits
