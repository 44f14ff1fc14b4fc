/*
 * sched.c - making this layer's part of a world; the steps of a switch that both run modes share.
 */
#include "kernel/sched/sched.h"
#include "kernel/core/events.h"
#include "kernel/core/fpu.h"
#include "kernel/core/ledger.h"
#include "kernel/core/oops.h"
#include "kernel/sched/lock_internal.h"
#include "kernel/sched/rcu.h"
#include "kernel/sched/sched_internal.h"
#include "kernel/sched/work.h"
#include "kernel/x86/switch.h"

void sched_world_init(unsigned nr)
{
	unsigned cpu;

	threads_world_init();
	for (cpu = 0; cpu < nr; cpu++) {
		struct thread *idle = per_cpu_ptr(idle_thread, cpu);

		thread_init_idle(idle, cpu);
		per_cpu_ptr(vcpu_self, cpu)->thread = &idle->base;
	}
	timers_world_init(nr);
	rcu_world_init(nr);
	lock_release_fns_init();
	oops_exit_hook = thread_exit_forced;
	oops_unwind_hook = rcu_unwind;
}

int sched_world_threads(void)
{
	int err = rcu_world_thread();

	return err ? err : workqueue_init(&system_wq, "kworker");
}

void sched_switch_out(struct thread *prev, struct thread *next)
{
	rcu_note_switch(prev);
	fpu_switch(&prev->base, &next->base);
	event_count(EV_SWITCH, 1);
}

void thread_stack_init(struct thread *t, void (*entry)(void *from, void *t))
{
	t->sp = stack_prepare(t->base.stack_high, entry, t);
}

static void flush_system_wq(void)
{
	flush_workqueue(&system_wq);
}

LEDGER_KIND(threads, threads_live, NULL);
LEDGER_KIND(timers, timers_live, NULL);
LEDGER_KIND(rcu_callbacks, rcu_callbacks_live, NULL);
LEDGER_KIND(works, system_works_live, NULL);
SETTLE_STEP(rcu_barrier, 20, rcu_barrier);
SETTLE_STEP(flush_works, 30, flush_system_wq);
