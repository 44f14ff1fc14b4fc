/*
 * preempt.h - keeping other threads and interrupts off this virtual CPU.
 *
 * Owns: the two depths and what changes with them. Not here: choosing the next thread
 *       (preempt_hook's owner).
 * Idea: both are counters of the vCPU. In `parallel` an irq depth above 0 is also a real cli; in
 *       `lockstep` only the counters move, and the lab looks at them before it lets another thread
 *       of this vCPU run or takes an IPI.
 */
#ifndef KERNEL_CORE_PREEMPT_H
#define KERNEL_CORE_PREEMPT_H

#include "kernel/core/point.h"
#include "kernel/x86/vcpu.h"

/*
 * Called by preempt_enable() at depth 0 with need_resched set and interrupts on; set once by the
 * scheduler.
 */
extern void (*preempt_hook)(void);

/* Called through cold_entry.S only. */
u64 preempt_slow(u64 unused1, u64 unused2, u64 unused3, void *ip);

static __always_inline void preempt_disable(void)
{
	this_cpu_inc(vcpu_self.preempt_depth);
	barrier();
}

/* need_resched, in one comparison with memory. */
static __always_inline bool resched_needed(void)
{
	bool needed;

	__asm__ volatile("cmpb $0, %%gs:%a1"
			 : "=@ccne"(needed)
			 : "i"(&vcpu_self.need_resched)
			 : "memory");
	return needed;
}

/* Lowers the depth without looking at need_resched: for the scheduler itself. */
static __always_inline void preempt_enable_no_resched(void)
{
	barrier();
	this_cpu_dec(vcpu_self.preempt_depth);
}

static __always_inline void preempt_enable(void)
{
	bool zero;

	__asm__ volatile("subl $1, %%gs:%a1"
			 : "=@ccz"(zero)
			 : "i"(&vcpu_self.preempt_depth)
			 : "memory");
	if (likely(zero) && unlikely(resched_needed()))
		__asm__ volatile("call preempt_entry" ::: "rax", "memory", "cc");
}

static inline bool preemptible(void)
{
	return this_cpu_read(vcpu_self.preempt_depth) == 0 &&
	       this_cpu_read(vcpu_self.irq_depth) == 0;
}

static inline bool irqs_disabled(void)
{
	return this_cpu_read(vcpu_self.irq_depth) != 0;
}

static __always_inline void local_irq_disable(void)
{
	if (!static_branch_unlikely(&lockstep_key))
		__asm__ volatile("cli" ::: "memory");
	this_cpu_inc(vcpu_self.irq_depth);
	barrier();
}

static __always_inline void local_irq_enable(void)
{
	bool zero;

	__asm__ volatile("subl $1, %%gs:%a1"
			 : "=@ccz"(zero)
			 : "i"(&vcpu_self.irq_depth)
			 : "memory");
	if (zero && !static_branch_unlikely(&lockstep_key))
		__asm__ volatile("sti" ::: "memory");
}

/*
 * The pair nests by counting, so @flags carries nothing; it is there so that each save has its
 * restore in sight.
 */
#define local_irq_save(flags)                                                                      \
	do {                                                                                       \
		(flags) = 0;                                                                       \
		local_irq_disable();                                                               \
	} while (0)
#define local_irq_restore(flags)                                                                   \
	do {                                                                                       \
		(void)(flags);                                                                     \
		local_irq_enable();                                                                \
	} while (0)

#endif
