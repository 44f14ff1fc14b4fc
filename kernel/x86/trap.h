/*
 * trap.h - exceptions and interrupts: the frame, the vectors, the hooks upward.
 *
 * Owns: IDT contents, entry code (entry.S), dispatch. Layers above set the hook pointers below;
 *       none is called before it is set, and what nobody takes ends the machine with a raw register
 *       dump.
 * Idea: everything enters through an interrupt gate, clears AC and DF, and keeps its %gs (there is
 *       one ring). Exceptions that an instruction causes go on with the interrupt flag the
 *       instruction had; interrupts run with it off, between irq_enter() and irq_exit(), on the
 *       stack of whoever was interrupted.
 */
#ifndef KERNEL_X86_TRAP_H
#define KERNEL_X86_TRAP_H

#include "kernel/base/compiler.h"

/* What entry.S leaves on the stack, lowest address first. */
struct trap_frame {
	u64 r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	u64 vector;
	u64 error;
	u64 rip, cs, rflags, rsp, ss;
};

enum trap_vector {
	TRAP_DE = 0,
	TRAP_DB = 1,
	TRAP_NMI = 2,
	TRAP_BP = 3,
	TRAP_UD = 6,
	TRAP_NM = 7,
	TRAP_DF = 8,
	TRAP_GP = 13,
	TRAP_PF = 14,
	TRAP_MC = 18,
	NR_TRAPS = 32,

	VEC_ISA_BASE = 0x20, /* + ISA interrupt number, through the IOAPIC */
	VEC_DISK = 0x40,     /* a disk has answered */
	VEC_TIMER = 0xd0,    /* the local APIC's timer */
	VEC_IPI_BASE = 0xe0, /* + kind, 16 of them; the kinds are layer 2's */
	VEC_START = 0xf0,    /* wakes CPUs that wait for smp_start() */
	VEC_WATCHDOG = 0xf1, /* on a stack of its own; its handler writes nothing of the world */
	VEC_SPURIOUS = 0xff,
	NR_VECTORS = 256,
};

/* Bits of a page fault's error code. */
#define PF_PRESENT 0x1 /* a permission was missing, not the page */
#define PF_WRITE   0x2
#define PF_RSVD	   0x8 /* a reserved bit in a table */
#define PF_INSTR   0x10

/*
 * A user accessor faulted on a user address. Interrupt flag as at the access, may sleep.
 * Returns 0: try the access again; -errno: the accessor returns it.
 */
extern int (*user_fault_hook)(struct trap_frame *frame, unsigned long addr, u64 error);

/*
 * Any other page fault. Returns true if the instruction may be tried again (or @frame leads
 * elsewhere).
 */
extern bool (*page_fault_hook)(struct trap_frame *frame, unsigned long addr);

/* #NM: FPU used while forbidden. Returns true if repaired. */
extern bool (*nm_hook)(struct trap_frame *frame);

/* NMI, between irq_enter() and irq_exit(), on its own stack. Returns true if it was expected. */
extern bool (*nmi_hook)(struct trap_frame *frame);

/*
 * Every exception that nobody repaired. @addr: CR2 for a page fault, else 0.
 * Returns true if @frame has been changed to continue elsewhere; false, or no hook: raw dump and
 * verdict panic. TRAP_DF and TRAP_MC come on a stack of their own with irq_depth raised by one: a
 * hook that leads elsewhere sets the depth for that place. From TRAP_NMI there is no way back.
 */
extern bool (*oops_hook)(struct trap_frame *frame, unsigned long addr);

/*
 * End of an interrupt that came while interrupts were on: in_irq is 0, irq_depth is 1, the flag is
 * off. May switch threads. Not called for the watchdog.
 */
extern void (*irq_exit_hook)(struct trap_frame *frame);

/*
 * irq_handler_set - @fn handles @vector (32..255) on every CPU; NULL removes it.
 *
 * Handlers run with interrupts off and need not acknowledge anything. An interrupt without a
 * handler is counted in irq_stray and otherwise ignored.
 */
void irq_handler_set(unsigned vector, void (*fn)(struct trap_frame *frame));
extern unsigned long irq_stray;

/* Fill the IDT once; load it on each CPU. */
void idt_init(void);
void idt_load(void);

/* Called by entry.S. */
void trap_dispatch(struct trap_frame *frame);
void irq_dispatch(struct trap_frame *frame);

/* Names an exception: "page fault", "double fault", ... */
const char *trap_name(unsigned vector);

/* Is @rip inside a user accessor (uaccess.S)? */
bool trap_in_uaccess(u64 rip);

/*
 * Raw register dump over the serial line, without locks, formatting library or memory. Any context.
 */
void trap_dump(const struct trap_frame *frame, unsigned long addr);

#endif
