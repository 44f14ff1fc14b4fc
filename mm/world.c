/*
 * world.c - the order in which the parts of a world's memory are made, and settled.
 */
#include "mm/world.h"

#include "kernel/core/ledger.h"
#include "kernel/core/oops.h"
#include "mm/fault.h"
#include "mm/semantics.h"
#include "mm/folio_lock.h"
#include "mm/lazy_tlb.h"
#include "mm/reclaim.h"
#include "mm/swap.h"
#include "mm/thread_mem.h"
#include "mm/tlb.h"
#include "mm/vma_lock.h"
#include "mm/window.h"

int mm_world_init(const struct frame_range *ranges, unsigned nr, const struct frames_config *config,
		  enum slab_layout layout)
{
	int err = frames_world_init(ranges, nr, config);

	if (err)
		return err;
	tlb_world_init();
	window_world_init();
	slab_world_init(layout);
	thread_mem_world_init();
	vma_lock_init();
	lazy_tlb_world_init();
	mm_fault_world_init();
	swap_world_init();
	sem_world_init();
	folio_lock_world_init();
	oops_address_hook = slab_describe;
	reclaim_world_init();
	return 0;
}

int mm_world_threads(void)
{
	return reclaim_world_thread();
}

void mm_world_resume(void)
{
	window_resume(SLAB_WINDOW_END);
}

/* Magazines and empty slabs first: what they free passes through the frame lists. */
static void settle_mm(void)
{
	thread_mem_trim();
	slab_drain_all();
	slab_shrink_all();
	frames_settle();
}
SETTLE_STEP(mm, 50, settle_mm);
