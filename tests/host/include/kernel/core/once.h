/*
 * once.h (host) - single accesses to shared words, as compiler atomics.
 *
 * Shadows kernel/core/once.h: the same names, no schedule points. The thread sanitizer sees
 * every one of them as atomic. In plain builds an access without order is a volatile one, as in
 * the kernel.
 */
#ifndef KERNEL_CORE_ONCE_H
#define KERNEL_CORE_ONCE_H

#include "kernel/base/compiler.h"

#define READ_ONCE_NOPOINT(x)	 __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE_NOPOINT(x, v) __atomic_store_n(&(x), (v), __ATOMIC_RELAXED)
#define READ_ONCE(x)		 READ_ONCE_NOPOINT(x)
#define WRITE_ONCE(x, v)	 WRITE_ONCE_NOPOINT(x, v)

#define smp_load_acquire(p)	__atomic_load_n((p), __ATOMIC_ACQUIRE)
#define smp_store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define smp_mb()		__atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_rmb()		__atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_wmb()		__atomic_thread_fence(__ATOMIC_RELEASE)

/* Acquire, not consume: compilers make it acquire anyhow and the sanitizer understands it. */
#define rcu_dereference(p)	 smp_load_acquire(&(p))
#define rcu_assign_pointer(p, v) smp_store_release(&(p), (v))

#endif
