/*
 * tlb.c - the flush protocol.
 *
 * Owns: struct tlb_ctx's counters, struct tlb_state, IPI_TLB.
 * Idea: a flush draws the next generation of its context and notes its range. Whoever has the
 *       context loaded and is behind catches up: it flushes the ranges it missed, or everything if
 *       it cannot know them, and then says up to where it is clean. The flusher waits for just
 *       that.
 * Why nothing is missed: the flusher raises the generation, then looks who has the context. A vCPU
 *       that loads it, or stops being lazy, first says so, then reads the generation. Both steps
 *       are full barriers apart, so at least one of the two sees the other.
 */
#include "mm/tlb.h"

#include "kernel/base/bits.h"
#include "kernel/core/atomic.h"
#include "kernel/core/bug.h"
#include "kernel/core/events.h"
#include "kernel/core/preempt.h"
#include "kernel/core/sched_ops.h"
#include "kernel/core/setting.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/kmap.h"
#include "kernel/x86/pcpu.h"
#include "mm/drain.h"
#include "mm/observer.h"
#include "mm/window.h"

unsigned tlb_flush_pages = 33;

static struct tlb_ctx kernel_tlb; /* generation and ranges of the kernel half */
static const struct tlb_lazy_ops *lazy_ops;

/* In tlb_state.loaded while CR3 changes: may be any context, must be waited for. */
#define SWITCHING ((struct tlb_ctx *)1)

/* ---- a range and its generation in one word, so that no reader sees a mixture ---- */

#define RANGE_PAGE_BITS 36 /* page number of the start */
#define RANGE_NR_BITS	14 /* pages; all ones: everything */
#define RANGE_GEN_BITS	14 /* low bits of the generation it belongs to */
#define RANGE_NR_ALL	(BIT(RANGE_NR_BITS) - 1)

static u64 range_pack(u64 gen, unsigned long start, unsigned long end)
{
	unsigned long nr = (end - start) >> PAGE_SHIFT;
	u64 page = start >> PAGE_SHIFT & (BIT(RANGE_PAGE_BITS) - 1);

	nr = min(nr, RANGE_NR_ALL);
	return page << (RANGE_NR_BITS + RANGE_GEN_BITS) | nr << RANGE_GEN_BITS |
	       (gen & (BIT(RANGE_GEN_BITS) - 1));
}

static bool range_is_of(u64 range, u64 gen)
{
	return (range & (BIT(RANGE_GEN_BITS) - 1)) == (gen & (BIT(RANGE_GEN_BITS) - 1));
}

static unsigned long range_nr(u64 range)
{
	return range >> RANGE_GEN_BITS & RANGE_NR_ALL;
}

/* The page number's top bit is the sign of the address. */
static unsigned long range_start(u64 range)
{
	return (unsigned long)((s64)range >> (64 - RANGE_PAGE_BITS)) << PAGE_SHIFT;
}

/* ---- on the vCPU that flushes itself; interrupts off ---- */

static void observe(struct tlb_ctx *ctx, unsigned long start, unsigned long end)
{
	if (static_branch_unlikely(&points_key) && mm_observer)
		mm_observer->flushed(ctx, start, end);
}

static void flush_all_here(struct tlb_ctx *ctx)
{
	if (ctx == &kernel_tlb)
		cpu_flush_tlb_all();
	else
		write_cr3(read_cr3());
	observe(ctx == &kernel_tlb ? NULL : ctx, 0, TLB_FLUSH_ALL);
	event_count(EV_FLUSH, 1);
}

static void flush_pages_here(struct tlb_ctx *ctx, unsigned long start, unsigned long nr)
{
	for (unsigned long i = 0; i < nr; i++)
		invlpg((void *)(start + i * PAGE_SIZE));
	observe(ctx == &kernel_tlb ? NULL : ctx, start, start + nr * PAGE_SIZE);
	event_count(EV_FLUSH_PAGE, nr);
}

/* Pages named by the generations (@from, @to], or more than is worth counting. */
static unsigned long missed_pages(const u64 *range, u64 from, u64 to)
{
	unsigned long nr = 0;

	for (u64 gen = from + 1; gen <= to; gen++) {
		if (!range_is_of(range[gen % TLB_RANGES], gen))
			return RANGE_NR_ALL;
		nr += range_nr(range[gen % TLB_RANGES]);
	}
	return nr;
}

/* This vCPU's TLB, clean up to *@clean, becomes clean up to now. */
static void catch_up(struct tlb_ctx *ctx, u64 *clean)
{
	u64 to = smp_load_acquire(&ctx->gen), from = *clean, range[TLB_RANGES];
	unsigned long nr = RANGE_NR_ALL;

	if (from == to)
		return;
	if (to - from <= TLB_RANGES) {
		for (unsigned i = 0; i < TLB_RANGES; i++)
			range[i] = READ_ONCE(ctx->range[i]);
		nr = missed_pages(range, from, to);
	}
	if (nr > tlb_flush_pages) {
		flush_all_here(ctx);
	} else {
		for (u64 gen = from + 1; gen <= to; gen++)
			flush_pages_here(ctx, range_start(range[gen % TLB_RANGES]),
					 range_nr(range[gen % TLB_RANGES]));
	}
	smp_store_release(clean, to);
}

static void mask_or(struct tlb_ctx *ctx, u64 bit)
{
	rmw_point(&ctx->cpumask, sizeof(u64), bit);
	__atomic_fetch_or(&ctx->cpumask, bit, __ATOMIC_SEQ_CST);
}

static void mask_clear(struct tlb_ctx *ctx, u64 bit)
{
	rmw_point(&ctx->cpumask, sizeof(u64), ~bit);
	__atomic_fetch_and(&ctx->cpumask, ~bit, __ATOMIC_SEQ_CST);
}

/* Load @next (NULL: the kernel's own directory) instead of what is loaded. */
static void load(struct tlb_state *s, struct tlb_ctx *next)
{
	struct tlb_ctx *prev = s->loaded;
	u64 self = BIT(smp_processor_id()), gen = 0;
	bool counted = s->lazy == TLB_LAZY_COUNTED;

	WRITE_ONCE(s->loaded, SWITCHING);
	if (next) {
		mask_or(next, self);
		gen = READ_ONCE(next->gen);
	}
	pcpu_switch_cr3(next ? next->pgd : kernel_pgd);
	WRITE_ONCE(s->gen, gen);
	WRITE_ONCE(s->lazy, TLB_IN_USE);
	smp_store_release(&s->loaded, next);
	if (prev) {
		observe(prev, 0, TLB_FLUSH_ALL);
		mask_clear(prev, self);
		/* Uncounted, it may be gone by now. */
		if (counted)
			lazy_ops->drop(prev);
	}
}

/* From now on no user address is used. */
static void become_lazy(struct tlb_state *s)
{
	if (!s->loaded || s->lazy)
		return;
	if (s->loaded->counted) {
		lazy_ops->grab(s->loaded);
		WRITE_ONCE(s->lazy, TLB_LAZY_COUNTED);
	} else {
		WRITE_ONCE(s->lazy, TLB_LAZY);
	}
}

/* It was lazy, and uses what it has loaded again. */
static void stop_being_lazy(struct tlb_state *s)
{
	bool counted = s->lazy == TLB_LAZY_COUNTED;

	WRITE_ONCE(s->lazy, TLB_IN_USE);
	smp_mb(); /* before the generation is read: see the top */
	if (counted)
		lazy_ops->drop(s->loaded);
}

void tlb_ctx_switch(struct tlb_ctx *next)
{
	struct tlb_state *s = this_cpu_ptr(tlb_state);

	if (!next) {
		become_lazy(s);
	} else if (s->loaded != next) {
		load(s, next);
	} else {
		if (s->lazy)
			stop_being_lazy(s);
		catch_up(next, &s->gen);
	}
}

/* IPI_TLB, and the flusher's own part. */
static void flush_here(void)
{
	struct tlb_state *s = this_cpu_ptr(tlb_state);

	catch_up(&kernel_tlb, &s->kernel_gen);
	if (!s->loaded)
		return;
	/* A lazy vCPU that is told anyway lets go, so that it need not be told again. */
	if (s->lazy)
		load(s, NULL);
	else
		catch_up(s->loaded, &s->gen);
}

/* ---- on the vCPU that wants others flushed ---- */

static u64 draw_generation(struct tlb_ctx *ctx, unsigned long start, unsigned long end)
{
	u64 gen;

	rmw_point(&ctx->gen, sizeof(u64), 1);
	gen = __atomic_add_fetch(&ctx->gen, 1, __ATOMIC_SEQ_CST);
	WRITE_ONCE(ctx->range[gen % TLB_RANGES], range_pack(gen, start, end));
	return gen;
}

/* Has @cpu nothing of @ctx that is older than @gen? Lazy ones count as clean unless @even_lazy. */
static bool clean(unsigned cpu, struct tlb_ctx *ctx, u64 gen, bool even_lazy)
{
	struct tlb_state *s = per_cpu_ptr(tlb_state, cpu);
	struct tlb_ctx *loaded = smp_load_acquire(&s->loaded);

	if (ctx == &kernel_tlb)
		return smp_load_acquire(&s->kernel_gen) >= gen;
	if (loaded == SWITCHING)
		return false;
	if (loaded != ctx || READ_ONCE(s->gen) >= gen)
		return true;
	return !even_lazy && READ_ONCE(s->lazy);
}

/* Have every vCPU of @mask but this one clean up to @gen. Preemption off. */
static void flush_others(struct tlb_ctx *ctx, u64 mask, u64 gen, bool even_lazy)
{
	u64 told = 0;
	unsigned cpu;

	mask &= ~BIT(smp_processor_id());
	for_each_set_bit(cpu, mask)
	{
		if (!clean(cpu, ctx, gen, even_lazy))
			told |= BIT(cpu);
	}
	if (!told)
		return;
	ASSERT(!irqs_disabled());
	point(PT_IPI, ctx, 0, MO_SEQ_CST, told);
	for_each_set_bit(cpu, told)
	{
		event_count(EV_IPI, 1);
		sched_ops->send_ipi(cpu, IPI_TLB);
	}
	for_each_set_bit(cpu, told)
		spin_wait_until(per_cpu_ptr(tlb_state, cpu), clean(cpu, ctx, gen, even_lazy));
}

void flush_tlb_range(struct tlb_ctx *ctx, unsigned long start, unsigned long end, bool freed_tables)
{
	struct tlb_state *s;
	unsigned long flags;
	u64 gen;

	preempt_disable();
	gen = draw_generation(ctx, start, end);
	local_irq_save(flags);
	s = this_cpu_ptr(tlb_state);
	if (s->loaded == ctx && !s->lazy)
		catch_up(ctx, &s->gen);
	else if (s->loaded == ctx && freed_tables)
		load(s, NULL);
	local_irq_restore(flags);
	flush_others(ctx, READ_ONCE(ctx->cpumask), gen, freed_tables);
	preempt_enable();
}

void flush_tlb_kernel_range(unsigned long start, unsigned long end)
{
	unsigned long flags;
	u64 gen;

	preempt_disable();
	gen = draw_generation(&kernel_tlb, start, end);
	local_irq_save(flags);
	catch_up(&kernel_tlb, &this_cpu_ptr(tlb_state)->kernel_gen);
	local_irq_restore(flags);
	if (sched_ops)
		flush_others(&kernel_tlb, nr_vcpus == 64 ? ~0ul : BIT(nr_vcpus) - 1, gen, false);
	preempt_enable();
}

void tlb_ctx_evict(struct tlb_ctx *ctx)
{
	/* Counted, it has come to its end because nobody has it. */
	if (ctx->counted || !READ_ONCE(ctx->cpumask))
		return;
	flush_tlb_range(ctx, 0, TLB_FLUSH_ALL, true);
	/* Who was just switching away clears its bit a moment later. */
	spin_wait_until(&ctx->cpumask, READ_ONCE(ctx->cpumask) == 0);
}

/* ---- leaving counted ones ---- */

static void leave_here(void *arg)
{
	struct tlb_state *s;
	unsigned long flags;

	local_irq_save(flags);
	s = this_cpu_ptr(tlb_state);
	if (s->lazy == TLB_LAZY_COUNTED)
		load(s, NULL);
	local_irq_restore(flags);
}

void tlb_leave_lazy(void)
{
	unsigned cpu;
	bool any = false;

	for_each_vcpu(cpu)
		any |= READ_ONCE(per_cpu_ptr(tlb_state, cpu)->lazy) == TLB_LAZY_COUNTED;
	if (any)
		on_each_vcpu(leave_here, NULL);
}

/* ---- making ---- */

void tlb_lazy_ops_set(const struct tlb_lazy_ops *ops)
{
	lazy_ops = ops;
}

void tlb_world_init(void)
{
	unsigned cpu;

	kernel_tlb = (struct tlb_ctx){.pgd = kernel_pgd};
	lazy_ops = NULL;
	for_each_vcpu(cpu)
		*per_cpu_ptr(tlb_state, cpu) = (struct tlb_state){.loaded = NULL};
	ipi_handler_set(IPI_TLB, flush_here);
	tlb_switch_hook = tlb_ctx_switch;
	window_flush_hook = flush_tlb_kernel_range;
}

static u64 flush_pages_get(void)
{
	return tlb_flush_pages;
}

static int flush_pages_set(u64 value)
{
	tlb_flush_pages = value;
	return 0;
}
SETTING_U64(tlb_flush_pages, "pages up to which a flush drops single pages", 0, 4096,
	    flush_pages_get, flush_pages_set);
