/*
 * mutex.c - mutexes, and the wait for a grant that they share with rwsems.
 *
 * Invariant: MUTEX_WAITERS is set exactly while wait_list is not empty, and changes only under
 *       wait_lock. While it is set the owner cannot leave by the fast path and nobody can enter by
 *       it, so the word belongs to the holder of wait_lock.
 */
#include "kernel/sched/mutex.h"
#include "kernel/base/err.h"
#include "kernel/core/bug.h"
#include "kernel/sched/lock_internal.h"
#include "kernel/sched/thread.h"
#include "kernel/x86/cpu.h"

void mutex_init(struct mutex *m, enum lock_class class)
{
	*m = (struct mutex)MUTEX_INIT(*m, class);
}

/* ---- waiting for a grant ------------------------------------------------------------------- */

int lock_wait_granted(spinlock_t *wait_lock, struct lock_waiter *w, u32 state)
{
	while (!w->granted) {
		if (signal_pending_state(state, current))
			return -EINTR;
		set_current_state(state);
		spin_unlock_irq(wait_lock);
		thread_block();
		spin_lock_irq(wait_lock);
	}
	return 0;
}

void lock_grant(struct lock_waiter *w)
{
	w->granted = true;
	thread_wake(w->thread);
}

/* ---- mutex --------------------------------------------------------------------------------- */

/* Take it if it is free, else mark that somebody waits. wait_lock held. True when taken. */
static bool mutex_claim_or_mark(struct mutex *m)
{
	long owner = atomic_long_read(&m->owner);
	long fresh;

	do {
		if (owner & MUTEX_WAITERS)
			return false;
		fresh = owner ? owner | MUTEX_WAITERS : (long)current;
	} while (!atomic_long_try_cmpxchg(&m->owner, &owner, fresh));
	return owner == 0;
}

/* A killed waiter leaves. wait_lock held. */
static void mutex_waiter_leave(struct mutex *m, struct lock_waiter *w)
{
	list_del(&w->node);
	if (list_empty(&m->wait_list))
		atomic_long_fetch_and(~MUTEX_WAITERS, &m->owner);
}

static noinline int mutex_lock_slow(struct mutex *m, u32 state)
{
	struct lock_waiter w = {.thread = current};
	int err = 0;

	spin_lock_irq(&m->wait_lock);
	if (!mutex_claim_or_mark(m)) {
		list_add_tail(&w.node, &m->wait_list);
		err = lock_wait_granted(&m->wait_lock, &w, state);
		if (err)
			mutex_waiter_leave(m, &w);
	}
	spin_unlock_irq(&m->wait_lock);
	return err;
}

static noinline void mutex_unlock_slow(struct mutex *m)
{
	struct lock_waiter *w;
	long owner;

	ASSERT(mutex_is_mine(m));
	spin_lock_irq(&m->wait_lock);
	w = list_first_entry_or_null(&m->wait_list, struct lock_waiter, node);
	if (!w) {
		atomic_long_set(&m->owner, 0);
	} else {
		list_del(&w->node);
		owner = (long)w->thread;
		if (!list_empty(&m->wait_list))
			owner |= MUTEX_WAITERS;
		atomic_long_set(&m->owner, owner);
		lock_grant(w);
	}
	spin_unlock_irq(&m->wait_lock);
}

static __always_inline int mutex_take(struct mutex *m, u32 state)
{
	if (likely(atomic_long_cmpxchg(&m->owner, 0, (long)current) == 0))
		return 0;
	return mutex_lock_slow(m, state);
}

static __always_inline void mutex_drop(struct mutex *m)
{
	long me = (long)current;

	if (unlikely(atomic_long_cmpxchg(&m->owner, me, 0) != me))
		mutex_unlock_slow(m);
}

/* The same with order checks and statistics. */
static noinline int mutex_take_checked(struct mutex *m, u32 state, void *ip)
{
	u64 start;
	int err;

	lock_order_check(m->class, m, LK_MUTEX, 0, ip);
	if (atomic_long_cmpxchg(&m->owner, 0, (long)current) != 0) {
		start = lock_stat_now();
		err = mutex_lock_slow(m, state);
		lock_stat_waited(m->class, lock_stat_now() - start);
		if (err)
			return err;
	}
	lock_order_acquired(m->class, m, LK_MUTEX, 0, ip);
	return 0;
}

NO_LOCK_ANALYSIS void mutex_lock(struct mutex *m)
{
	if (static_branch_unlikely(&lock_slow_key))
		(void)mutex_take_checked(m, TS_BLOCKED, __builtin_return_address(0));
	else
		(void)mutex_take(m, TS_BLOCKED);
}

NO_LOCK_ANALYSIS int mutex_lock_killable(struct mutex *m)
{
	if (static_branch_unlikely(&lock_slow_key))
		return mutex_take_checked(m, TS_KILLABLE, __builtin_return_address(0));
	return mutex_take(m, TS_KILLABLE);
}

NO_LOCK_ANALYSIS bool mutex_trylock(struct mutex *m)
{
	if (atomic_long_cmpxchg(&m->owner, 0, (long)current) != 0)
		return false;
	if (static_branch_unlikely(&lock_slow_key))
		lock_order_acquired(m->class, m, LK_MUTEX, LO_TRY, __builtin_return_address(0));
	return true;
}

static noinline void mutex_drop_checked(struct mutex *m, void *ip)
{
	lock_order_released(m, ip);
	mutex_drop(m);
}

NO_LOCK_ANALYSIS void mutex_unlock(struct mutex *m)
{
	if (static_branch_unlikely(&lock_slow_key))
		mutex_drop_checked(m, __builtin_return_address(0));
	else
		mutex_drop(m);
}

bool mutex_is_locked(struct mutex *m)
{
	return atomic_long_read(&m->owner) != 0;
}

bool mutex_is_mine(struct mutex *m)
{
	return (atomic_long_read(&m->owner) & ~MUTEX_WAITERS) == (long)current;
}

void mutex_force_unlock(void *m)
{
	mutex_drop(m);
}

void lock_release_fns_init(void)
{
	lock_release_fn_set(LK_MUTEX, mutex_force_unlock);
	lock_release_fn_set(LK_READ, rwsem_force_up_read);
	lock_release_fn_set(LK_PERCPU_READ, percpu_rwsem_force_up_read);
	lock_release_fn_set(LK_WRITE, rwsem_force_up_write);
}
