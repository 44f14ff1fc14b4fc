/*
 * vcpu.h - virtual CPUs: what code calls "this CPU".
 *
 * Owns: struct vcpu, the first object of each per-CPU area, and the table of areas.
 * Not here: struct pcpu (the processor itself: TSS, stacks, APIC id); who runs when (kernel/sched,
 *       the lab).
 * Idea: %gs points to the area of a *virtual* CPU. In `parallel` vCPU i is carried by processor i
 *       for ever; in `lockstep` one processor switches %gs between areas. Everything "per CPU"
 *       above layer 1 is per vCPU.
 * Invariant: in `parallel`, IF = 0 exactly when irq_depth > 0, but for the instructions that change
 *       both.
 */
#ifndef KERNEL_X86_VCPU_H
#define KERNEL_X86_VCPU_H

#include "kernel/x86/percpu.h"

#define MAX_VCPUS 64

struct thread_base;
struct pcpu;

/* Every field belongs to its own vCPU; others may only set need_resched by way of an IPI. */
struct vcpu {
	struct vcpu *self; /* linear address of this area; offset 0: this_cpu_ptr() reads it */
	u32 id;		   /* 0..nr_vcpus-1 */
	u32 preempt_depth; /* > 0: no other thread may run here */
	u32 irq_depth;	   /* > 0: no interrupt may be taken here */
	u32 in_irq;	   /* interrupt and NMI handlers on the stack */
	bool need_resched; /* preempt_enable() at depth 0 calls preempt_hook() */
	struct thread_base *thread; /* the running one; NULL until the first thread is set */
	struct pcpu *pcpu;	    /* the processor that carries it now */
};

DECLARE_PER_CPU(struct vcpu, vcpu_self);

extern unsigned nr_vcpus;
extern struct vcpu *vcpu_table[MAX_VCPUS];

/* Bytes of one area; a multiple of 64. */
unsigned long vcpu_area_size(void);

/*
 * vcpu_init_area - make @mem the area of vCPU @id and enter it in the table.
 *
 * @mem:     vcpu_area_size() bytes, aligned to 64; the caller keeps owning them
 * Context:  nobody runs on vCPU @id. nr_vcpus is not changed
 */
struct vcpu *vcpu_init_area(void *mem, unsigned id);

#define smp_processor_id() ((unsigned)this_cpu_read(vcpu_self.id))
#define for_each_vcpu(i)   for ((i) = 0; (i) < nr_vcpus; (i)++)
#define current_base()	   ((struct thread_base *)this_cpu_read(vcpu_self.thread))
#define in_irq()	   (this_cpu_read(vcpu_self.in_irq) != 0)

/*
 * Brackets of every interrupt and NMI handler (not of exceptions): no preemption, no nesting, IF is
 * already 0.
 */
static inline void irq_enter(void)
{
	this_cpu_inc(vcpu_self.irq_depth);
	this_cpu_inc(vcpu_self.in_irq);
}

static inline void irq_exit(void)
{
	this_cpu_dec(vcpu_self.in_irq);
	this_cpu_dec(vcpu_self.irq_depth);
}

#endif
