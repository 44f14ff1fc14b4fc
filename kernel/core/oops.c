/*
 * oops.c - from a fault to a recovery, to the thread's end, or to panic.
 *
 * Idea: a recovery is a setjmp in oops_catch()'s frame. A trap cannot jump out of its handler, so
 *       it changes the frame: iretq "returns" to a function that takes the long jump, on the part
 *       of the thread's stack below oops_catch(), which nobody uses any more. That also leaves the
 *       special stacks (a double fault from a guard page) in the proper way.
 */
#include "kernel/core/oops.h"

#include <setjmp.h>
#include <string.h>
#include "kernel/core/backtrace.h"
#include "kernel/core/format.h"
#include "kernel/core/fpu.h"
#include "kernel/core/log.h"
#include "kernel/core/panic.h"
#include "kernel/core/preempt.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/layout.h"

struct recovery {
	jmp_buf env;
	struct recovery *outer;
	struct oops oops;
	unsigned long sp; /* bottom of oops_catch()'s frame: free below */
	unsigned nr_held;
	u32 preempt_depth, irq_depth;
	u32 fpu_depth, rcu_nesting;
};

void (*oops_first_hook)(struct trap_frame *frame, unsigned long addr);
bool (*oops_address_hook)(unsigned long addr, char *buf, size_t size);
void (*oops_exit_hook)(void);
void (*oops_unwind_hook)(u32 nesting);

static unsigned long uncaught;

/* This vCPU is in oops_trap() or oops_bug(): a fault there cannot be helped. */
static DEFINE_PER_CPU(bool, handling);

unsigned long oops_count(void)
{
	return __atomic_load_n(&uncaught, __ATOMIC_RELAXED);
}

/* A push onto the page below the stack faults, and so does the push of that fault. */
static bool stack_overflowed(const struct trap_frame *f)
{
	struct thread_base *thread = current_base();

	return f->vector == TRAP_DF && thread && thread->stack_low &&
	       read_cr2() < (u64)thread->stack_low &&
	       read_cr2() >= (u64)thread->stack_low - PAGE_SIZE;
}

static void describe_cause(struct oops *out, const struct trap_frame *f, unsigned long addr)
{
	char object[80];
	size_t used;

	if (stack_overflowed(f)) {
		format(out->cause, sizeof(out->cause), "stack overflow at %#lx", read_cr2());
		return;
	}
	if (f->vector != TRAP_PF) {
		format(out->cause, sizeof(out->cause), "%s", trap_name(f->vector));
		if (f->error)
			format(out->cause + strlen(out->cause), 32, " (error %#lx)", f->error);
		return;
	}
	format(out->cause, sizeof(out->cause), "page fault (%s%s) at %#lx",
	       f->error & PF_INSTR   ? "execute"
	       : f->error & PF_WRITE ? "write"
				     : "read",
	       f->error & PF_RSVD      ? ", reserved bit"
	       : f->error & PF_PRESENT ? ", not permitted"
				       : ", not mapped",
	       addr);
	used = strlen(out->cause);
	if (oops_address_hook && oops_address_hook(addr, object, sizeof(object)))
		format(out->cause + used, sizeof(out->cause) - used, ": %s", object);
}

static void describe_locks(struct oops *out)
{
	struct held_locks *held = held_locks_current();
	unsigned n = min(held->nr, (u32)OOPS_LOCKS);

	out->nr_held = held->nr;
	for (unsigned i = 0; i < n; i++)
		out->held[i] = held->lock[held->nr - 1 - i];
}

void oops_describe(struct oops *out, const struct trap_frame *frame, unsigned long addr)
{
	memset(out, 0, sizeof(*out));
	describe_cause(out, frame, addr);
	symbol_text((void *)frame->rip, out->symbol, sizeof(out->symbol));
	out->addr = addr;
	out->rip = frame->rip;
	out->vector = (int)frame->vector;
	out->regs = *frame;
	describe_locks(out);
}

static void print(const char *line)
{
	pr_err("%s", line);
}

static void report(const struct oops *oops, const char *name)
{
	pr_err("OOPS: %s at %s in thread %s", oops->cause, oops->symbol, name);
	regs_print(&oops->regs);
	pr_err("backtrace:");
	backtrace_print_frame(&oops->regs, print);
	if (oops->nr_held) {
		pr_err("held locks, to be released:");
		held_locks_print(held_locks_current());
	}
}

/* Brings the running thread's counts and locks back to what they were at @rec, and takes it off. */
static void unwind_to(struct thread_base *thread, struct recovery *rec)
{
	thread->recovery = rec->outer;
	if (held_locks_current()->nr > rec->nr_held) {
		pr_warn("released after an oops in %s:", thread->name);
		held_locks_print(held_locks_current());
		held_locks_force_release(rec->nr_held);
	}
	if (thread->rcu_nesting != rec->rcu_nesting) {
		if (oops_unwind_hook)
			oops_unwind_hook(rec->rcu_nesting);
		thread->rcu_nesting = rec->rcu_nesting;
	}
	fpu_restore_depth(rec->fpu_depth);
	this_cpu_write(vcpu_self.preempt_depth, rec->preempt_depth);
	this_cpu_write(vcpu_self.irq_depth, rec->irq_depth);
}

/* Where a trap "returns" to: on the thread's own stack, interrupts as the recovery wants them. */
static void __noreturn land(struct recovery *rec)
{
	longjmp(rec->env, 1);
}

static void __noreturn die(void)
{
	oops_exit_hook();
	panic("a thread survived its oops");
}

static void go_to(struct trap_frame *frame, void *fn, unsigned long arg, unsigned long sp,
		  bool irqs)
{
	frame->rip = (u64)fn;
	frame->rdi = arg;
	/* As after a call: 16-byte aligned, then the return address. */
	frame->rsp = ALIGN_DOWN(sp, 16UL) - 8;
	frame->rbp = 0;
	frame->rflags &= ~(RFLAGS_AC | RFLAGS_IF);
	if (irqs)
		frame->rflags |= RFLAGS_IF;
}

/*
 * A thread without recovery: reported, its locks released; it ends on the far end of its own stack.
 */
static void end_thread(struct thread_base *thread, struct trap_frame *frame, unsigned long addr)
{
	struct oops oops;

	oops_describe(&oops, frame, addr);
	report(&oops, thread->name);
	__atomic_fetch_add(&uncaught, 1, __ATOMIC_RELAXED);
	held_locks_force_release(0);
	fpu_restore_depth(0);
	this_cpu_write(vcpu_self.preempt_depth, 0);
	this_cpu_write(vcpu_self.irq_depth, 0);
	go_to(frame, die, 0, (u64)thread->stack_high, true);
}

static bool oops_trap(struct trap_frame *frame, unsigned long addr)
{
	struct thread_base *thread = current_base();
	struct recovery *rec = thread ? thread->recovery : NULL;
	bool fatal_trap = frame->vector == TRAP_NMI || frame->vector == TRAP_MC;
	bool can_end = thread && oops_exit_hook && !(thread->flags & TF_IDLE);

	if (oops_first_hook && !panicking())
		oops_first_hook(frame, addr);
	if (this_cpu_read(handling))
		panic_frame(frame, "trap %lu within the handling of an oops", frame->vector);
	this_cpu_write(handling, true);
	if (panicking() || fatal_trap || in_irq() || !(rec || can_end)) {
		struct oops oops;

		oops_describe(&oops, frame, addr);
		panic_frame(frame, "%s at %s", oops.cause, oops.symbol);
	}
	if (rec) {
		oops_describe(&rec->oops, frame, addr);
		unwind_to(thread, rec);
		go_to(frame, land, (u64)rec, rec->sp, rec->irq_depth == 0);
	} else {
		end_thread(thread, frame, addr);
	}
	this_cpu_write(handling, false);
	return true;
}

void oops_bug(const char *cause, void *ip)
{
	struct thread_base *thread = current_base();
	struct recovery *rec = thread ? thread->recovery : NULL;

	if (!rec || in_irq())
		return;
	memset(&rec->oops, 0, sizeof(rec->oops));
	format(rec->oops.cause, sizeof(rec->oops.cause), "%s", cause);
	caller_text(ip, rec->oops.symbol, sizeof(rec->oops.symbol));
	rec->oops.rip = (u64)ip;
	rec->oops.vector = -1;
	describe_locks(&rec->oops);
	unwind_to(thread, rec);
	if (rec->irq_depth == 0 && !static_branch_unlikely(&lockstep_key))
		cpu_irq_enable();
	land(rec);
}

bool oops_catch(void (*fn)(void *arg), void *arg, struct oops *out)
{
	struct thread_base *thread = current_base();
	struct recovery rec = {
		.outer = thread->recovery,
		.nr_held = held_locks_current()->nr,
		.preempt_depth = this_cpu_read(vcpu_self.preempt_depth),
		.irq_depth = this_cpu_read(vcpu_self.irq_depth),
		.fpu_depth = thread->fpu_depth,
		.rcu_nesting = thread->rcu_nesting,
	};

	__asm__ volatile("mov %%rsp, %0" : "=m"(rec.sp));
	if (setjmp(rec.env)) {
		if (out)
			*out = rec.oops;
		/* What was put off while the lost code had preemption off. */
		preempt_disable();
		preempt_enable();
		return true;
	}
	thread->recovery = &rec;
	fn(arg);
	thread->recovery = rec.outer;
	return false;
}

void oops_init(void)
{
	oops_hook = oops_trap;
}
