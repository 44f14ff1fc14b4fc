/*
 * preempt.h (host) - nothing preempts; the depth is counted so that a test sees it balanced.
 */
#ifndef TESTS_HOST_MM_INCLUDE_KERNEL_CORE_PREEMPT_H
#define TESTS_HOST_MM_INCLUDE_KERNEL_CORE_PREEMPT_H

#include "kernel/core/static_key.h"

extern unsigned host_preempt_depth;

static inline void preempt_disable(void)
{
	host_preempt_depth++;
}

static inline void preempt_enable(void)
{
	host_preempt_depth--;
}

static inline bool preemptible(void)
{
	return host_preempt_depth == 0;
}

#endif
