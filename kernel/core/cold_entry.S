/*
 * cold_entry.S - calls from cold arms of static branches, invisible to the compiler.
 *
 * Who comes here: point_call(), spin_lock(), spin_unlock(), preempt_enable(), by a plain call in
 * inline assembly. The compiler knows of no call there: the stack may be misaligned by 8 and every
 * register may be live. So the code around a nop that is hardly ever patched keeps its registers,
 * and an off branch costs that nop and nothing else. In:  rdi, rsi, rdx as the C function wants
 * them; its fourth argument is the address after the call. Out: rax; all other registers as they
 * were.
 */

.macro COLD_BEGIN name
	.globl	\name
	.type	\name, @function
	.balign 16
\name:
.endm

.macro COLD_BODY name, function
	/* A frame like any other, so that a backtrace walks through. */
	push	%rbp
	mov	%rsp, %rbp

	/* What C may destroy. */
	push	%rdi
	push	%rsi
	push	%rdx
	push	%rcx
	push	%r8
	push	%r9
	push	%r10
	push	%r11

	/* Fourth argument; then the alignment that C wants. */
	mov	8(%rbp), %rcx
	and	$-16, %rsp
	call	\function

	/* The saved words lie at fixed places below rbp, however much the stack was moved. */
	mov	-64(%rbp), %r11
	mov	-56(%rbp), %r10
	mov	-48(%rbp), %r9
	mov	-40(%rbp), %r8
	mov	-32(%rbp), %rcx
	mov	-24(%rbp), %rdx
	mov	-16(%rbp), %rsi
	mov	-8(%rbp), %rdi
	leave
	ret
	.size	\name, . - \name
.endm

.macro COLD_ENTRY name, function
	COLD_BEGIN \name
	COLD_BODY \name, \function
.endm

	.text
	/* While points are left to pass (point.h): what to do instead of the call. */
	COLD_BEGIN point_entry
	cmpq	$0, points_left
	jne	.Lpass
.Lhear:
	COLD_BODY point_entry, point_slow

	/* points_pass: 0 to be heard, 1 nothing, 2 a load of as many bytes as edi's second says. */
.Lpass:
	movzbl	%dil, %eax
	movzbl	points_pass(%rax), %eax
	test	%eax, %eax
	jz	.Lhear
	decq	points_left
	dec	%eax
	jnz	1f
	movb	$1, points_wrote
	ret
1:	mov	%edi, %eax
	shr	$8, %eax
	cmp	$8, %al
	je	8f
	cmp	$4, %al
	je	4f
	cmp	$2, %al
	je	2f
	movzbl	(%rsi), %eax
	ret
2:	movzwl	(%rsi), %eax
	ret
4:	mov	(%rsi), %eax
	ret
8:	mov	(%rsi), %rax
	ret

	COLD_ENTRY spin_lock_entry, spin_lock_slow
	COLD_ENTRY spin_unlock_entry, spin_unlock_slow
	COLD_ENTRY preempt_entry, preempt_slow
