/*
 * runq.c - run queues: order within one, placement among all.
 *
 * Not here: the switch itself, interrupts, the tick (parallel.c).
 * Idea: placement looks at other queues without their locks. What it reads may be stale; a stale
 *       choice costs a detour, never a thread, because putting a thread on a queue is always done
 *       under that queue's lock.
 */
#include "kernel/sched/runq.h"
#include "kernel/core/bug.h"
#include "kernel/sched/parallel.h"
#include "kernel/sched/sched_internal.h"
#include "kernel/sched/timer.h"

DEFINE_PER_CPU(struct runq, runq);

void runq_init(unsigned cpu)
{
	struct runq *rq = per_cpu_ptr(runq, cpu);

	*rq = (struct runq){
		.cpu = cpu,
		.idle = per_cpu_ptr(idle_thread, cpu),
		.curr = per_cpu_ptr(idle_thread, cpu),
		.tick_deadline = TIME_NEVER,
		.timer_deadline = TIME_NEVER,
		.programmed = TIME_NEVER,
	};
	spin_lock_init(&rq->lock, LC_RUNQ);
	INIT_LIST_HEAD(&rq->queue);
	INIT_LIST_HEAD(&rq->leaving);
}

NO_LOCK_ANALYSIS struct runq *runq_lock_of(struct thread *t)
{
	for (;;) {
		unsigned cpu = READ_ONCE_NOPOINT(t->vcpu);
		struct runq *rq = per_cpu_ptr(runq, cpu);

		spin_lock_irq(&rq->lock);
		if (READ_ONCE_NOPOINT(t->vcpu) == cpu)
			return rq;
		spin_unlock_irq(&rq->lock);
	}
}

void runq_enqueue(struct runq *rq, struct thread *t)
{
	list_add_tail(&t->run_node, &rq->queue);
	WRITE_ONCE_NOPOINT(rq->nr_queued, rq->nr_queued + 1);
}

static void runq_unlist(struct runq *rq, struct thread *t)
{
	list_del(&t->run_node);
	WRITE_ONCE_NOPOINT(rq->nr_queued, rq->nr_queued - 1);
}

/* Take a thread for vCPU @cpu off @from, which is locked; NULL: none may run there. */
static struct thread *runq_take_for(struct runq *from, unsigned cpu)
{
	struct thread *t;

	list_for_each_entry(t, &from->queue, run_node) {
		if (!thread_allowed(t, cpu))
			continue;
		runq_unlist(from, t);
		WRITE_ONCE_NOPOINT(t->vcpu, cpu);
		return t;
	}
	return NULL;
}

/* A thread from another queue, starting with the next vCPU. @rq is locked; the others are tried. */
static struct thread *runq_pull(struct runq *rq)
{
	struct thread *t = NULL;
	unsigned i;

	for (i = 1; i < nr_vcpus && !t; i++) {
		struct runq *from = per_cpu_ptr(runq, (rq->cpu + i) % nr_vcpus);

		if (!READ_ONCE_NOPOINT(from->nr_queued) || !spin_trylock(&from->lock))
			continue;
		t = runq_take_for(from, rq->cpu);
		spin_unlock(&from->lock);
	}
	return t;
}

struct thread *runq_pick(struct runq *rq)
{
	struct thread *t;

	while ((t = list_first_entry_or_null(&rq->queue, struct thread, run_node))) {
		runq_unlist(rq, t);
		if (likely(thread_allowed(t, rq->cpu)))
			return t;
		list_add_tail(&t->run_node, &rq->leaving);
	}
	t = runq_pull(rq);
	return t ? t : rq->idle;
}

/* Threads that run or want to on @rq. */
static unsigned runq_load(const struct runq *rq)
{
	return READ_ONCE_NOPOINT(rq->nr_queued) + (READ_ONCE_NOPOINT(rq->curr) != rq->idle);
}

unsigned runq_choose(const struct thread *t)
{
	unsigned best = t->vcpu, best_load = ~0u;
	unsigned i;

	for (i = 0; i < nr_vcpus; i++) {
		unsigned cpu = (t->vcpu + i) % nr_vcpus;
		const struct runq *rq = per_cpu_ptr(runq, cpu);
		unsigned load;

		if (!rq->online || !thread_allowed(t, cpu))
			continue;
		load = runq_load(rq);
		if (load < best_load) {
			best = cpu;
			best_load = load;
		}
		if (!load)
			break;
	}
	return best;
}

unsigned runq_length(unsigned cpu)
{
	return runq_load(per_cpu_ptr(runq, cpu));
}
