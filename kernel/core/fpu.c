/*
 * fpu.c - who owns the FPU registers.
 *
 * Idea: threads own them while fpu_depth > 0 (or TF_FPU); their state goes to fpu_area only at a
 *       switch between two threads of which one is such. Interrupt handlers nest at most two deep
 *       (an interrupt, an NMI on top): each level has an area of its vCPU for what it interrupted.
 * Invariant: CR0.TS is clear exactly while the running context owns the registers.
 */
#include "kernel/core/fpu.h"

#include "kernel/core/bug.h"
#include "kernel/core/preempt.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/trap.h"

#define IRQ_LEVELS 2

/* One handler's section on top of whatever it interrupted. */
struct fpu_irq {
	u8 area[512] __aligned(16); /* the interrupted owner's registers */
	u32 depth;
	bool was_owned; /* area is filled */
};

static DEFINE_PER_CPU(struct fpu_irq, fpu_irq[IRQ_LEVELS]);
static DEFINE_PER_CPU(u32, fpu_boot_depth); /* sections before there are threads */

static u8 fpu_clean[512] __aligned(16);
static bool fpu_free_for_all;

static bool fpu_owned(void)
{
	return !(read_cr0() & CR0_TS);
}

static struct fpu_irq *irq_level(void)
{
	struct fpu_irq *levels = (struct fpu_irq *)this_cpu_ptr(fpu_irq);
	unsigned level = this_cpu_read(vcpu_self.in_irq) - 1;

	return &levels[min(level, IRQ_LEVELS - 1u)];
}

static void irq_begin(void)
{
	struct fpu_irq *level = irq_level();

	if (level->depth++)
		return;
	level->was_owned = fpu_owned();
	if (level->was_owned)
		cpu_fxsave(level->area);
	else
		cpu_fpu_allow();
}

static void irq_end(void)
{
	struct fpu_irq *level = irq_level();

	if (--level->depth)
		return;
	if (level->was_owned)
		cpu_fxrstor(level->area);
	else
		cpu_fpu_forbid();
}

static u32 *depth_here(void)
{
	struct thread_base *thread = current_base();

	return thread ? &thread->fpu_depth : this_cpu_ptr(fpu_boot_depth);
}

static bool always_owner(const struct thread_base *thread)
{
	return thread && (thread->flags & TF_FPU);
}

void fpu_begin(void)
{
	if (unlikely(fpu_free_for_all))
		return;
	if (in_irq()) {
		irq_begin();
		return;
	}
	/* No switch between the first count and the flag: it would take the one for the other. */
	preempt_disable();
	if ((*depth_here())++ == 0)
		cpu_fpu_allow();
	preempt_enable();
}

void fpu_end(void)
{
	if (unlikely(fpu_free_for_all))
		return;
	if (in_irq()) {
		irq_end();
		return;
	}
	preempt_disable();
	if (--(*depth_here()) == 0 && !always_owner(current_base()))
		cpu_fpu_forbid();
	preempt_enable();
}

void fpu_switch(struct thread_base *prev, struct thread_base *next)
{
	bool prev_owns = fpu_owns(prev), next_owns = fpu_owns(next);

	if (!prev_owns && !next_owns)
		return;
	cpu_fpu_allow();
	if (prev_owns) {
		cpu_fxsave(prev->fpu_area);
		prev->flags |= TF_FPU_SAVED;
	}
	if (next_owns)
		cpu_fxrstor(next->flags & TF_FPU_SAVED ? next->fpu_area : fpu_clean);
	else
		cpu_fpu_forbid();
}

void fpu_restore_depth(u32 depth)
{
	struct thread_base *thread = current_base();

	thread->fpu_depth = depth;
	if (fpu_owns(thread))
		cpu_fpu_allow();
	else
		cpu_fpu_forbid();
}

/* A thread that became TF_FPU while it ran has not been given the registers yet. */
static bool fpu_trap(struct trap_frame *frame)
{
	if (in_irq() || !always_owner(current_base()))
		return false;
	cpu_fpu_allow();
	cpu_fxrstor(fpu_clean);
	return true;
}

void fpu_init_cpu(void)
{
	cpu_fpu_allow();
	cpu_fpu_init_area(fpu_clean);
	cpu_fxrstor(fpu_clean);
	cpu_fpu_forbid();
	nm_hook = fpu_trap;
}

void fpu_panic(void)
{
	fpu_free_for_all = true;
	cpu_fpu_allow();
}
