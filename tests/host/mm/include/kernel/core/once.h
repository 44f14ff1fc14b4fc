/*
 * once.h (host) - one thread: an access is a volatile one, an order a compiler barrier.
 */
#ifndef TESTS_HOST_MM_INCLUDE_KERNEL_CORE_ONCE_H
#define TESTS_HOST_MM_INCLUDE_KERNEL_CORE_ONCE_H

#include "kernel/core/point.h"

#define READ_ONCE_NOPOINT(x)	 (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE_NOPOINT(x, v) ((void)(*(volatile __typeof__(x) *)&(x) = (v)))
#define READ_ONCE(x)		 READ_ONCE_NOPOINT(x)
#define WRITE_ONCE(x, v)	 WRITE_ONCE_NOPOINT(x, v)
#define smp_load_acquire(p)	 READ_ONCE(*(p))
#define smp_store_release(p, v)	 WRITE_ONCE(*(p), v)
#define rcu_assign_pointer(p, v) WRITE_ONCE(p, v)

#endif
