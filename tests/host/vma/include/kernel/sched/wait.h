/*
 * wait.h (host) - nobody waits.
 */
#ifndef TESTS_HOST_VMA_INCLUDE_KERNEL_SCHED_WAIT_H
#define TESTS_HOST_VMA_INCLUDE_KERNEL_SCHED_WAIT_H

struct wait_queue_head {
	int nobody;
};

#endif
