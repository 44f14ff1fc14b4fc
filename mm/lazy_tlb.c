/*
 * lazy_tlb.c - what keeps an address space that a vCPU still has loaded but does not use.
 *
 * Owns: the choice between the two schemes, the references of the counted one.
 * Not here: becoming lazy and leaving (tlb.c).
 * Idea: a vCPU that runs a kernel thread goes on with the page tables of who ran before. Counted,
 *       each such vCPU holds mm_count until it loads others; uncounted, the last mmdrop() tells
 *       each to load the kernel's own, and waits. An mm keeps the scheme it was made under.
 * Rule: a counted reference is dropped where nothing may be freed (a switch, an interrupt), so what
 *       the last one means is left to a work.
 */
#include "mm/lazy_tlb.h"

#include "kernel/core/ledger.h"
#include "kernel/core/setting.h"
#include "mm/mm.h"
#include "mm/tlb.h"

bool lazy_tlb_refcount;

static u64 refcount_get(void)
{
	return lazy_tlb_refcount;
}

static int refcount_set(u64 value)
{
	lazy_tlb_refcount = value;
	return 0;
}
SETTING_BOOL(lazy_tlb_refcount, "new address spaces: lazy vCPUs count instead of being told",
	     refcount_get, refcount_set);

static void mmgrab_lazy_tlb(struct tlb_ctx *ctx)
{
	mmgrab(container_of(ctx, struct mm_struct, tables.tlb));
}

static void mmdrop_lazy_tlb(struct tlb_ctx *ctx)
{
	mmdrop_async(container_of(ctx, struct mm_struct, tables.tlb));
}

static const struct tlb_lazy_ops ops = {.grab = mmgrab_lazy_tlb, .drop = mmdrop_lazy_tlb};

void lazy_tlb_world_init(void)
{
	tlb_lazy_ops_set(&ops);
}

/* Before works are flushed. */
SETTLE_STEP(lazy_tlb, 15, tlb_leave_lazy);
