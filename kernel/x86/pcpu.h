/*
 * pcpu.h - the physical CPU: descriptor tables, trap stacks, APIC id.
 *
 * Not here: what a thread may see of its CPU (vcpu.h). A vCPU may move between pcpus, a pcpu's
 *       tables never move.
 */
#ifndef KERNEL_X86_PCPU_H
#define KERNEL_X86_PCPU_H

#include "kernel/x86/cpu.h"
#include "kernel/x86/layout.h"
#include "kernel/x86/vcpu.h"

#define MAX_PCPUS MAX_VCPUS

/* Stack numbers of the TSS: traps that must not trust the interrupted stack. */
enum ist_stack { IST_NONE, IST_DF, IST_NMI, IST_MC, IST_WATCHDOG, IST_NR };

#define IST_STACK_SIZE 8192UL /* above an unmapped guard page each */

struct tss {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7];
	u64 reserved2;
	u16 reserved3;
	u16 iomap;
} __packed;

struct pcpu {
	unsigned id; /* dense, 0 = the CPU that booted */
	u32 apic_id;
	bool online;	      /* set by the CPU itself, for ever */
	u64 loaded_cr3;	      /* the directory it runs on */
	void *boot_stack_low; /* first stack, later the idle thread's */
	void *boot_stack_high;
	void *ist_low[IST_NR]; /* stacks, without their guard pages */
	u64 gdt[6];
	struct tss tss __aligned(16);
};

extern struct pcpu *pcpus[MAX_PCPUS];
extern unsigned nr_pcpus; /* entries of pcpus[]; all online once smp_start() has returned */

static inline struct pcpu *this_pcpu(void)
{
	return this_cpu_read(vcpu_self.pcpu);
}

/* Load @cr3 into the running CPU, which forgets its translations, and note it. Interrupts off. */
void pcpu_switch_cr3(phys_t cr3);

/* The same unless it is loaded. */
void pcpu_load_cr3(phys_t cr3);

/*
 * pcpu_load_vcpu - let the running physical CPU carry @v from now on.
 *
 * Context: interrupts off. Per-CPU pointers obtained before still name the old vCPU.
 */
void pcpu_load_vcpu(struct vcpu *v);

/*
 * Build GDT and TSS of @cpu (ist_low[] filled) / load them, the IDT and the features on the running
 * CPU.
 */
void pcpu_init(struct pcpu *cpu);
void pcpu_activate(struct pcpu *cpu);

/*
 * pcpu_rest_in_nmi - halt within the NMI handler until pcpu_wake_in_nmi() is called by another NMI.
 *
 * @save_sp: where this context is kept, for that call. Once it is set NMIs come again, on the lower
 *           half of their stack, and what they interrupt is the halt.
 * Context:  the NMI hook, not in an NMI that interrupted the halt
 */
void pcpu_rest_in_nmi(unsigned long *save_sp);

/* The hook of an NMI that interrupted the halt: go on there. NMIs are held back as before it. */
__noreturn void pcpu_wake_in_nmi(unsigned long sp);

#endif
