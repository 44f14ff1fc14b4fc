/*
 * parallel.c - sched_ops for real processors: switch, tick, idle, interrupts.
 *
 * Owns: block and wake in `parallel`, the change from one thread to the next, the APIC timer, IPIs.
 * Not here: queues and placement (runq.c); everything that waits (the other files of this folder).
 * Idea: wake() turns a waiting state into TS_RUNNING under the lock of the queue the thread belongs
 *       to; block() looks at the state under that same lock. If the thread has not left its vCPU
 *       yet, block() sees TS_RUNNING and goes on; if it has, it is at rest and wake() queues it.
 * Invariant: at a change of stacks preempt_depth and irq_depth are 1 (the queue's lock), on every
 *       path; so the depths of a vCPU fit the thread that comes as they fitted the one that went.
 */
#include "kernel/sched/parallel.h"
#include "kernel/core/bug.h"
#include "kernel/core/clock.h"
#include "kernel/core/events.h"
#include "kernel/core/fpu.h"
#include "kernel/core/preempt.h"
#include "kernel/core/setting.h"
#include "kernel/core/watchdog.h"
#include "kernel/sched/runq.h"
#include "kernel/sched/sched.h"
#include "kernel/sched/sched_internal.h"
#include "kernel/sched/timer.h"
#include "kernel/x86/apic.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/pcpu.h"
#include "kernel/x86/switch.h"
#include "kernel/x86/tlb_ctx.h"
#include "kernel/x86/trap.h"

#define SLICE_NS_DEFAULT (2 * NSEC_PER_MSEC)
#define WATCH_NS	 (1 * NSEC_PER_SEC)

u64 sched_slice_ns = SLICE_NS_DEFAULT;

/* ---- hardware timer: interrupts off, on the vCPU itself ------------------------------------ */

/* Have the hardware interrupt at the earlier of the two deadlines, if it would come too late. */
static void timer_program(struct runq *rq)
{
	u64 deadline = min(rq->tick_deadline, rq->timer_deadline);
	u64 now;

	if (deadline >= rq->programmed)
		return;
	now = clock_ns();
	rq->programmed = deadline;
	apic_timer_arm(deadline > now ? deadline - now : 0, VEC_TIMER);
}

static enum tick tick_wanted(const struct runq *rq)
{
	if (rq->curr == rq->idle || rq->tick_held)
		return TICK_NONE;
	return rq->nr_queued ? TICK_SLICE : TICK_WATCH;
}

/* Twice as often as the watchdog demands. */
static u64 watch_ns(void)
{
	return min(WATCH_NS, watchdog_limit_ns / (2 * WATCHDOG_GAPS));
}

/*
 * Start the tick, or make it faster, if need be. It becomes slower at ticks only, so that a vCPU
 * which switches often does not touch the timer each time. rq->lock held.
 */
static void tick_raise(struct runq *rq)
{
	enum tick wanted = tick_wanted(rq);

	if (likely(wanted <= rq->tick))
		return;
	rq->tick = wanted;
	rq->tick_deadline = clock_ns() + (wanted == TICK_SLICE ? sched_slice_ns : watch_ns());
	timer_program(rq);
}

/* The tick has come. A thread that has run since the last one has had its turn. rq->lock held. */
static void tick_do(struct runq *rq)
{
	if (rq->nr_queued && rq->nr_switches == rq->switches_at_tick && !rq->tick_held)
		this_cpu_write(vcpu_self.need_resched, true);
	rq->switches_at_tick = rq->nr_switches;
	rq->tick = TICK_NONE;
	rq->tick_deadline = TIME_NEVER;
	tick_raise(rq);
}

/* The watchdog's limit is another: ticks that were set by the old one are set anew. */
static void watch_changed(void)
{
	unsigned cpu;

	for_each_vcpu(cpu) {
		struct runq *rq = per_cpu_ptr(runq, cpu);

		spin_lock_irq(&rq->lock);
		if (rq->tick == TICK_WATCH)
			rq->tick = TICK_NONE;
		spin_unlock_irq(&rq->lock);
		sched_ops->send_ipi(cpu, IPI_RESCHED);
	}
}

static void timer_interrupt(struct trap_frame *frame)
{
	struct runq *rq = this_runq();
	u64 now = clock_ns();
	bool timer_due;

	watchdog_tick(frame, now);
	rq->programmed = TIME_NEVER;
	if (now >= rq->tick_deadline) {
		spin_lock(&rq->lock);
		tick_do(rq);
		spin_unlock(&rq->lock);
	}
	timer_due = now >= rq->timer_deadline;
	if (timer_due) {
		rq->timer_deadline = TIME_NEVER;
		timers_run();
	}
	timer_program(rq);
}

static void parallel_arm_timer(u64 deadline_ns)
{
	struct runq *rq = this_runq();

	rq->timer_deadline = deadline_ns;
	timer_program(rq);
}

void parallel_resume(void)
{
	struct runq *rq;

	local_irq_disable();
	rq = this_runq();
	rq->programmed = TIME_NEVER;
	timer_program(rq);
	local_irq_enable();
}

void tick_hold(void)
{
	struct runq *rq;

	local_irq_disable();
	rq = this_runq();
	spin_lock(&rq->lock);
	rq->tick_held++;
	rq->tick = TICK_NONE;
	rq->tick_deadline = TIME_NEVER;
	spin_unlock(&rq->lock);
	/* No interrupt that was meant for the tick may come late. */
	apic_timer_stop();
	rq->programmed = TIME_NEVER;
	timer_program(rq);
	local_irq_enable();
}

void tick_release(void)
{
	struct runq *rq;

	local_irq_disable();
	rq = this_runq();
	ASSERT(rq->tick_held > 0);
	rq->tick_held--;
	spin_lock(&rq->lock);
	tick_raise(rq);
	spin_unlock(&rq->lock);
	local_irq_enable();
}

/* ---- change of threads: interrupts off; clang cannot follow a lock across stacks ------------ */

/* Something was put on @rq, which is locked: see that its vCPU takes notice. */
static void runq_kick(struct runq *rq)
{
	bool is_idle = rq->curr == rq->idle;

	if (!is_idle && rq->tick == TICK_SLICE)
		return;
	if (rq->cpu != smp_processor_id())
		sched_ops->send_ipi(rq->cpu, IPI_RESCHED);
	else if (is_idle)
		this_cpu_write(vcpu_self.need_resched, true);
	else
		tick_raise(rq);
}

/*
 * Put @t, runnable and on no queue, on the queue of its choice, and return that queue, locked.
 * @t is the caller's alone: on_rq is set, so a wake leaves it be. @locked: the queue locked on
 * entry, or NULL.
 */
static NO_LOCK_ANALYSIS struct runq *thread_place(struct thread *t, struct runq *locked)
{
	struct runq *rq = per_cpu_ptr(runq, runq_choose(t));

	if (rq != locked) {
		WRITE_ONCE_NOPOINT(t->vcpu, rq->cpu);
		if (locked)
			spin_unlock(&locked->lock);
		spin_lock(&rq->lock);
	}
	runq_enqueue(rq, t);
	runq_kick(rq);
	return rq;
}

/*
 * First thing on the stack of the thread that comes: drop the lock, look after those that went.
 * Not inlined: the vCPU may be another one than before the change of stacks.
 */
static noinline NO_LOCK_ANALYSIS void switch_finish(struct thread *prev)
{
	struct runq *rq = this_runq();
	bool dead = !prev->on_rq && READ_ONCE_NOPOINT(prev->base.state) == TS_DEAD;
	LIST_HEAD(leaving);

	list_splice_init(&rq->leaving, &leaving);
	tick_raise(rq);
	spin_unlock(&rq->lock);

	while (unlikely(!list_empty(&leaving))) {
		struct thread *t = list_first_entry(&leaving, struct thread, run_node);

		list_del(&t->run_node);
		rq = thread_place(t, NULL);
		spin_unlock(&rq->lock);
	}
	if (unlikely(dead))
		thread_reap(prev);
}

static void load_address_space(struct thread *prev, struct thread *next)
{
	if (prev->active != next->active && tlb_switch_hook)
		tlb_switch_hook(next->active);
}

/*
 * Give the vCPU to the next thread; returns when the caller has it again, maybe another vCPU.
 * @rq locked on entry, dropped on return. The caller has queued itself, or marked itself off.
 */
static NO_LOCK_ANALYSIS void runq_switch(struct runq *rq)
{
	struct thread *prev = rq->curr;
	struct thread *next = runq_pick(rq);

	this_cpu_write(vcpu_self.need_resched, false);
	if (next != prev) {
		WRITE_ONCE_NOPOINT(rq->curr, next);
		rq->nr_switches++;
		next->nr_switches++;
		watchdog_touch();
		sched_switch_out(prev, next);
		load_address_space(prev, next);
		spin_lock_handover(&rq->lock, &prev->base, &next->base);
		this_cpu_write(vcpu_self.thread, &next->base);
		prev = stack_switch(&prev->sp, next->sp, prev);
	}
	switch_finish(prev);
}

/* Preemption, yield, idle: the caller stays runnable. */
static NO_LOCK_ANALYSIS void reschedule(void)
{
	struct runq *rq = this_runq();
	struct thread *t;

	spin_lock(&rq->lock);
	t = rq->curr;
	if (t != rq->idle) {
		if (likely(thread_allowed(t, rq->cpu)))
			runq_enqueue(rq, t);
		else
			list_add_tail(&t->run_node, &rq->leaving);
	}
	runq_switch(rq);
}

/* Where a fresh stack begins: interrupts off, a run queue locked. */
static void thread_entry(void *from, void *self)
{
	switch_finish(from);
	local_irq_enable();
	thread_main();
}

static void parallel_preempt(void)
{
	local_irq_disable();
	reschedule();
	local_irq_enable();
}

static void parallel_irq_exit(struct trap_frame *frame)
{
	if (resched_needed() && this_cpu_read(vcpu_self.preempt_depth) == 0)
		reschedule();
}

/* ---- block and wake ------------------------------------------------------------------------ */

static NO_LOCK_ANALYSIS void parallel_block(void)
{
	struct runq *rq;
	struct thread *t = current;

	local_irq_disable();
	rq = this_runq();
	spin_lock(&rq->lock);
	if (READ_ONCE_NOPOINT(t->base.state) == TS_RUNNING) {
		spin_unlock(&rq->lock);
	} else {
		ASSERT(t != rq->idle);
		t->on_rq = false;
		runq_switch(rq);
	}
	local_irq_enable();
}

/* Turn a waiting state into TS_RUNNING. The queue of @t is locked; @t itself may change it. */
static bool state_claim(struct thread *t)
{
	u32 state = READ_ONCE_NOPOINT(t->base.state);

	do {
		if (state == TS_RUNNING || state == TS_DEAD)
			return false;
	} while (!__atomic_compare_exchange_n(&t->base.state, &state, TS_RUNNING, false,
					      __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
	return true;
}

static NO_LOCK_ANALYSIS void parallel_wake(struct thread_base *base)
{
	struct thread *t = thread_of(base);
	struct runq *rq = runq_lock_of(t);

	if (state_claim(t) && !t->on_rq) {
		if (!t->sp)
			thread_stack_init(t, thread_entry);
		t->on_rq = true;
		rq = thread_place(t, rq);
	}
	spin_unlock_irq(&rq->lock);
}

/* ---- inter-processor requests -------------------------------------------------------------- */

static void parallel_send_ipi(unsigned vcpu, enum ipi_kind kind)
{
	local_irq_disable();
	event_count(EV_IPI, 1);
	apic_send_ipi(vcpu, (u8)(VEC_IPI_BASE + kind));
	local_irq_enable();
}

static void ipi_interrupt(struct trap_frame *frame)
{
	ipi_dispatch((enum ipi_kind)(frame->vector - VEC_IPI_BASE));
}

/* IPI_RESCHED: somebody queued a thread here, or changed the affinity of the one that runs. */
static void ipi_resched(void)
{
	struct runq *rq = this_runq();

	spin_lock(&rq->lock);
	if ((rq->curr == rq->idle && rq->nr_queued) || !thread_allowed(rq->curr, rq->cpu))
		this_cpu_write(vcpu_self.need_resched, true);
	tick_raise(rq);
	spin_unlock(&rq->lock);
}

/* ---- the seven calls ----------------------------------------------------------------------- */

static bool parallel_point(struct point *p)
{
	return false; /* every processor runs anyway */
}

static void parallel_load_mm(struct tlb_ctx *ctx)
{
	local_irq_disable();
	if (tlb_switch_hook)
		tlb_switch_hook(ctx);
	local_irq_enable();
}

const struct sched_ops parallel_ops = {
	.point = parallel_point,
	.block = parallel_block,
	.wake = parallel_wake,
	.now = clock_ns,
	.arm_timer = parallel_arm_timer,
	.send_ipi = parallel_send_ipi,
	.load_mm = parallel_load_mm,
};

/* ---- start and idle ------------------------------------------------------------------------ */

void parallel_init(unsigned nr)
{
	unsigned cpu, kind;

	ASSERT(!preemptible()); /* boot code does not give way before sched_idle_main() */
	for (cpu = 0; cpu < nr; cpu++) {
		runq_init(cpu);
		per_cpu_ptr(idle_thread, cpu)->base.stack_low = pcpus[cpu]->boot_stack_low;
		per_cpu_ptr(idle_thread, cpu)->base.stack_high = pcpus[cpu]->boot_stack_high;
	}
	this_runq()->online = true;
	ipi_handler_set(IPI_RESCHED, ipi_resched);
	for (kind = 0; kind < IPI_NR; kind++)
		irq_handler_set(VEC_IPI_BASE + kind, ipi_interrupt);
	irq_handler_set(VEC_TIMER, timer_interrupt);
	irq_exit_hook = parallel_irq_exit;
	watchdog_limit_hook = watch_changed;
	preempt_hook = parallel_preempt;
	sched_ops = &parallel_ops;
}

void sched_idle_main(void)
{
	struct vcpu *v = this_cpu_ptr(vcpu_self);

	cpu_irq_disable();
	v->irq_depth = 1;
	v->preempt_depth = 0;
	this_runq()->online = true;
	for (;;) {
		reschedule();
		watchdog_touch();
		if (resched_needed())
			continue;
		/* Interrupts are off till the halt: nobody sees the depth before the flag. */
		v->irq_depth = 0;
		cpu_irq_enable_halt();
		local_irq_disable();
	}
}

void sched_ap_main(void)
{
	fpu_init_cpu();
	sched_idle_main();
}

static u64 slice_get(void)
{
	return sched_slice_ns;
}

static int slice_set(u64 ns)
{
	sched_slice_ns = ns;
	return 0;
}

SETTING_U64(slice_ns, "time slice while several threads want one CPU", 100000, NSEC_PER_SEC,
	    slice_get, slice_set);
