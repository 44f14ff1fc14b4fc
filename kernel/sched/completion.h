/*
 * completion.h - "it has happened": complete() lets waiters through, now or later.
 *
 * Owns: a count of events not yet consumed and the threads that wait for one. Idea: a completion
 * on a stack is safe: complete() touches it last when it drops the lock that every waiter takes
 * on its way out.
 */
#ifndef KERNEL_SCHED_COMPLETION_H
#define KERNEL_SCHED_COMPLETION_H

#include "kernel/sched/wait.h"

/* Field key: [W] wait.lock */
struct completion {
	u32 done; /* [W] events not consumed; COMPLETION_ALL after complete_all */
	struct wait_queue_head wait;
};

#define COMPLETION_ALL (~0u)

void init_completion(struct completion *x);

/* One waiter passes. Context: any. */
void complete(struct completion *x);

/* Everyone passes from now on. Context: any. */
void complete_all(struct completion *x);

/* Context: may sleep. */
void wait_for_completion(struct completion *x);

/* 0, or -EINTR when a fatal signal came first (the event is then not consumed). */
int __must_check wait_for_completion_killable(struct completion *x);

/* Consume an event if there is one, without waiting. Context: any. */
bool __must_check try_wait_for_completion(struct completion *x);

bool completion_done(struct completion *x);

#endif
