/*
 * entry.S - how a trap or interrupt reaches C, and returns.
 *
 * Who jumps here: the CPU, through an interrupt gate of the IDT. It has aligned the stack to 16
 * (the interrupted one, or a stack of the TSS), pushed ss, rsp, rflags, cs, rip and, for some
 * exceptions, an error code, and has switched interrupts off. There is one privilege level, so %gs
 * is already the running vCPU's.
 *
 * Story: 256 entries of 16 bytes make the frames alike (error code or 0, then the vector) and go to
 * trap_common for exceptions, irq_common for the rest. Those save the registers as struct
 * trap_frame, clear AC (a fault inside a user accessor leaves it set) and DF, and link a frame for
 * backtraces: it looks as if the interrupted instruction had called us. iretq brings AC, DF and the
 * interrupt flag back.
 */
#include "kernel/x86/asm.h"
#include "asm-offsets.h"

#define NR_TRAPS   32
#define NR_VECTORS 256

/* Exceptions for which the CPU pushes an error code: 8, 10-14, 17, 21, 29, 30. */
#define HAS_ERROR_CODE 0x60227d00

	.text
	.balign 16
	.globl trap_entries
trap_entries:
	vector = 0
	.rept NR_VECTORS
	.balign 16
	.if vector >= NR_TRAPS
	pushq $0
	pushq $vector
	jmp irq_common
	.else
	.if ((HAS_ERROR_CODE >> vector) & 1) == 0
	pushq $0
	.endif
	pushq $vector
	jmp trap_common
	.endif
	vector = vector + 1
	.endr

	.macro enter_c function
	pushq %rdi
	pushq %rsi
	pushq %rdx
	pushq %rcx
	pushq %rax
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	cld
	ASM_CLAC

	movq %rsp, %rdi				/* the struct trap_frame */
	pushq FRAME_RIP(%rdi)			/* "return address" */
	pushq %rbp
	movq %rsp, %rbp
	call \function
	addq $16, %rsp

	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rax
	popq %rcx
	popq %rdx
	popq %rsi
	popq %rdi
	addq $16, %rsp				/* vector and error code */
	iretq
	.endm

ASM_FUNC(trap_common)
	enter_c trap_dispatch
ASM_FUNC_END(trap_common)

ASM_FUNC(irq_common)
	enter_c irq_dispatch
ASM_FUNC_END(irq_common)

	.section .note.GNU-stack, "", @progbits
