/*
 * rcu.h (host) - no reader runs beside a writer: callbacks are kept until the test lets them run.
 */
#ifndef TESTS_HOST_VMA_INCLUDE_KERNEL_SCHED_RCU_H
#define TESTS_HOST_VMA_INCLUDE_KERNEL_SCHED_RCU_H

#include "kernel/base/compiler.h"
#include "kernel/core/once.h"

struct rcu_head {
	struct rcu_head *next;
	void (*fn)(struct rcu_head *head);
};

#define rcu_read_lock()	     barrier()
#define rcu_read_unlock()    barrier()
#define rcu_read_lock_held() true

void call_rcu(struct rcu_head *head, void (*fn)(struct rcu_head *head));
/* Every callback queued so far runs. */
void rcu_barrier(void);

#endif
