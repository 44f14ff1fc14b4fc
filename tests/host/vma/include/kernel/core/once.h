/*
 * once.h (host) - plain accesses: one thread.
 */
#ifndef TESTS_HOST_VMA_INCLUDE_KERNEL_CORE_ONCE_H
#define TESTS_HOST_VMA_INCLUDE_KERNEL_CORE_ONCE_H

#include "tests/host/mm/include/kernel/core/once.h"

#define rcu_dereference(p)	   READ_ONCE(p)
#define rcu_dereference_nopoint(p) READ_ONCE(p)
#define smp_mb()		   barrier()
#define smp_rmb()		   barrier()
#define smp_wmb()		   barrier()

#endif
