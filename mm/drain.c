/*
 * drain.c - emptying what every virtual CPU keeps for itself.
 *
 * Owns: the walk of a thread over all vCPUs; the steps by which ledger_settle() makes frames and
 *       slabs comparable.
 */
#include "mm/drain.h"

#include "kernel/core/bug.h"
#include "kernel/core/ledger.h"
#include "kernel/core/sched_ops.h"
#include "kernel/sched/thread.h"
#include "mm/page_alloc.h"
#include "mm/slab.h"
#include "mm/thread_mem.h"

void on_each_vcpu(void (*fn)(void *arg), void *arg)
{
	struct thread *t = current;
	u64 allowed = t->affinity;
	unsigned cpu;

	if (nr_vcpus == 1 || !sched_ops) {
		fn(arg);
		return;
	}
	for_each_vcpu(cpu) {
		WARN_ON(thread_set_affinity(t, 1ull << cpu) != 0);
		fn(arg);
	}
	WARN_ON(thread_set_affinity(t, allowed) != 0);
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
