/*
 * once.h - as the host's, but every load and store of a shared word calls a hook first.
 *
 * The hooks are where the test lets a writer run in the middle of a reader, or a reader in the
 * middle of a writer (test_points.c).
 */
#ifndef TESTS_HOST_MAPLE_POINTS_KERNEL_CORE_ONCE_H
#define TESTS_HOST_MAPLE_POINTS_KERNEL_CORE_ONCE_H

#include "kernel/base/compiler.h"

void host_point(void);
void host_store_point(void);

#define READ_ONCE_NOPOINT(x)                                                                       \
	({                                                                                         \
		host_point();                                                                      \
		__atomic_load_n(&(x), __ATOMIC_RELAXED);                                           \
	})
#define WRITE_ONCE_NOPOINT(x, v)                                                                   \
	({                                                                                         \
		host_store_point();                                                                \
		__atomic_store_n(&(x), (v), __ATOMIC_RELAXED);                                     \
	})
#define READ_ONCE(x)		 READ_ONCE_NOPOINT(x)
#define WRITE_ONCE(x, v)	 WRITE_ONCE_NOPOINT(x, v)

#define smp_load_acquire(p)                                                                        \
	({                                                                                         \
		host_point();                                                                      \
		__atomic_load_n((p), __ATOMIC_ACQUIRE);                                            \
	})
#define smp_store_release(p, v)                                                                    \
	({                                                                                         \
		host_store_point();                                                                \
		__atomic_store_n((p), (v), __ATOMIC_RELEASE);                                      \
	})
#define smp_mb()		__atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_rmb()		__atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_wmb()		__atomic_thread_fence(__ATOMIC_RELEASE)

#define rcu_dereference(p)	 smp_load_acquire(&(p))
#define rcu_assign_pointer(p, v) smp_store_release(&(p), (v))

#endif
