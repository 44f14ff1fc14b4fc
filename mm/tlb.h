/*
 * tlb.h - making every vCPU forget translations.
 *
 * Owns: the flush protocol over struct tlb_ctx, switching a vCPU between contexts, the threshold
 *       above which a flush drops everything instead of single pages.
 * Not here: gathering what is freed after a flush (mmu_gather.h).
 * Promise: when a flush returns, no vCPU can use a translation that was removed before the call,
 *       except lazy vCPUs, which will drop it before they use a user address again.
 * Context of every flush: thread, interrupts on (a vCPU that waits must answer others), preemption
 *       either way, spinlocks may be held if no vCPU can wait for them with interrupts off.
 */
#ifndef MM_TLB_H
#define MM_TLB_H

#include "kernel/base/compiler.h"
#include "kernel/x86/tlb_ctx.h"

#define TLB_FLUSH_ALL (~0ul)

/* Pages up to which single pages are flushed (default 33, `set tlb_flush_pages`). */
extern unsigned tlb_flush_pages;

/*
 * Make the flush protocol ready: no vCPU has a context loaded. Takes over IPI_TLB and the hooks
 * through which layers below switch contexts. With every world.
 */
void tlb_world_init(void);

static inline void tlb_ctx_init(struct tlb_ctx *ctx, phys_t pgd)
{
	*ctx = (struct tlb_ctx){.pgd = pgd};
}

/*
 * flush_tlb_range - forget [@start, @end) of @ctx everywhere.
 *
 * @freed_tables: tables went as well: lazy vCPUs, whose CPU may walk them by itself, are told too
 */
void flush_tlb_range(struct tlb_ctx *ctx, unsigned long start, unsigned long end,
		     bool freed_tables);

static inline void flush_tlb_page(struct tlb_ctx *ctx, unsigned long addr)
{
	flush_tlb_range(ctx, addr, addr + PAGE_SIZE, false);
}

static inline void flush_tlb_mm(struct tlb_ctx *ctx)
{
	flush_tlb_range(ctx, 0, TLB_FLUSH_ALL, false);
}

/* The same for addresses of the kernel half, on every vCPU. */
void flush_tlb_kernel_range(unsigned long start, unsigned long end);

/*
 * tlb_ctx_switch - the running vCPU uses @next from now on; NULL: kernel addresses only (lazy).
 *
 * Context: interrupts off
 */
void tlb_ctx_switch(struct tlb_ctx *next);

/*
 * tlb_ctx_evict - no vCPU has @ctx loaded any more when this returns; lazy ones are told to leave
 * it, unless they are counted: then there are none.
 *
 * Context: as a flush. No thread uses @ctx.
 */
void tlb_ctx_evict(struct tlb_ctx *ctx);

/* Every vCPU leaves what it has lazily and counted. Context: thread, may move between vCPUs. */
void tlb_leave_lazy(void);

/*
 * What keeps a counted context's memory while a vCPU has it loaded lazily (lazy_tlb.c). Called with
 * interrupts off, also from an interrupt, when a vCPU begins and ends to borrow it.
 */
struct tlb_lazy_ops {
	void (*grab)(struct tlb_ctx *ctx);
	void (*drop)(struct tlb_ctx *ctx);
};
void tlb_lazy_ops_set(const struct tlb_lazy_ops *ops);

#endif
