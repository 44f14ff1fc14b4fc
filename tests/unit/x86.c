/*
 * x86.c - layer 1: mappings of the kernel half, descriptors and stacks, interrupts, clocks' rates.
 *
 * Not here: traps and protections provoked (tests/inject/traps.c), the parsers (tests/host).
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include "kernel/core/preempt.h"
#include "kernel/x86/apic.h"
#include "kernel/x86/boot_info.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/fw_cfg.h"
#include "kernel/x86/kmap.h"
#include "kernel/x86/pcpu.h"
#include "kernel/x86/switch.h"
#include "kernel/x86/trap.h"
#include "kernel/x86/tsc.h"
#include "kernel/x86/uaccess.h"
#include "tests/ktest.h"

#define RIGHTS (KM_PRESENT | KM_WRITE | KM_NX | KM_GLOBAL | KM_USER)

/* A vector nobody uses: the last of the IPI range, beyond all kinds. */
#define SPARE_VECTOR (VEC_IPI_BASE + 15)

/* ---- the kernel half ---- */

/* Every page of [start, end) is mapped with exactly @rights; the boot stack's guard is not. */
static void expect_rights(struct ktest *t, const char *start, const char *end, u64 rights)
{
	const char *guard = (char *)pcpus[0]->boot_stack_low - PAGE_SIZE;
	unsigned long nr_wrong = 0;

	t_expect_lt(t, (unsigned long)start, (unsigned long)end);
	for (const char *p = start; p < end; p += PAGE_SIZE) {
		u64 prot = 0;

		kmap_lookup(p, NULL, &prot);
		nr_wrong += (prot & RIGHTS) != (p == guard ? 0 : rights);
	}
	t_expect_eq(t, nr_wrong, 0);
}

KTEST(x86, image_parts_have_their_rights, KT_UNIT)
{
	expect_rights(t, __text_start, __text_end, KMAP_RX);
	expect_rights(t, __rodata_start, __rodata_end, KMAP_RO);
	expect_rights(t, __roinit_start, __roinit_end, KMAP_RO);
	expect_rights(t, __ksyms_start, __ksyms_end, KMAP_RO);
	expect_rights(t, __roinit_end, __bss_end, KMAP_RW);
}

KTEST(x86, boot_code_is_gone, KT_UNIT)
{
	t_expect(t, boot_alloc_closed());
	t_expect(t, !kmap_lookup(__init_start, NULL, NULL));
	t_expect(t, !kmap_lookup((void *)((u64)__init_end - 1), NULL, NULL));
}

/* .world: 4 KiB pages, not global, and their frames nowhere else in the kernel half. */
KTEST(x86, world_has_one_mapping, KT_UNIT)
{
	unsigned long nr_aliases = 0;

	expect_rights(t, __world_start, __world_end, KMAP_RW_LOCAL);
	for (char *p = __world_start; p < __world_end; p += PAGE_SIZE) {
		phys_t frame;

		t_assert(t, kmap_lookup(p, &frame, NULL));
		nr_aliases += kmap_lookup(phys_to_virt(frame), NULL, NULL);
	}
	t_expect_eq(t, nr_aliases, 0);
}

KTEST(x86, arena_is_split_and_not_global, KT_UNIT)
{
	char *arena = phys_to_virt(arena_phys);

	if (!arena_bytes)
		t_skip(t, "this machine has no arena");
	t_expect_eq(t, arena_phys.v, ARENA_PHYS);
	t_expect(t, kmap_pte((unsigned long)arena));
	expect_rights(t, arena, arena + arena_bytes, KMAP_RW_LOCAL);
}

KTEST(x86, lookup_agrees_with_the_arithmetic_of_layout, KT_UNIT)
{
	static char in_bss[2 * PAGE_SIZE];
	phys_t frame;

	for (unsigned i = 0; i < 2; i++) {
		const char *p = in_bss + i * PAGE_SIZE;
		phys_t want = PHYS(ALIGN_DOWN(virt_to_phys(p).v, PAGE_SIZE));

		t_assert(t, kmap_lookup(p, &frame, NULL));
		t_expect_eq(t, frame.v, want.v);
		t_assert(t, kmap_lookup(phys_to_virt(want), &frame, NULL));
		t_expect_eq(t, frame.v, want.v);
	}
	t_expect(t, !kmap_lookup((void *)USER_MIN, NULL, NULL));
	t_expect(t, !kmap_pte(DIRECT_MAP_BASE + DIRECT_MAP_SIZE - PAGE_SIZE));
}

KTEST(x86, one_page_unmapped_protected_and_back, KT_UNIT)
{
	static char page[2 * PAGE_SIZE] __aligned(PAGE_SIZE);
	char *va = page + PAGE_SIZE;
	unsigned long tables = kmap_nr_tables;
	phys_t frame;
	u64 prot;

	va[5] = 'x';
	t_expect_eq(t, kmap_page(va, PHYS(0), KMAP_RW), -EEXIST);
	t_expect_eq(t, kmap_protect(va, 1, KMAP_RO), 0);
	t_assert(t, kmap_lookup(va, NULL, &prot));
	t_expect_eq(t, prot & RIGHTS, KMAP_RO);
	t_assert_eq(t, kmap_unmap(va, &frame), 0);
	t_expect_eq(t, frame.v, virt_to_phys(va).v);
	t_expect(t, !kmap_lookup(va, NULL, NULL));
	t_expect_eq(t, kmap_unmap(va, NULL), -ENOENT);
	t_expect_eq(t, kmap_protect(va, 1, KMAP_RW), -ENOENT);
	t_assert_eq(t, kmap_page(va, frame, KMAP_RW), 0);
	t_expect_eq(t, va[5], 'x');
	t_expect_eq(t, kmap_nr_tables, tables);
}

KTEST(x86, root_tables_share_the_kernel_half, KT_UNIT)
{
	static u64 root[512] __aligned(PAGE_SIZE);
	const u64 *kernel = phys_to_virt(kernel_pgd);

	kmap_fill_pgd(root);
	t_expect(t, !memcmp(root + 256, kernel + 256, 256 * sizeof(u64)));
	for (unsigned i = 0; i < 256; i++)
		t_expect(t, !root[i]);
	t_expect(t, root[(WINDOW_BASE >> 39) & 511] & KM_PRESENT);
}

/* ---- CPUs ---- */

static void expect_own_cpu(struct ktest *t, unsigned i, void *arg)
{
	struct vcpu *v = this_cpu_ptr(vcpu_self);
	struct pcpu *cpu = this_pcpu();

	t_expect_eq(t, smp_processor_id(), i);
	t_expect_eq(t, v, v->self);
	t_expect_eq(t, v, vcpu_table[i]);
	t_expect_eq(t, rdmsr(MSR_GS_BASE), (unsigned long)v);
	t_expect_eq(t, cpu, pcpus[i]);
	t_expect(t, cpu->online);
	t_expect_eq(t, cpu->apic_id, apic_id());
	t_expect_eq(t, read_cr3(), cpu->loaded_cr3);
	t_expect_eq(t, !!(read_cr4() & CR4_SMEP), cpu_facts.smep);
	t_expect_eq(t, !!(read_cr4() & CR4_SMAP), cpu_facts.smap);
}

KTEST(x86, each_cpu_is_its_own, KT_UNIT)
{
	t_parallel(t, nr_vcpus, expect_own_cpu, NULL);
	for (unsigned i = 1; i < nr_pcpus; i++)
		t_expect_ne(t, pcpus[i]->apic_id, pcpus[i - 1]->apic_id);
}

KTEST(x86, trap_stacks_have_guards, KT_UNIT)
{
	for (unsigned cpu = 0; cpu < nr_pcpus; cpu++) {
		t_expect(t, !kmap_lookup((char *)pcpus[cpu]->boot_stack_low - 1, NULL, NULL));
		for (unsigned i = IST_DF; i < IST_NR; i++) {
			char *low = pcpus[cpu]->ist_low[i];

			t_expect(t, kmap_lookup(low, NULL, NULL));
			t_expect(t, !kmap_lookup(low - 1, NULL, NULL));
			t_expect_eq(t, pcpus[cpu]->tss.ist[i - 1], (u64)low + IST_STACK_SIZE);
		}
	}
}

/* ---- interrupts ---- */

static unsigned nr_seen;
static u32 depth_seen, in_irq_seen;
static bool flag_seen;

static void note_interrupt(struct trap_frame *frame)
{
	nr_seen++;
	depth_seen = this_cpu_read(vcpu_self.irq_depth);
	in_irq_seen = this_cpu_read(vcpu_self.in_irq);
	flag_seen = cpu_irq_enabled();
}

/* Raise @vector on this CPU and wait until it has been taken. */
static void interrupt_self(u8 vector, void (*handler)(struct trap_frame *))
{
	nr_seen = 0;
	irq_handler_set(vector, handler);
	preempt_disable();
	local_irq_disable();
	apic_send_ipi(this_pcpu()->id, vector);
	local_irq_enable();
	spin_until(__atomic_load_n(&nr_seen, __ATOMIC_RELAXED) || !handler);
	preempt_enable();
	irq_handler_set(vector, NULL);
}

KTEST(x86, handlers_run_with_interrupts_off_and_counted, KT_UNIT)
{
	interrupt_self(SPARE_VECTOR, note_interrupt);
	t_expect_eq(t, nr_seen, 1);
	t_expect_eq(t, depth_seen, 1);
	t_expect_eq(t, in_irq_seen, 1);
	t_expect(t, !flag_seen);
	t_expect(t, cpu_irq_enabled());
}

/* The watchdog must leave no trace in the world: not even in the counters of its vCPU. */
KTEST(x86, watchdog_vector_counts_nothing, KT_UNIT)
{
	interrupt_self(VEC_WATCHDOG, note_interrupt);
	t_expect_eq(t, nr_seen, 1);
	t_expect_eq(t, depth_seen, 0);
	t_expect_eq(t, in_irq_seen, 0);
	t_expect(t, !flag_seen);
}

KTEST(x86, interrupt_without_handler_is_counted, KT_UNIT)
{
	unsigned long before = irq_stray;

	interrupt_self(SPARE_VECTOR, NULL);
	spin_until(__atomic_load_n(&irq_stray, __ATOMIC_RELAXED) != before);
	t_expect_eq(t, irq_stray, before + 1);
}

/* ---- stacks, clocks, firmware ---- */

static void sum_on_other_stack(void *arg)
{
	char here;
	unsigned long *range = arg;

	range[2] = (unsigned long)&here > range[0] && (unsigned long)&here < range[1];
}

KTEST(x86, stack_call_runs_there_and_returns, KT_UNIT)
{
	static char stack[4096] __aligned(16);
	unsigned long range[3] = {(unsigned long)stack, (unsigned long)stack + sizeof(stack), 0};

	preempt_disable();
	stack_call(stack + sizeof(stack), sum_on_other_stack, range);
	preempt_enable();
	t_expect_eq(t, range[2], 1);
}

KTEST(x86, time_conversions_agree, KT_UNIT)
{
	static const u64 ns[] = {0, 1000, 1000000, 1000000000, 3600UL * 1000000000,
				 365UL * 86400 * 1000000000};

	t_expect_le(t, tsc_to_ns(tsc_khz * 1000), 1000000000);
	t_expect_ge(t, tsc_to_ns(tsc_khz * 1000), 999999990);
	for (unsigned i = 0; i < ARRAY_SIZE(ns); i++) {
		u64 back = tsc_to_ns(tsc_from_ns(ns[i]));

		/* One tick, and one part in 2^30 of the value: what 32 fraction bits can lose. */
		t_expect_le(t, back, ns[i]);
		t_expect_le(t, ns[i] - back, 2 + (ns[i] >> 30));
	}
}

KTEST(x86, firmware_file_that_is_not_there, KT_UNIT)
{
	char buf[8] = "before";

	t_expect_eq(t, fw_cfg_read("opt/mmlife/no such file", buf, sizeof(buf)), -ENOENT);
	t_expect_str_eq(t, buf, "before");
	if (!fw_cfg_present())
		t_skip(t, "no fw_cfg device");
	t_expect_eq(t, fw_cfg_read("etc/e820", buf, 0) > 0, true);
}

KTEST(x86, build_has_an_id, KT_UNIT)
{
	t_expect_eq(t, strlen(kernel_build_id), 16);
	for (const char *c = kernel_build_id; *c; c++)
		t_expect(t, isxdigit((unsigned char)*c));
}

/* ---- user accessors: addresses that are refused before any access ---- */

KTEST(x86, accessors_refuse_what_is_not_the_users, KT_UNIT)
{
	static const unsigned long bad[] = {USER_MAX, 1UL << 47, ~0UL << 47, DIRECT_MAP_BASE,
					    KERNEL_BASE, ~0UL};
	char buf[16] = "unchanged";
	u32 word = 7;

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		u8 b;
		u16 h;
		u64 q;

		t_expect_eq(t, get_user_u8(bad[i], &b), -EFAULT);
		t_expect_eq(t, get_user_u16(bad[i], &h), -EFAULT);
		t_expect_eq(t, get_user_u32(bad[i], &word), -EFAULT);
		t_expect_eq(t, get_user_u64(bad[i], &q), -EFAULT);
		t_expect_eq(t, put_user_u8(bad[i], 1), -EFAULT);
		t_expect_eq(t, put_user_u16(bad[i], 1), -EFAULT);
		t_expect_eq(t, put_user_u32(bad[i], 1), -EFAULT);
		t_expect_eq(t, put_user_u64(bad[i], 1), -EFAULT);
		t_expect_eq(t, cmpxchg_user_u32(bad[i], &word, 1), -EFAULT);
		t_expect_eq(t, copy_from_user(buf, bad[i], 1), -EFAULT);
		t_expect_eq(t, copy_to_user(bad[i], buf, 1), -EFAULT);
	}
	t_expect_eq(t, word, 7);
	t_expect_str_eq(t, buf, "unchanged");
	/* A range that begins well and ends badly, and one that wraps round. */
	t_expect_eq(t, copy_to_user(USER_MAX - 8, buf, 9), -EFAULT);
	t_expect_eq(t, copy_from_user(buf, USER_MIN, ~0UL), -EFAULT);
}
