/*
 * timer.h - run a function at a moment of sched_ops->now().
 *
 * Owns: one queue of timers per vCPU, ordered by deadline, then by arrival.
 * Not here: the hardware (sched_ops->arm_timer), the time slice (parallel.c).
 * Idea: tickless. Each queue asks for one interrupt, at its first deadline; a deadline that moved
 *       away costs one interrupt that finds nothing to do.
 */
#ifndef KERNEL_SCHED_TIMER_H
#define KERNEL_SCHED_TIMER_H

#include "kernel/base/compiler.h"
#include "kernel/base/rbtree.h"
#include "kernel/core/once.h"

struct timer;
struct timer_queue;

/* In interrupt context, on the vCPU whose queue the timer was on, no lock held. */
typedef void (*timer_fn)(struct timer *timer);

#define NSEC_PER_USEC 1000ull
#define NSEC_PER_MSEC 1000000ull
#define NSEC_PER_SEC  1000000000ull
#define TIME_NEVER    (~0ull) /* a deadline that does not come */

/*
 * Field key: [I] set at creation  [Q] lock of the queue it is on  [A] changes under [Q], read by
 *            anyone
 */
struct timer {
	struct rb_node node;	   /* [Q] */
	struct timer_queue *queue; /* [A] the queue it is on; NULL: not pending */
	struct timer_queue *last;  /* [Q] the queue it was last on: where its function may run */
	u64 deadline_ns;	   /* [Q] */
	u64 seq;		   /* [Q] order among equal deadlines */
	timer_fn fn;		   /* [I] */
};

void timer_setup(struct timer *timer, timer_fn fn);

/*
 * mod_timer - let @timer fire at @deadline_ns, on the calling vCPU.
 *
 * Pending already: it is moved. A deadline in the past fires as soon as interrupts are on.
 * Callers of one timer serialise among themselves. Context: any, also from its own function.
 * Returns:  true when it was pending
 */
bool mod_timer(struct timer *timer, u64 deadline_ns);

/* Take it off. True when it was pending. Its function may still be running. Context: any. */
bool del_timer(struct timer *timer);

/*
 * As del_timer, and its function is not running on return. Context: not from the function itself,
 * no lock held that the function takes. Nobody re-arms it meanwhile.
 */
bool del_timer_sync(struct timer *timer);

/* A hint unless the caller excludes mod_timer and knows that it cannot fire. */
static inline bool timer_pending(const struct timer *timer)
{
	return READ_ONCE(timer->queue) != NULL;
}

/*
 * timers_run - fire what is due on this vCPU and arm its next deadline.
 *
 * Context: interrupt, called by the implementation of sched_ops once the moment given to its
 * arm_timer has come.
 */
void timers_run(void);

#endif
