/*
 * uaccess.S - the only instructions that touch user addresses. Contracts in uaccess.h.
 *
 * All of it lies in .uaccess.text: a page fault with its rip there and a user address is a user
 * fault. Each access is one instruction between stac and clac; if its fault cannot be served, the
 * table sends it to user_fault_failed with the reason in %eax. Nothing is on the stack at that
 * moment, so returning is all it takes. An address refused without an access goes to user_fault.
 */
#include "kernel/x86/asm.h"
#include "kernel/x86/layout.h"
#include "asm-offsets.h"

	.section .uaccess.text, "ax"

/* Refuse an address that is not the user's. Clobbers %rax. */
	.macro check_user_address reg
	movabsq $USER_MAX, %rax
	cmpq %rax, \reg
	jae user_fault
	.endm

/* int get_user_uN(unsigned long uaddr, uN *value) */
	.macro get_user name, insn, load, store
ASM_FUNC(\name)
	check_user_address %rdi
	ASM_STAC
1:	\insn (%rdi), \load
	ASM_CLAC
	mov \store, (%rsi)
	xorl %eax, %eax
	ret
	EX_TABLE(1b, user_fault_failed)
ASM_FUNC_END(\name)
	.endm

	get_user get_user_u8, movzbl, %edx, %dl
	get_user get_user_u16, movzwl, %edx, %dx
	get_user get_user_u32, movl, %edx, %edx
	get_user get_user_u64, movq, %rdx, %rdx

/* int put_user_uN(unsigned long uaddr, uN value) */
	.macro put_user name, value
ASM_FUNC(\name)
	check_user_address %rdi
	ASM_STAC
1:	mov \value, (%rdi)
	ASM_CLAC
	xorl %eax, %eax
	ret
	EX_TABLE(1b, user_fault_failed)
ASM_FUNC_END(\name)
	.endm

	put_user put_user_u8, %sil
	put_user put_user_u16, %si
	put_user put_user_u32, %esi
	put_user put_user_u64, %rsi

/* int cmpxchg_user_u32(unsigned long uaddr, u32 *old, u32 new_value) */
ASM_FUNC(cmpxchg_user_u32)
	check_user_address %rdi
	movl (%rsi), %eax
	ASM_STAC
1:	lock cmpxchgl %edx, (%rdi)
	ASM_CLAC
	movl %eax, (%rsi)
	xorl %eax, %eax
	ret
	EX_TABLE(1b, user_fault_failed)
ASM_FUNC_END(cmpxchg_user_u32)

/*
 * Copy %rdx bytes from (%rsi) to (%rdi): words, then the odd bytes. A fault resumes where it
 * stopped.
 */
	.macro copy_bytes
	movq %rdx, %rcx
	shrq $3, %rcx
	ASM_STAC
1:	rep movsq
	movl %edx, %ecx
	andl $7, %ecx
2:	rep movsb
	ASM_CLAC
	xorl %eax, %eax
	ret
	EX_TABLE(1b, user_fault_failed)
	EX_TABLE(2b, user_fault_failed)
	.endm

/* int copy_from_user(void *to, unsigned long from, size_t len) */
ASM_FUNC(copy_from_user)
	movq %rsi, %rcx
	addq %rdx, %rcx				/* the end must be the user's too, and not wrap */
	jc user_fault
	check_user_address %rsi
	cmpq %rax, %rcx
	ja user_fault
	copy_bytes
ASM_FUNC_END(copy_from_user)

/* int copy_to_user(unsigned long to, const void *from, size_t len) */
ASM_FUNC(copy_to_user)
	movq %rdi, %rcx
	addq %rdx, %rcx
	jc user_fault
	check_user_address %rdi
	cmpq %rax, %rcx
	ja user_fault
	copy_bytes
ASM_FUNC_END(copy_to_user)

ASM_FUNC(user_fault)
	movl $-ERRNO_EFAULT, %eax
	ret
ASM_FUNC_END(user_fault)

ASM_FUNC(user_fault_failed)
	ASM_CLAC
	ret
ASM_FUNC_END(user_fault_failed)

	.section .note.GNU-stack, "", @progbits
