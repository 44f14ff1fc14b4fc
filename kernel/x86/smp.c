/*
 * smp.c - starting the other CPUs. See smp.h.
 *
 * Owns: the first CPU's pcpu, the others' stacks and areas, the start-up protocol.
 * Idea: one CPU at a time, so that one ap_boot and one real-mode page serve all.
 */
#include "kernel/x86/smp.h"

#include <string.h>
#include "kernel/x86/apic.h"
#include "kernel/x86/boot_info.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/init.h"
#include "kernel/x86/kmap.h"
#include "kernel/x86/machine.h"
#include "kernel/x86/smp_internal.h"
#include "kernel/x86/trap.h"
#include "kernel/x86/tsc.h"

#define INIT_DELAY_NS	 10000UL
#define SIPI_TIMEOUT_NS	 1000000UL    /* then a second one, as the manuals ask */
#define START_TIMEOUT_NS 60000000000UL /* a host with other things to do is slow, not broken */

struct ap_boot ap_boot;
unsigned smp_cpus_missing;

static void (*ap_main_fn)(void);

/* The interrupt that ends the halt is all there is to VEC_START. */
static void woken(struct trap_frame *frame)
{
}

/* A stack of @size bytes above an unmapped page. Returns its lowest address. */
static __init void *guarded_stack(size_t size)
{
	char *mem = boot_alloc(size + PAGE_SIZE, PAGE_SIZE);

	if (kmap_unmap(mem, NULL))
		machine_refuse("not enough memory for the guard pages of the CPUs' stacks");
	return mem + PAGE_SIZE;
}

/* Trap stacks, tables. Everything of a pcpu but its first stack and its vCPU. */
static __init struct pcpu *make_pcpu(unsigned id, u32 apic)
{
	struct pcpu *cpu = boot_alloc(sizeof(*cpu), 64);

	cpu->id = id;
	cpu->apic_id = apic;
	for (unsigned i = IST_DF; i < IST_NR; i++)
		cpu->ist_low[i] = guarded_stack(IST_STACK_SIZE);
	pcpu_init(cpu);
	pcpus[id] = cpu;
	return cpu;
}

void __init smp_init_boot_cpu(u32 apic)
{
	struct pcpu *cpu = make_pcpu(0, apic);

	cpu->boot_stack_low = boot_stack;
	cpu->boot_stack_high = boot_stack_top;
	nr_pcpus = 1;
	pcpu_activate(cpu);
	cpu->online = true;
}

/* INIT, then up to two start-up IPIs. Returns true once the CPU is in ap_start(). */
static __init bool start_one(struct pcpu *cpu)
{
	u64 deadline;

	ap_boot.cr3 = kernel_pgd.v;
	ap_boot.gs_base = (u64)vcpu_table[cpu->id];
	ap_boot.apic_id = cpu->apic_id;
	__atomic_store_n(&ap_boot.stack, (u64)cpu->boot_stack_high, __ATOMIC_SEQ_CST);

	apic_send_init(cpu->apic_id);
	tsc_delay_ns(INIT_DELAY_NS);
	apic_send_startup(cpu->apic_id, TRAMPOLINE_PHYS >> PAGE_SHIFT);

	deadline = rdtsc() + tsc_from_ns(SIPI_TIMEOUT_NS);
	spin_until(!__atomic_load_n(&ap_boot.stack, __ATOMIC_ACQUIRE) || rdtsc() >= deadline);
	if (__atomic_load_n(&ap_boot.stack, __ATOMIC_ACQUIRE))
		apic_send_startup(cpu->apic_id, TRAMPOLINE_PHYS >> PAGE_SHIFT);

	deadline = rdtsc() + tsc_from_ns(START_TIMEOUT_NS);
	spin_until(__atomic_load_n(&cpu->online, __ATOMIC_ACQUIRE) || rdtsc() >= deadline);
	if (cpu->online)
		return true;

	/*
	 * Take the stack back. If the CPU was faster after all, it is on its way and will arrive.
	 */
	if (__atomic_exchange_n(&ap_boot.stack, 0, __ATOMIC_SEQ_CST))
		return false;
	spin_until(__atomic_load_n(&cpu->online, __ATOMIC_ACQUIRE));
	return true;
}

/* Start the CPU with id @apic as the next number. If it does not come its memory is lost. */
static __init void add_cpu(u32 apic)
{
	unsigned id = nr_pcpus;
	struct pcpu *cpu = make_pcpu(id, apic);

	cpu->boot_stack_low = guarded_stack(BOOT_STACK_SIZE);
	cpu->boot_stack_high = (char *)cpu->boot_stack_low + BOOT_STACK_SIZE;
	vcpu_init_area(boot_alloc(vcpu_area_size(), 64), id)->pcpu = cpu;
	if (start_one(cpu)) {
		nr_pcpus = nr_vcpus = id + 1;
	} else {
		pcpus[id] = NULL;
		vcpu_table[id] = NULL;
		smp_cpus_missing++;
	}
}

void __init smp_prepare(unsigned max)
{
	const struct acpi_info *acpi = &boot_info.acpi;

	/* Real-mode code needs that page; without it, one CPU it is. */
	if (!memmap_covers(&boot_info.ram, TRAMPOLINE_PHYS, TRAMPOLINE_PHYS + PAGE_SIZE))
		return;
	memcpy(phys_to_virt(PHYS(TRAMPOLINE_PHYS)), trampoline_start,
	       trampoline_end - trampoline_start);
	irq_handler_set(VEC_START, woken);
	for (unsigned i = 0; i < acpi->nr_cpus && nr_pcpus < min(max, (unsigned)MAX_PCPUS); i++)
		if (acpi->apic_id[i] != pcpus[0]->apic_id)
			add_cpu(acpi->apic_id[i]);
}

unsigned __init smp_start(void (*ap_main)(void))
{
	__atomic_store_n(&ap_main_fn, ap_main, __ATOMIC_RELEASE);
	if (nr_pcpus > 1)
		apic_broadcast_ipi(VEC_START);
	return smp_cpus_missing;
}

/* Halted, not spinning: the host may have fewer CPUs than the guest. */
void ap_start(void)
{
	struct pcpu *cpu = this_cpu_read(vcpu_self.pcpu);

	pcpu_activate(cpu);
	apic_init_cpu();
	__atomic_store_n(&cpu->online, true, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&ap_main_fn, __ATOMIC_ACQUIRE)) {
		cpu_irq_enable_halt();
		cpu_irq_disable();
	}
	ap_main_fn();
	machine_refuse("a CPU fell out of its main function");
}
