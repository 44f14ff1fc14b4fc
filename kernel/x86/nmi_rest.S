/*
 * nmi_rest.S - a processor at rest inside its NMI handler. Contract in pcpu.h.
 *
 * Who calls: the NMI hook, on the upper half of the NMI stack. The processor holds NMIs back until
 * the next iretq, so one leads to where we are; from there on only an NMI ends the halt. It finds
 * the lower half (the caller has set the TSS so), and goes on here by stack_switch() to what was
 * saved, with NMIs held back again: nobody returns from it.
 *
 *	save_sp -> r15 r14 r13 r12 rbx rbp rip, as stack_switch() saves
 */
#include "kernel/x86/asm.h"

	.text
/* void nmi_rest(unsigned long *save_sp) */
ASM_FUNC(nmi_rest)
	pushq %rbp
	pushq %rbx
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, (%rdi)

	movq %rsp, %rax
	movl %ss, %ecx
	pushq %rcx
	pushq %rax
	pushfq
	movl %cs, %ecx
	pushq %rcx
	leaq 1f(%rip), %rcx
	pushq %rcx
	iretq
1:	hlt					/* interrupts are off */
	jmp 1b					/* an NMI that was not meant to end it */
ASM_FUNC_END(nmi_rest)

	.section .note.GNU-stack, "", @progbits
