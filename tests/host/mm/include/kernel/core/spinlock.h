/*
 * spinlock.h (host) - one thread plays all CPUs, so a lock is a flag whose misuse aborts.
 */
#ifndef TESTS_HOST_MM_INCLUDE_KERNEL_CORE_SPINLOCK_H
#define TESTS_HOST_MM_INCLUDE_KERNEL_CORE_SPINLOCK_H

#include "kernel/base/annotations.h"
#include "kernel/core/bug.h"
#include "kernel/core/lock_class.h"
#include "kernel/core/static_key.h"

typedef struct CAPABILITY("spinlock") spinlock {
	u32 locked;
	u8 class;
	u64 unused;
} spinlock_t;

DECLARE_STATIC_KEY(checks_key);
DECLARE_STATIC_KEY(lock_slow_key);

static inline void spin_lock_init(spinlock_t *lock, enum lock_class class)
{
	*lock = (spinlock_t){.class = class};
}

static inline void spin_lock(spinlock_t *lock) ACQUIRES(lock) NO_LOCK_ANALYSIS
{
	ASSERT(!lock->locked);
	lock->locked = 1;
}

static inline void spin_lock_nested(spinlock_t *lock) ACQUIRES(lock) NO_LOCK_ANALYSIS
{
	spin_lock(lock);
}

static inline void spin_unlock(spinlock_t *lock) RELEASES(lock) NO_LOCK_ANALYSIS
{
	ASSERT(lock->locked);
	lock->locked = 0;
}

#define assert_spin_locked(lock) ASSERT((lock)->locked)

#endif
