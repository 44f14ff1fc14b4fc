/*
 * spinlock.h (host) - a spinlock that spins on one word, or nothing at all.
 *
 * HOST_NO_LOCKS turns every operation into a compiler barrier, for benches that measure what is
 * inside the lock. Lock classes exist so that declarations compile; order is not checked here.
 */
#ifndef KERNEL_CORE_SPINLOCK_H
#define KERNEL_CORE_SPINLOCK_H

#include <sched.h>
#include "kernel/core/bug.h"
#include "kernel/core/once.h"

#ifndef LC_MT
#define LC_MT 0
#endif

typedef struct spinlock {
	unsigned int locked;
} spinlock_t;

#define __SPIN_LOCK_UNLOCKED(class) {0}
#define DEFINE_SPINLOCK(name, class) spinlock_t name = __SPIN_LOCK_UNLOCKED(class)

static inline void spin_lock_init_(spinlock_t *l)
{
	l->locked = 0;
}
#define spin_lock_init(l, class) spin_lock_init_(l)

#ifdef HOST_NO_LOCKS
static inline bool spin_trylock(spinlock_t *l)
{
	(void)l;
	barrier();
	return true;
}

static inline void spin_lock(spinlock_t *l)
{
	(void)l;
	barrier();
}

static inline void spin_unlock(spinlock_t *l)
{
	(void)l;
	barrier();
}
#define assert_spin_locked(l) ((void)(l))
#else
static inline bool spin_trylock(spinlock_t *l)
{
	return !__atomic_exchange_n(&l->locked, 1, __ATOMIC_ACQUIRE);
}

static inline void spin_lock(spinlock_t *l)
{
	while (!spin_trylock(l))
		sched_yield();
}

static inline void spin_unlock(spinlock_t *l)
{
	ASSERT(READ_ONCE_NOPOINT(l->locked));
	smp_store_release(&l->locked, 0);
}
#define assert_spin_locked(l) ASSERT(READ_ONCE_NOPOINT((l)->locked))
#endif

#define spin_lock_nested(l) spin_lock(l)

#endif
