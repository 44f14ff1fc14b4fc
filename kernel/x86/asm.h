/*
 * asm.h - what the assembly files of this folder share.
 */
#ifndef KERNEL_X86_ASM_H
#define KERNEL_X86_ASM_H

/* A function callable from C. */
#define ASM_FUNC(name)                    \
	.globl name;                      \
	.type name, @function;            \
	.balign 16;                       \
name:
#define ASM_FUNC_END(name) .size name, . - name

/*
 * AC on or off. Assembled as a 3-byte nop and listed in smap_sites; boot writes the instruction
 * over it where the CPU has SMAP (it is undefined where the CPU has not). The number is the
 * instruction's bytes, low byte first.
 */
#define SMAP_SITE(opcode)                 \
771:	.byte 0x0f, 0x1f, 0x00;           \
	.pushsection smap_sites, "a";     \
	.quad 771b;                       \
	.quad opcode;                     \
	.popsection
#define ASM_CLAC SMAP_SITE(0xca010f)
#define ASM_STAC SMAP_SITE(0xcb010f)

/* If the instruction at @from faults and nobody can help, continue at @to. */
#define EX_TABLE(from, to)                \
	.pushsection ex_table, "a";       \
	.quad from;                       \
	.quad to;                         \
	.popsection

#endif
