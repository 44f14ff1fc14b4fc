/*
 * rcu.h (host) - callbacks wait until the test says that a grace period has passed.
 */
#ifndef TESTS_HOST_MM_INCLUDE_KERNEL_SCHED_RCU_H
#define TESTS_HOST_MM_INCLUDE_KERNEL_SCHED_RCU_H

#include "kernel/base/compiler.h"

struct rcu_head {
	struct rcu_head *next;
	void (*fn)(struct rcu_head *head);
};

#define rcu_read_lock()	  barrier()
#define rcu_read_unlock() barrier()

void call_rcu(struct rcu_head *head, void (*fn)(struct rcu_head *head));
/* Every callback queued so far runs. */
void rcu_barrier(void);

#endif
