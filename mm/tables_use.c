/*
 * tables_use.c - a thread takes on an address space, and lays it down.
 */
#include "kernel/core/bug.h"
#include "kernel/core/preempt.h"
#include "kernel/core/sched_ops.h"
#include "kernel/sched/thread.h"
#include "mm/tables.h"
#include "mm/tlb.h"

static void load_here(struct tlb_ctx *ctx)
{
	unsigned long flags;

	local_irq_save(flags);
	current->active = ctx;
	if (sched_ops)
		sched_ops->load_mm(ctx);
	else
		tlb_ctx_switch(ctx);
	local_irq_restore(flags);
}

void tables_use(struct mm_tables *mt)
{
	ASSERT(!current->active);
	load_here(&mt->tlb);
}

void tables_unuse(struct mm_tables *mt)
{
	ASSERT_EQ(current->active, &mt->tlb);
	load_here(NULL);
}
