/*
 * trap.c - dispatch of exceptions and interrupts. See trap.h.
 *
 * Owns: IDT, the order in which an exception is offered to those who may repair it, the last-resort
 *       dump.
 */
#include "kernel/x86/trap.h"

#include <errno.h>
#include "kernel/x86/apic.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/machine.h"
#include "kernel/x86/pcpu.h"
#include "kernel/x86/uart.h"

#define GATE_INTERRUPT 0x8e /* present, ring 0, 64-bit interrupt gate */

struct idt_gate {
	u16 offset_low;
	u16 selector;
	u8 ist;
	u8 type;
	u16 offset_mid;
	u32 offset_high;
	u32 reserved;
};

struct ex_entry {
	u64 from;
	u64 to;
};

extern char trap_entries[][16];
extern char __uaccess_start[], __uaccess_end[];
extern const struct ex_entry __start_ex_table[], __stop_ex_table[];

/* Before there are address spaces every user address is a bad one. */
static int no_user_memory(struct trap_frame *frame __maybe_unused,
			  unsigned long addr __maybe_unused, u64 error __maybe_unused)
{
	return -EFAULT;
}

int (*user_fault_hook)(struct trap_frame *frame, unsigned long addr, u64 error) = no_user_memory;
bool (*page_fault_hook)(struct trap_frame *frame, unsigned long addr);
bool (*nm_hook)(struct trap_frame *frame);
bool (*nmi_hook)(struct trap_frame *frame);
bool (*oops_hook)(struct trap_frame *frame, unsigned long addr);
void (*irq_exit_hook)(struct trap_frame *frame);
unsigned long irq_stray;

static void (*irq_handlers[NR_VECTORS])(struct trap_frame *frame);
static struct idt_gate idt[NR_VECTORS] __aligned(16);

static u8 vector_ist(unsigned vector)
{
	switch (vector) {
	case TRAP_DF: return IST_DF;
	case TRAP_NMI: return IST_NMI;
	case TRAP_MC: return IST_MC;
	case VEC_WATCHDOG: return IST_WATCHDOG;
	default: return IST_NONE;
	}
}

void idt_init(void)
{
	for (unsigned i = 0; i < NR_VECTORS; i++) {
		u64 entry = (u64)trap_entries[i];

		idt[i] = (struct idt_gate){
			.offset_low = (u16)entry,
			.selector = SEL_KERNEL_CODE,
			.ist = vector_ist(i),
			.type = GATE_INTERRUPT,
			.offset_mid = (u16)(entry >> 16),
			.offset_high = (u32)(entry >> 32),
		};
	}
}

void idt_load(void)
{
	struct desc_ptr ptr = {sizeof(idt) - 1, (u64)idt};

	__asm__ volatile("lidt %0" : : "m"(ptr));
}

void irq_handler_set(unsigned vector, void (*fn)(struct trap_frame *frame))
{
	irq_handlers[vector] = fn;
}

const char *trap_name(unsigned vector)
{
	static const char *const name[NR_TRAPS] = {
		"divide error",
		"debug",
		"NMI",
		"breakpoint",
		"overflow",
		"bound range",
		"invalid opcode",
		"device not available",
		"double fault",
		"coprocessor overrun",
		"invalid TSS",
		"segment not present",
		"stack fault",
		"general protection",
		"page fault",
		"exception 15",
		"x87 error",
		"alignment check",
		"machine check",
		"SIMD error",
		"virtualization",
		"control protection",
		"exception 22",
		"exception 23",
		"exception 24",
		"exception 25",
		"exception 26",
		"exception 27",
		"hypervisor injection",
		"VMM communication",
		"security",
		"exception 31",
	};

	return vector < NR_TRAPS ? name[vector] : "interrupt";
}

bool trap_in_uaccess(u64 rip)
{
	return rip >= (u64)__uaccess_start && rip < (u64)__uaccess_end;
}

/* Nobody else is to be relied on here: sixteen digits by hand. */
static void dump_value(const char *name, u64 value)
{
	char digits[17];

	for (int i = 15; i >= 0; i--, value >>= 4)
		digits[i] = "0123456789abcdef"[value & 15];
	digits[16] = '\0';
	uart_puts(name);
	uart_puts(digits);
}

void trap_dump(const struct trap_frame *f, unsigned long addr)
{
	uart_puts("\nunhandled ");
	uart_puts(trap_name(f->vector));
	dump_value("\nvec ", f->vector);
	dump_value("  err ", f->error);
	dump_value("  cr2 ", addr);
	dump_value("\nrip ", f->rip);
	dump_value("  rsp ", f->rsp);
	dump_value("  flg ", f->rflags);
	dump_value("\nrax ", f->rax);
	dump_value("  rbx ", f->rbx);
	dump_value("  rcx ", f->rcx);
	dump_value("\nrdx ", f->rdx);
	dump_value("  rsi ", f->rsi);
	dump_value("  rdi ", f->rdi);
	dump_value("\nrbp ", f->rbp);
	dump_value("  r8  ", f->r8);
	dump_value("  r9  ", f->r9);
	dump_value("\nr10 ", f->r10);
	dump_value("  r11 ", f->r11);
	dump_value("  r12 ", f->r12);
	dump_value("\nr13 ", f->r13);
	dump_value("  r14 ", f->r14);
	dump_value("  r15 ", f->r15);
	dump_value("\ncr0 ", read_cr0());
	dump_value("  cr3 ", read_cr3());
	dump_value("  cr4 ", read_cr4());
	dump_value("\ngs  ", rdmsr(MSR_GS_BASE));
	uart_puts("\n");
}

static void oops(struct trap_frame *frame, unsigned long addr)
{
	if (oops_hook && oops_hook(frame, addr))
		return;
	trap_dump(frame, addr);
	machine_verdict(MACHINE_PANIC);
}

static bool apply_fixup(struct trap_frame *frame)
{
	for (const struct ex_entry *e = __start_ex_table; e < __stop_ex_table; e++) {
		if (e->from == frame->rip) {
			frame->rip = e->to;
			return true;
		}
	}
	return false;
}

static void page_fault(struct trap_frame *frame, unsigned long addr)
{
	if (trap_in_uaccess(frame->rip) && addr < USER_MAX) {
		int err = user_fault_hook(frame, addr, frame->error);

		if (err == 0)
			return;
		if (apply_fixup(frame)) {
			frame->rax = (u64)err;
			return;
		}
	} else if (page_fault_hook && page_fault_hook(frame, addr)) {
		return;
	}
	oops(frame, addr);
}

static void nmi(struct trap_frame *frame)
{
	bool expected;

	irq_enter();
	expected = nmi_hook && nmi_hook(frame);
	irq_exit();
	if (!expected)
		oops(frame, 0);
}

/*
 * On a stack of its own, so nothing may interrupt it, let alone switch threads. If oops() returns,
 * the hook has set the depth to that of the place where @frame now leads.
 */
static void abort_trap(struct trap_frame *frame)
{
	this_cpu_inc(vcpu_self.irq_depth);
	oops(frame, 0);
}

/* What an instruction caused, page faults excepted: goes on with interrupts as it ran. */
static void fault(struct trap_frame *frame)
{
	if (frame->rflags & RFLAGS_IF)
		cpu_irq_enable();
	if (frame->vector != TRAP_NM || !nm_hook || !nm_hook(frame))
		oops(frame, 0);
}

void trap_dispatch(struct trap_frame *frame)
{
	if (likely(frame->vector == TRAP_PF)) {
		unsigned long addr = read_cr2();

		if (frame->rflags & RFLAGS_IF)
			cpu_irq_enable();
		page_fault(frame, addr);
		return;
	}
	switch (frame->vector) {
	case TRAP_NMI: nmi(frame); break;
	case TRAP_DF:
	case TRAP_MC: abort_trap(frame); break;
	default: fault(frame); break;
	}
}

void irq_dispatch(struct trap_frame *frame)
{
	unsigned vector = frame->vector;
	void (*handler)(struct trap_frame *) = irq_handlers[vector];

	if (vector == VEC_SPURIOUS)
		return; /* by definition not to be acknowledged */
	if (vector == VEC_WATCHDOG) {
		apic_eoi();
		if (handler)
			handler(frame);
		return;
	}

	irq_enter();
	if (handler)
		handler(frame);
	else
		__atomic_fetch_add(&irq_stray, 1, __ATOMIC_RELAXED);
	apic_eoi();
	this_cpu_dec(vcpu_self.in_irq);
	/* Interrupts are still off and counted so: the hook may switch to another thread here. */
	if (irq_exit_hook && this_cpu_read(vcpu_self.irq_depth) == 1)
		irq_exit_hook(frame);
	this_cpu_dec(vcpu_self.irq_depth);
}
