/*
 * mm_tlb.c - a removed translation is gone everywhere, and who need not be told is not.
 */
#include "kernel/core/events.h"
#include "kernel/sched/thread.h"
#include <errno.h>

#include "kernel/x86/uaccess.h"
#include "mm/tlb.h"
#include "tests/ktest.h"
#include "tests/mm_space.h"

#define BASE SPACE_BASE
#define NR   8

static struct mm_tables space;
static struct {
	u32 step; /* both sides add one when they are done with a step */
	u64 last; /* what the reader read last */
} shared;

static void step_to(u32 step)
{
	__atomic_store_n(&shared.step, step, __ATOMIC_SEQ_CST);
}

static void wait_for(u32 step)
{
	while (__atomic_load_n(&shared.step, __ATOMIC_SEQ_CST) < step)
		yield();
}

/* Replace the frame behind @addr by another that holds @value. */
static void replace(struct ktest *t, unsigned long addr, u64 value)
{
	struct page *page = alloc_page(GFP_KERNEL | GFP_FOR(FK_ANON));
	struct mmu_gather tlb;

	t_assert(t, page);
	*(u64 *)page_address(page) = value;
	tlb_gather_mmu(&tlb, &space, false);
	t_expect_eq(t, tables_zap_range(&tlb, addr, addr + PAGE_SIZE), 1);
	tlb_finish_mmu(&tlb);
	t_expect_eq(t, tables_map_pages(&space, addr, &page, 1, PAGE_SHARED), 0);
}

/* ---- one reads while the other replaces frames under it ---- */

#define ROUNDS 300

static void read_and_replace(struct ktest *t, unsigned i, void *arg)
{
	u64 value = 0, seen = 0;

	if (i == 0) {
		for (u64 round = 1; round <= ROUNDS; round++)
			replace(t, BASE, round);
		step_to(1);
		return;
	}
	tables_use(&space);
	while (!__atomic_load_n(&shared.step, __ATOMIC_SEQ_CST)) {
		if (get_user_u64(BASE, &value))
			continue; /* between the two */
		if (value < seen || value > ROUNDS)
			t_fail(t, "read %lu after %lu", (unsigned long)value, (unsigned long)seen);
		seen = value;
	}
	t_expect_eq(t, get_user_u64(BASE, &value), 0);
	t_expect_eq(t, value, ROUNDS);
	tables_unuse(&space);
}

KTEST(tlb, no_vcpu_reads_a_frame_that_was_unmapped, KT_STRESS)
{
	t_need_cpus(t, 2);
	shared.step = 0;
	t_assert_eq(t, tables_init(&space), 0);
	t_expect_eq(t, space_map(&space, BASE, NR, PAGE_SIZE), 0);
	*(u64 *)page_address(pfn_to_page(pte_pfn(*pte_walk(&space, BASE)))) = 0;
	t_parallel(t, 2, read_and_replace, NULL);
	space_end(&space, BASE, BASE + NR * PAGE_SIZE);
}

/* ---- a lazy vCPU is left alone, and catches up by itself ---- */

static void be_lazy(struct ktest *t, unsigned i, void *arg)
{
	u64 value = 0;

	if (i == 1) {
		tables_use(&space);
		t_expect_eq(t, get_user_u64(BASE, &value), 0);
		tables_unuse(&space);
		step_to(1);
		wait_for(2);
		tables_use(&space);
		t_expect_eq(t, get_user_u64(BASE, &value), 0);
		t_expect_eq(t, value, 77);
		tables_unuse(&space);
	} else {
		struct tlb_state *other = per_cpu_ptr(tlb_state, 1);
		u64 gen;

		wait_for(1);
		t_expect_eq(t, other->loaded, &space.tlb);
		t_expect_eq(t, other->lazy, 1);
		gen = other->gen;
		replace(t, BASE, 77);
		t_expect_eq(t, other->gen, gen);
		t_expect_gt(t, space.tlb.gen, gen);
		step_to(2);
	}
}

KTEST(tlb, a_lazy_vcpu_is_left_alone_and_catches_up, KT_UNIT)
{
	t_need_cpus(t, 2);
	shared.step = 0;
	t_assert_eq(t, tables_init(&space), 0);
	t_expect_eq(t, space_map(&space, BASE, NR, PAGE_SIZE), 0);
	t_parallel(t, 2, be_lazy, NULL);
	space_end(&space, BASE, BASE + NR * PAGE_SIZE);
	t_expect_eq(t, space.tlb.cpumask, 0);
}

/* ---- single pages up to the threshold, everything above it ---- */

static void count_flush(struct ktest *t, unsigned long nr, u64 all, u64 single)
{
	struct event_counts before, after;
	unsigned long flags;

	/* This vCPU's own counters, and nothing comes between: others may well send something. */
	local_irq_save(flags);
	before = *this_cpu_ptr(event_counters);
	flush_tlb_range(&space.tlb, BASE, BASE + nr * PAGE_SIZE, false);
	after = *this_cpu_ptr(event_counters);
	local_irq_restore(flags);
	t_expect_eq(t, after.n[EV_FLUSH] - before.n[EV_FLUSH], all);
	t_expect_eq(t, after.n[EV_FLUSH_PAGE] - before.n[EV_FLUSH_PAGE], single);
	t_expect_eq(t, after.n[EV_IPI] - before.n[EV_IPI], 0);
}

KTEST(tlb, threshold_decides_between_pages_and_all, KT_UNIT)
{
	unsigned before = tlb_flush_pages;
	bool counted = static_key_enabled(&events_key);

	t_assert_eq(t, tables_init(&space), 0);
	tables_use(&space);
	events_set(true);
	count_flush(t, 1, 0, 1);
	count_flush(t, before, 0, before);
	count_flush(t, before + 1, 1, 0);
	tlb_flush_pages = 4;
	count_flush(t, 5, 1, 0);
	count_flush(t, 4, 0, 4);
	tlb_flush_pages = before;
	events_set(counted);
	tables_unuse(&space);
	tables_destroy(&space);
}

KTEST(tlb, flushes_name_kernel_and_user_addresses, KT_UNIT)
{
	char *va = (char *)get_zeroed_page(GFP_KERNEL);

	t_assert(t, va);
	flush_tlb_kernel_range((unsigned long)va, (unsigned long)va + PAGE_SIZE);
	flush_tlb_kernel_range(0, TLB_FLUSH_ALL);
	t_expect_eq(t, *va, 0);
	free_page(virt_to_page(va));
}
