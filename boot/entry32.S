/*
 * entry32.S - from the boot loader to long mode.
 *
 * Who jumps here: GRUB or QEMU's -kernel, by multiboot 1: 32-bit protected mode, flat segments,
 * paging off, interrupts off, %eax = 0x2badb002, %ebx = physical address of the multiboot data. No
 * stack.
 *
 * Story: set a stack; see that a loader of the right kind called, that there is RAM under the
 * image, and that the CPU can do long mode and NX; build boot tables (4 GiB of identity, seen also
 * at the direct map and, its first GiB, at the image's address); switch on long mode; jump to
 * boot_entry64 at its high address. A machine that cannot go on gets one line on the serial port,
 * the verdict `refused`, and the exit port.
 *
 * Linked where it is loaded (.boot, 1 MiB), so plain addresses are right before paging and after.
 */
#include "kernel/x86/layout.h"

#define MULTIBOOT_HEADER_MAGIC 0x1badb002
#define MULTIBOOT_LOADER_MAGIC 0x2badb002
#define MULTIBOOT_FLAGS	       0x3 /* modules on page boundaries, memory map wanted */

#define MULTIBOOT_HAS_MEMORY 0x1 /* in the flags of what the loader passes */

#define CPUID_EXT_LM (1 << 29)
#define CPUID_EXT_NX (1 << 20)

/* PSE TSC MSR PAE APIC PGE FXSR SSE2 */
#define CPUID_1_NEED \
	((1 << 3) | (1 << 4) | (1 << 5) | (1 << 6) | (1 << 9) | (1 << 13) | (1 << 24) | (1 << 26))

#define PTE_TABLE 0x3  /* present, writable */
#define PTE_LARGE 0x83 /* present, writable, 2 MiB */

#define CR4_PAE	      (1 << 5)
#define CR0_PE	      (1 << 0)
#define CR0_WP	      (1 << 16)
#define CR0_PG	      (1 << 31)
#define MSR_EFER      0xc0000080
#define EFER_LME      (1 << 8)
#define EFER_NXE      (1 << 11)

#define PML4_INDEX(va) (((va) >> 39) & 511)
#define PDPT_INDEX(va) (((va) >> 30) & 511)

#define COM1	  0x3f8
#define EXIT_PORT 0xf4
#define EXIT_REFUSED 0x12

	.section .multiboot, "a"
	.balign 4
	.long MULTIBOOT_HEADER_MAGIC
	.long MULTIBOOT_FLAGS
	.long -(MULTIBOOT_HEADER_MAGIC + MULTIBOOT_FLAGS)

	.section .boot.text, "ax"
	.code32
	.globl boot_entry32
boot_entry32:
	cli
	cld
	movl $boot_stack32_top, %esp
	movl %ebx, %edi				/* multiboot data, until boot_entry64 */

	/* Who called us? */
	movl $msg_no_multiboot, %esi
	cmpl $MULTIBOOT_LOADER_MAGIC, %eax
	jne refuse

	/* Is there RAM under the whole image? A loader that tells says how much is above 1 MiB. */
	movl $msg_no_memory, %esi
	testb $MULTIBOOT_HAS_MEMORY, (%ebx)
	jz 1f
	movl 8(%ebx), %eax			/* KiB */
	cmpl $image_kib_above_1m, %eax
	jb refuse
1:

	/* CPUID exists if the ID flag of EFLAGS can be flipped. */
	pushfl
	popl %eax
	movl %eax, %ecx
	xorl $(1 << 21), %eax
	pushl %eax
	popfl
	pushfl
	popl %eax
	movl $msg_no_cpuid, %esi
	xorl %ecx, %eax
	testl $(1 << 21), %eax
	jz refuse

	/*
	 * Long mode and NX are in the extended leaves, if those exist. %ebx is free: %edi has its
	 * value.
	 */
	movl $0x80000000, %eax
	cpuid
	movl $msg_no_long_mode, %esi
	cmpl $0x80000001, %eax
	jb refuse
	movl $0x80000001, %eax
	cpuid
	testl $CPUID_EXT_LM, %edx
	jz refuse
	movl $msg_no_nx, %esi
	testl $CPUID_EXT_NX, %edx
	jz refuse

	movl $1, %eax
	cpuid
	movl $msg_old_cpu, %esi
	andl $CPUID_1_NEED, %edx
	cmpl $CPUID_1_NEED, %edx
	jne refuse

	/* 2048 large pages: physical 0..4 GiB. The loader has cleared the tables. */
	movl $boot_pd, %ebx
	movl $PTE_LARGE, %eax
	movl $2048, %ecx
1:	movl %eax, (%ebx)
	addl $LARGE_PAGE_SIZE, %eax
	addl $8, %ebx
	decl %ecx
	jnz 1b

	/* Four page directories under one table, which serves identity and direct map. */
	movl $(boot_pd + PTE_TABLE), %eax
	movl %eax, boot_pdpt_low + 0
	addl $PAGE_SIZE, %eax
	movl %eax, boot_pdpt_low + 8
	addl $PAGE_SIZE, %eax
	movl %eax, boot_pdpt_low + 16
	addl $PAGE_SIZE, %eax
	movl %eax, boot_pdpt_low + 24
	movl $(boot_pd + PTE_TABLE), boot_pdpt_high + 8 * PDPT_INDEX(KERNEL_BASE)
	movl $(boot_pdpt_low + PTE_TABLE), boot_pml4
	movl $(boot_pdpt_low + PTE_TABLE), boot_pml4 + 8 * PML4_INDEX(DIRECT_MAP_BASE)
	movl $(boot_pdpt_high + PTE_TABLE), boot_pml4 + 8 * PML4_INDEX(KERNEL_BASE)

	/*
	 * PAE, then the table root, then long mode allowed, then paging: the order the CPU demands.
	 */
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
	orl $(CR0_PG | CR0_WP | CR0_PE), %eax
	movl %eax, %cr0

	/* Still 32-bit code in compatibility mode until a 64-bit code segment is loaded. */
	lgdt boot_gdt_pointer
	ljmp $SEL_KERNEL_CODE, $1f

	.code64
1:	movl $SEL_KERNEL_DATA, %eax
	movl %eax, %ss
	movl %eax, %ds
	movl %eax, %es
	movabsq $boot_entry64, %rax
	jmp *%rax

	/*
	 * refuse - say why on COM1 and leave. %esi: what is missing.
	 */
	.code32
refuse:
	movl %esi, %ebp
	movl $msg_prefix, %esi
	call put_string
	movl %ebp, %esi
	call put_string
	movl $msg_verdict, %esi
	call put_string
	movb $EXIT_REFUSED, %al
	outb %al, $EXIT_PORT
1:	hlt					/* a machine without the exit port stops here */
	jmp 1b

	/*
	 * put_string - %esi: NUL-terminated, to COM1 as the firmware left it. Clobbers %eax, %edx,
	 * %esi.
	 */
put_string:
	movw $(COM1 + 5), %dx
1:	inb %dx, %al
	testb $0x20, %al				/* room for a byte */
	jz 1b
	lodsb
	testb %al, %al
	jz 2f
	movw $COM1, %dx
	outb %al, %dx
	jmp put_string
2:	ret

	.section .boot.data, "aw"
msg_prefix:
	.asciz "mmlife: refused: "
msg_no_multiboot:
	.asciz "not started by a multiboot loader"
msg_no_memory:
	.asciz "less memory than the kernel's image takes"
msg_no_cpuid:
	.asciz "the CPU has no CPUID instruction"
msg_no_long_mode:
	.asciz "the CPU has no 64-bit long mode"
msg_no_nx:
	.asciz "the CPU has no NX (no-execute) pages"
msg_old_cpu:
	.asciz "the CPU lacks one of PSE TSC MSR PAE APIC PGE FXSR SSE2"
msg_verdict:
	.asciz "\r\nmmlife: verdict refused\r\n"

	/* The same three segments as the final table has, for this page and for the trampoline. */
	.balign 8
	.globl boot_gdt, boot_gdt_pointer
boot_gdt:
	.quad 0
	.quad 0x00af9b000000ffff			/* code, 64-bit, ring 0 */
	.quad 0x00cf93000000ffff			/* data, ring 0 */
boot_gdt_end:
boot_gdt_pointer:
	.word boot_gdt_end - boot_gdt - 1
	.long boot_gdt

	.section .boot.bss, "aw", @nobits
	.balign 4096
	.globl boot_pml4
boot_pml4:	.skip 4096
boot_pdpt_low:	.skip 4096
boot_pdpt_high:	.skip 4096
boot_pd:	.skip 4 * 4096
		.skip 256
boot_stack32_top:

	.section .note.GNU-stack, "", @progbits
