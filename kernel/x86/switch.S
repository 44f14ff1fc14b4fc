/*
 * switch.S - change of stacks. Contracts in switch.h.
 *
 * A context that does not run is six saved registers and a return address on its own stack:
 *
 *	save_sp -> r15 r14 r13 r12 rbx rbp rip
 *
 * A fresh one has its first function in rbx, its data in r12, rbp = 0 to end backtraces, and rip =
 * stack_first.
 */
#include "kernel/x86/asm.h"

	.text
/* void *stack_switch(unsigned long *save_sp, unsigned long next_sp, void *arg) */
ASM_FUNC(stack_switch)
	pushq %rbp
	pushq %rbx
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, (%rdi)

	movq %rsi, %rsp
	movq %rdx, %rax
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbx
	popq %rbp
	ret
ASM_FUNC_END(stack_switch)

/* Where a fresh context begins: %rax = arg of the switch that chose it. */
ASM_FUNC(stack_first)
	movq %rax, %rdi
	movq %r12, %rsi
	call *%rbx
	ud2
ASM_FUNC_END(stack_first)

/* unsigned long stack_prepare(void *high, void (*entry)(void *, void *), void *data) */
ASM_FUNC(stack_prepare)
	leaq -16(%rdi), %rax			/* stack_first calls with a 16-byte aligned stack */
	movq $stack_first, -8(%rax)
	movq $0, -16(%rax)			/* rbp */
	movq %rsi, -24(%rax)			/* rbx */
	movq %rdx, -32(%rax)			/* r12 */
	movq $0, -40(%rax)
	movq $0, -48(%rax)
	movq $0, -56(%rax)
	subq $56, %rax
	ret
ASM_FUNC_END(stack_prepare)

	.section .note.GNU-stack, "", @progbits
