/*
 * mutex.h - a sleeping lock with one owner.
 *
 * Idea: one word holds the owner's address and a "waiters" bit; taking and dropping it uncontended
 * is one atomic operation. With waiters, unlock hands the mutex to the one that waited longest, so
 * nobody starves and a run's order depends on the order of arrival only.
 */
#ifndef KERNEL_SCHED_MUTEX_H
#define KERNEL_SCHED_MUTEX_H

#include "kernel/base/annotations.h"
#include "kernel/base/compiler.h"
#include "kernel/base/list.h"
#include "kernel/core/atomic.h"
#include "kernel/core/spinlock.h"

#define MUTEX_WAITERS 1L /* owner word: wait_list is not empty */

/* Field key: [I] set at creation  [A] atomic  [L] wait_lock */
struct CAPABILITY("mutex") mutex {
	atomic_long_t owner;	    /* [A] struct thread * | MUTEX_WAITERS */
	u8 class;		    /* [I] enum lock_class, a sleeping one */
	spinlock_t wait_lock;	    /*     LC_WAIT */
	struct list_head wait_list; /* [L] first come, first served */
};

#define MUTEX_INIT(name, cls)                                                                      \
	{                                                                                          \
		.class = (cls),                                                                    \
		.wait_lock = __SPIN_LOCK_UNLOCKED(LC_WAIT),                                        \
		.wait_list = {&(name).wait_list, &(name).wait_list},                               \
	}
#define DEFINE_MUTEX(name, cls) struct mutex name = MUTEX_INIT(name, cls)

void mutex_init(struct mutex *m, enum lock_class class);

/* Context: may sleep. */
void mutex_lock(struct mutex *m) ACQUIRES(m);

/* 0 with the mutex held, -EINTR without it when a fatal signal is pending. Context: may sleep. */
int __must_check mutex_lock_killable(struct mutex *m) TRY_ACQUIRES(0, m);

/* True with the mutex held. Exempt from the lock order. Context: thread. */
bool __must_check mutex_trylock(struct mutex *m) TRY_ACQUIRES(true, m);

/* By the owner. Context: thread. */
void mutex_unlock(struct mutex *m) RELEASES(m);

bool mutex_is_locked(struct mutex *m);

/* Does the calling thread own it? */
bool mutex_is_mine(struct mutex *m);

#endif
