/*
 * panic.c - the last report.
 *
 * Idea: nothing here may wait for anybody. The console's lock is broken first, the other processors
 *       are stopped by NMI with a limit, and what is printed is read, not asked for under a lock.
 *       A second panic on another processor waits for the end; one within a panic prints its cause
 *       and ends at once.
 */
#include "kernel/core/panic.h"

#include <stdarg.h>
#include "kernel/core/backtrace.h"
#include "kernel/core/console.h"
#include "kernel/core/format.h"
#include "kernel/core/fpu.h"
#include "kernel/core/lock_order.h"
#include "kernel/core/log.h"
#include "kernel/core/stop.h"
#include "kernel/core/thread_base.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/machine.h"
#include "kernel/x86/pcpu.h"
#include "kernel/x86/trap.h"

#define PANIC_TEXT_MAX 384
#define PANIC_LOG_TAIL 2048

static u32 panic_owner; /* vCPU number + 1 */

bool panicking(void)
{
	return __atomic_load_n(&panic_owner, __ATOMIC_RELAXED) != 0;
}

static void print(const char *line)
{
	pr_err("%s", line);
}

void regs_print(const struct trap_frame *f)
{
	pr_err("  rip %016lx  rsp %016lx  rbp %016lx", f->rip, f->rsp, f->rbp);
	pr_err("  rax %016lx  rbx %016lx  rcx %016lx", f->rax, f->rbx, f->rcx);
	pr_err("  rdx %016lx  rsi %016lx  rdi %016lx", f->rdx, f->rsi, f->rdi);
	pr_err("  r8  %016lx  r9  %016lx  r10 %016lx", f->r8, f->r9, f->r10);
	pr_err("  r11 %016lx  r12 %016lx  r13 %016lx", f->r11, f->r12, f->r13);
	pr_err("  r14 %016lx  r15 %016lx  rflags %08lx", f->r14, f->r15, f->rflags);
	pr_err("  cr0 %08lx  cr2 %016lx  cr3 %012lx  cr4 %06lx", read_cr0(), read_cr2(), read_cr3(),
	       read_cr4());
}

static void print_where(void)
{
	struct thread_base *thread = current_base();

	pr_err("  vCPU %u, thread %s (%u), preempt depth %u, irq depth %u, in irq %u",
	       smp_processor_id(), thread ? thread->name : "none", thread ? thread->id : 0,
	       (unsigned)this_cpu_read(vcpu_self.preempt_depth),
	       (unsigned)this_cpu_read(vcpu_self.irq_depth),
	       (unsigned)this_cpu_read(vcpu_self.in_irq));
}

static void print_locks(void)
{
	struct thread_base *thread = current_base();
	unsigned n = 0;

	if (!static_key_enabled(&checks_key) && !static_key_enabled(&lockstat_key)) {
		pr_err("held locks: not recorded (set checks on)");
		return;
	}
	pr_err("held locks:");
	if (in_irq() || !thread)
		n += held_locks_print(held_locks_current());
	if (thread)
		n += held_locks_print(&thread->held);
	if (!n)
		pr_err("  none");
}

static void print_other_cpus(void)
{
	unsigned long rip, rbp;
	char symbol[64];

	for (unsigned i = 0; i < nr_pcpus; i++) {
		if (cpus_parked_at(i, &rip, &rbp))
			pr_err("CPU %u stopped at %s", i,
			       symbol_text((void *)rip, symbol, sizeof(symbol)));
	}
}

/* Lines that were kept but not shown may be the ones that matter. */
static void print_log_tail(void)
{
	if (!log_unshown())
		return;
	console_write_line("last of the log, with what was not shown:\n", 42);
	log_ring_read(PANIC_LOG_TAIL, console_write);
}

static void __noreturn second_panic(const char *text)
{
	if (__atomic_load_n(&panic_owner, __ATOMIC_RELAXED) == smp_processor_id() + 1) {
		console_write_line("panic within a panic: ", 22);
		for (const char *c = text; *c; c++)
			console_write(c, 1);
		console_write("\n", 1);
		machine_verdict(MACHINE_PANIC);
	}
	cpu_irq_disable();
	for (;;)
		cpu_pause();
}

static void __noreturn panic_report(const struct trap_frame *frame, const char *text)
{
	u32 nobody = 0, me = smp_processor_id() + 1;
	unsigned running;

	cpu_irq_disable();
	if (!__atomic_compare_exchange_n(&panic_owner, &nobody, me, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_RELAXED))
		second_panic(text);
	console_break();
	fpu_panic();
	running = cpus_stop();

	/* What went before is shown first, so that it is not mixed with the report. */
	print_log_tail();
	pr_err("PANIC: %s", text);
	print_where();
	regs_print(frame);
	pr_err("backtrace:");
	backtrace_print_frame(frame, print);
	print_locks();
	print_other_cpus();
	if (running)
		pr_err("%u CPUs did not stop", running);
	machine_verdict(MACHINE_PANIC);
}

void panic_frame(const struct trap_frame *frame, const char *fmt, ...)
{
	char text[PANIC_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	format_va(text, sizeof(text), fmt, ap);
	va_end(ap);
	panic_report(frame, text);
}

/* The registers as they are now; those that calls preserve are still the caller's. */
static void capture(struct trap_frame *f, unsigned long *frame_address)
{
	*f = (struct trap_frame){
		.rip = frame_address[1],
		.rsp = (u64)(frame_address + 2),
		.rbp = frame_address[0],
		.rflags = read_rflags(),
		.vector = NR_VECTORS,
	};
	__asm__ volatile("mov %%rax, %0; mov %%rbx, %1; mov %%rcx, %2; mov %%rdx, %3"
			 : "=m"(f->rax), "=m"(f->rbx), "=m"(f->rcx), "=m"(f->rdx));
	__asm__ volatile("mov %%rsi, %0; mov %%rdi, %1; mov %%r8, %2; mov %%r9, %3"
			 : "=m"(f->rsi), "=m"(f->rdi), "=m"(f->r8), "=m"(f->r9));
	__asm__ volatile("mov %%r10, %0; mov %%r11, %1; mov %%r12, %2; mov %%r13, %3"
			 : "=m"(f->r10), "=m"(f->r11), "=m"(f->r12), "=m"(f->r13));
	__asm__ volatile("mov %%r14, %0; mov %%r15, %1" : "=m"(f->r14), "=m"(f->r15));
}

void panic(const char *fmt, ...)
{
	char text[PANIC_TEXT_MAX];
	struct trap_frame frame;
	va_list ap;

	capture(&frame, __builtin_frame_address(0));
	va_start(ap, fmt);
	format_va(text, sizeof(text), fmt, ap);
	va_end(ap);
	panic_report(&frame, text);
}
