/*
 * main.c - boot order, as one readable list.
 */
#include <stdlib.h>
#include <string.h>
#include "kernel/x86/apic.h"
#include "kernel/x86/boot_info.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/fw_cfg.h"
#include "kernel/x86/kmap.h"
#include "kernel/x86/machine.h"
#include "kernel/x86/smp.h"
#include "kernel/x86/switch.h"
#include "kernel/x86/trap.h"
#include "kernel/x86/tsc.h"
#include "kernel/x86/uaccess.h"
#include "kernel/x86/uart.h"

static volatile unsigned nr_up = 1;
static volatile unsigned nr_ticks, nr_ipis;

static void put(const char *name, u64 value)
{
	char buf[24];

	uart_puts(name);
	utoa((unsigned)value, buf, 10);
	uart_puts(buf);
}

static void ap_main(void)
{
	__atomic_fetch_add(&nr_up, 1, __ATOMIC_SEQ_CST);
	this_cpu_write(vcpu_self.irq_depth, 0);
	for (;;)
		cpu_irq_enable_halt();
}

static void tick(struct trap_frame *frame)
{
	nr_ticks++;
}

static void ipi(struct trap_frame *frame)
{
	__atomic_fetch_add(&nr_ipis, 1, __ATOMIC_SEQ_CST);
}

static u64 oops_rip;
static unsigned long oops_addr, oops_vector;

/* Skip the two-byte instruction that faulted. */
static bool oops(struct trap_frame *frame, unsigned long addr)
{
	oops_rip = frame->rip;
	oops_addr = addr;
	oops_vector = frame->vector;
	frame->rip += 2;
	return true;
}

static void must_fault(const char *what, unsigned vector, unsigned long addr)
{
	uart_puts(what);
	if (oops_vector != vector || oops_addr != addr) {
		uart_puts(": DID NOT FAULT\n");
		machine_verdict(MACHINE_FAIL);
	}
	uart_puts(": trapped\n");
	oops_vector = 0;
}

static void store2(volatile void *p)
{
	__asm__ volatile("movb %%al, (%0)" : : "r"(p), "a"(0) : "memory");
}

static unsigned long main_sp, co_sp;

static void co(void *from, void *data)
{
	for (;;)
		from = stack_switch(&co_sp, main_sp, (char *)from + (unsigned long)data);
}

void kernel_main(void)
{
	char buf[256];
	u64 t0;
	int err;
	u32 v = 7;

	uart_puts("mmlife on ");
	uart_puts(boot_info.loader);
	uart_puts("\ncmdline: ");
	uart_puts(boot_info.cmdline);
	uart_puts("\n");
	x86_init();
	put("memory ", memmap_total(&boot_info.ram) >> 20);
	put(" MiB in ranges ", boot_info.ram.nr);
	put(", free ", memmap_total(&boot_info.free) >> 10);
	put(" KiB\nacpi cpus ", boot_info.acpi.nr_cpus);
	put(", ioapics ", boot_info.acpi.nr_ioapics);
	uart_puts(boot_info.acpi_trouble ? boot_info.acpi_trouble : "");
	put("\ntsc kHz ", tsc_khz);
	put(", apic kHz ", apic_timer_khz);
	put("\ntables ", kmap_nr_tables);
	uart_puts("\n");

	t0 = rdtsc();
	smp_prepare(64);
	put("cpus ", nr_pcpus);
	t0 = rdtsc();
	put(", missing ", smp_start(ap_main));
	spin_until(nr_up == nr_pcpus);
	put(", started in us ", tsc_to_ns(rdtsc() - t0) / 1000);
	uart_puts("\n");

	oops_hook = oops;
	store2((void *)0xdead0000);
	must_fault("unmapped", TRAP_PF, 0xdead0000);
	store2(__text_start);
	must_fault("text", TRAP_PF, (u64)__text_start);
	store2(phys_to_virt(virt_to_phys(__text_start)));
	must_fault("text through the direct map", TRAP_PF, (u64)phys_to_virt(virt_to_phys(__text_start)));
	__asm__ volatile("ud2");
	must_fault("ud2", TRAP_UD, 0);
	cpu_fpu_forbid();
	__asm__ volatile(".byte 0xd9, 0xd0"); /* fnop */
	must_fault("fpu", TRAP_NM, 0);
	cpu_fpu_allow();
	store2((char *)pcpus[0]->ist_low[IST_DF] - 1);
	must_fault("guard", TRAP_PF, (u64)pcpus[0]->ist_low[IST_DF] - 1);
	err = get_user_u32(0x400000, &v);
	put("get_user ", err == -14 && v == 7);
	put(" ", copy_to_user(USER_MAX - 8, buf, 16) == -14);
	put(" in uaccess ", trap_in_uaccess((u64)get_user_u32));
	uart_puts("\n");

	irq_handler_set(VEC_TIMER, tick);
	irq_handler_set(VEC_IPI_BASE, ipi);
	this_cpu_write(vcpu_self.irq_depth, 0);
	apic_timer_arm(1000000, VEC_TIMER);
	t0 = rdtsc();
	cpu_irq_enable_halt();
	cpu_irq_disable();
	put("timer ticks ", nr_ticks);
	put(" after us ", tsc_to_ns(rdtsc() - t0) / 1000);
	if (nr_pcpus > 1) {
		apic_broadcast_ipi(VEC_IPI_BASE);
		spin_until(nr_ipis == nr_pcpus - 1);
	}
	put(", ipis ", nr_ipis);

	co_sp = stack_prepare((char *)pcpus[0]->ist_low[IST_MC] + IST_STACK_SIZE, co, (void *)5);
	put("\nswitch ", (u64)stack_switch(&main_sp, co_sp, (void *)10));
	put(" ", (u64)stack_switch(&main_sp, co_sp, (void *)20));
	put("\nfw_cfg ", fw_cfg_read("opt/mmlife/cmdline", buf, sizeof(buf)));
	put("\narena ", boot_reserve_arena(0));
	put(" bytes ", arena_bytes);
	kmap_seal();
	put("\nreleased KiB ", ({ struct mem_range r = boot_release_init(); (r.end - r.start) >> 10; }));
	uart_puts("\n");
	machine_verdict(MACHINE_PASS);
}
