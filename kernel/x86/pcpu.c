/*
 * pcpu.c - descriptor tables of a physical CPU. See pcpu.h.
 */
#include "kernel/x86/pcpu.h"

#include "kernel/x86/cpu.h"
#include "kernel/x86/switch.h"
#include "kernel/x86/trap.h"

void nmi_rest(unsigned long *save_sp);

#define GDT_CODE64    0x00af9b000000ffffUL
#define GDT_DATA      0x00cf93000000ffffUL
#define TSS_AVAILABLE (0x89UL << 40)

struct pcpu *pcpus[MAX_PCPUS];
unsigned nr_pcpus;

void pcpu_init(struct pcpu *cpu)
{
	u64 tss = (u64)&cpu->tss;

	for (unsigned i = IST_DF; i < IST_NR; i++)
		cpu->tss.ist[i - 1] = (u64)cpu->ist_low[i] + IST_STACK_SIZE;
	cpu->tss.iomap = sizeof(cpu->tss); /* beyond the limit: no port is the user's */

	cpu->gdt[SEL_KERNEL_CODE / 8] = GDT_CODE64;
	cpu->gdt[SEL_KERNEL_DATA / 8] = GDT_DATA;
	cpu->gdt[SEL_TSS / 8] = (sizeof(cpu->tss) - 1) | (tss & 0xffffff) << 16 | TSS_AVAILABLE |
				(tss >> 24 & 0xff) << 56;
	cpu->gdt[SEL_TSS / 8 + 1] = tss >> 32;
}

/* A far return loads CS; the data segments are never used for addressing but must be valid. */
static void load_segments(void)
{
	__asm__ volatile("pushq %0\n\t"
			 "leaq 1f(%%rip), %%rax\n\t"
			 "pushq %%rax\n\t"
			 "lretq\n"
			 "1:\tmovl %1, %%ss\n\t"
			 "movl %1, %%ds\n\t"
			 "movl %1, %%es"
			 :
			 : "i"(SEL_KERNEL_CODE), "r"(SEL_KERNEL_DATA)
			 : "rax", "memory");
}

void pcpu_activate(struct pcpu *cpu)
{
	struct desc_ptr gdt = {sizeof(cpu->gdt) - 1, (u64)cpu->gdt};

	__asm__ volatile("lgdt %0" : : "m"(gdt));
	load_segments();
	__asm__ volatile("ltr %w0" : : "r"(SEL_TSS));
	idt_load();
	cpu_init_features();
	cpu->loaded_cr3 = read_cr3();
	this_cpu_write(vcpu_self.pcpu, cpu);
}

void pcpu_switch_cr3(phys_t cr3)
{
	this_pcpu()->loaded_cr3 = cr3.v;
	write_cr3(cr3.v);
}

void pcpu_load_cr3(phys_t cr3)
{
	if (this_pcpu()->loaded_cr3 != cr3.v)
		pcpu_switch_cr3(cr3);
}

void pcpu_load_vcpu(struct vcpu *v)
{
	v->pcpu = this_pcpu();
	wrmsr(MSR_GS_BASE, (u64)v);
}

/* From the next NMI on. */
static void set_nmi_stack(size_t height)
{
	struct pcpu *cpu = this_pcpu();

	cpu->tss.ist[IST_NMI - 1] = (u64)cpu->ist_low[IST_NMI] + height;
	barrier();
}

void pcpu_rest_in_nmi(unsigned long *save_sp)
{
	set_nmi_stack(IST_STACK_SIZE / 2);
	nmi_rest(save_sp);
	set_nmi_stack(IST_STACK_SIZE);
}

void pcpu_wake_in_nmi(unsigned long sp)
{
	unsigned long nobody;

	stack_switch(&nobody, sp, NULL);
	__builtin_unreachable();
}
