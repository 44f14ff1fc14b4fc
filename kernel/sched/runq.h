/*
 * runq.h - the run queue of one vCPU in `parallel`, for runq.c and parallel.c.
 *
 * Idea: round robin. The running thread is not on the list; one that is preempted goes to its tail.
 *       The lock is held through the change of stacks and dropped by the thread that comes, so
 *       whoever holds it and finds a thread off the queue knows that its stack is at rest.
 */
#ifndef KERNEL_SCHED_RUNQ_H
#define KERNEL_SCHED_RUNQ_H

#include "kernel/base/list.h"
#include "kernel/core/spinlock.h"
#include "kernel/sched/thread.h"

/* How often the timer interrupts a vCPU; in order of frequency. */
enum tick {
	TICK_NONE,  /* idle, or held off by tick_hold() */
	TICK_WATCH, /* one thread: only the watchdog wants to look */
	TICK_SLICE, /* others wait for their turn */
};

/* Field key: [Q] lock  [C] its own vCPU only, interrupts off  [I] set once */
struct runq {
	spinlock_t lock;	  /*     LC_RUNQ, interrupts off */
	unsigned cpu;		  /* [I] */
	bool online;		  /* [I] its vCPU has come up */
	struct thread *idle;	  /* [I] */
	struct thread *curr;	  /* [Q] who runs; written by its own vCPU, read by anyone */
	struct list_head queue;	  /* [Q] runnable, in turn */
	unsigned nr_queued;	  /* [Q] read by anyone */
	struct list_head leaving; /* [Q] runnable, but not here any more; placed after the switch */
	u64 nr_switches;	  /* [Q] */
	u64 switches_at_tick;	  /* [C] */
	enum tick tick;		  /* [Q] written by its own vCPU */
	u32 tick_held;		  /* [C] depth of tick_hold() */
	u64 tick_deadline;	  /* [C] next tick; TIME_NEVER */
	u64 timer_deadline;	  /* [C] what arm_timer() was given */
	u64 programmed;		  /* [C] when the hardware will interrupt; TIME_NEVER */
};

DECLARE_PER_CPU(struct runq, runq);

/* Context: interrupts off or preemption off. */
static inline struct runq *this_runq(void)
{
	return this_cpu_ptr(runq);
}

void runq_init(unsigned cpu);

static inline bool thread_allowed(const struct thread *t, unsigned cpu)
{
	return READ_ONCE_NOPOINT(t->affinity) & (1ull << cpu);
}

/* Lock the run queue @t belongs to; interrupts off until its unlock. */
struct runq *runq_lock_of(struct thread *t);

/* Put @t at the end of @rq. Locked. */
void runq_enqueue(struct runq *rq, struct thread *t);

/*
 * The next thread for @rq's vCPU, off the queue: the first that may run here, else one taken from
 * another queue, else the idle thread. Those that may not run here go to rq->leaving. Locked.
 */
struct thread *runq_pick(struct runq *rq);

/* The vCPU on which @t, about to be woken or moved, should run. @t->vcpu's queue may be locked. */
unsigned runq_choose(const struct thread *t);

#endif
