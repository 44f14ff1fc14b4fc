/*
 * drain.c - a thread visits every virtual CPU, to empty what each keeps for itself.
 */
#include "mm/drain.h"

#include "kernel/core/bug.h"
#include "kernel/core/sched_ops.h"
#include "kernel/sched/thread.h"

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
