/*
 * thread_state.h - the values of thread_base.state.
 *
 * Only TS_RUNNING is a licence to run. A thread sets its own state; everyone else only ever turns
 * a waiting state into TS_RUNNING, through sched_ops->wake.
 */
#ifndef KERNEL_SCHED_THREAD_STATE_H
#define KERNEL_SCHED_THREAD_STATE_H

enum thread_state {
	TS_RUNNING,  /* running, or on its way to run */
	TS_BLOCKED,  /* waits; only its event wakes it */
	TS_KILLABLE, /* waits; thread_kill() wakes it as well */
	TS_NEW,	     /* initialised, not started */
	TS_DEAD,     /* will not run again */
};

#endif
