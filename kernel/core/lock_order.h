/*
 * lock_order.h - which locks the running thread holds, and whether it may take another.
 *
 * Owns: the record of held locks, the order rule, the report that names both acquisition sites,
 *       statistics per class.
 * Not here: the locks themselves. Spinlocks call in by themselves; sleeping locks (kernel/sched)
 *       call
 *           lock_order_acquire()/lock_order_release() around theirs.
 * Idea: one mask of held classes per thread; in interrupts, and before threads exist, per vCPU.
 *       Taking class C is legal when (mask >> C) == 0.
 * Invariant: records are kept only while checks are on. Each switch of the checks starts a new
 *       epoch; records of an
 *            older epoch are void, so that a lock taken before the switch is never reported after
 *            it.
 */
#ifndef KERNEL_CORE_LOCK_ORDER_H
#define KERNEL_CORE_LOCK_ORDER_H

#include "kernel/core/lock_class.h"
#include "kernel/core/static_key.h"

#define LOCKS_HELD_MAX 24

enum lock_kind { LK_SPIN, LK_MUTEX, LK_READ, LK_WRITE, LK_VMA, LK_FOLIO, LK_PERCPU_READ, LK_NR };

/* Flags of an acquisition. */
#define LO_TRY	  1 /* did not wait: exempt from the order */
#define LO_NESTED 2 /* a second lock of this class on purpose */

struct held_lock {
	const void *lock;
	void *ip;  /* where it was taken */
	u64 since; /* TSC when taken, while statistics are on */
	u8 class;
	u8 kind;
	u8 flags;
};

struct held_locks {
	u64 mask; /* classes held */
	u32 nr;
	u32 epoch; /* records are void unless this is the current one */
	struct held_lock lock[LOCKS_HELD_MAX];
};

/*
 * On while locks record and check (`set checks on`), and while they count waiting and holding (`set
 * lockstat on`).
 */
DECLARE_STATIC_KEY(checks_key);
DECLARE_STATIC_KEY(lockstat_key);
/*
 * On when any of points, checks, lockstat, events is: the one nop in spin_lock() and spin_unlock().
 */
DECLARE_STATIC_KEY(lock_slow_key);

void checks_set(bool on);
void lockstat_set(bool on);

/*
 * Which classes were taken in interrupts, and which with interrupts on, begins anew: for who runs
 * one history after another.
 */
void lock_usage_forget(void);
/* Recomputes lock_slow_key; called by whoever switches one of the four. */
void lock_slow_update(void);

/*
 * lock_order_acquire - the running thread is about to take @lock.
 *
 * @ip:      where, for reports
 * Context:  any for LK_SPIN; thread context for the others. Before the wait, so that a deadlock is
 *           reported, not met
 * Reports:  class order, a lock already held by this thread, a sleeping lock in atomic context, a
 *           class taken both in interrupts and with interrupts on. No effect while checks are off.
 */
void lock_order_check(enum lock_class class, const void *lock, enum lock_kind kind, unsigned flags,
		      void *ip);

/* The lock was taken: records it. No effect while neither checks nor statistics are on. */
void lock_order_acquired(enum lock_class class, const void *lock, enum lock_kind kind,
			 unsigned flags, void *ip);

/* Both in one, for a sleeping lock's fast path. */
static __always_inline void lock_order_acquire(enum lock_class class, const void *lock,
					       enum lock_kind kind, unsigned flags, void *ip)
{
	if (static_branch_unlikely(&lock_slow_key)) {
		lock_order_check(class, lock, kind, flags, ip);
		lock_order_acquired(class, lock, kind, flags, ip);
	}
}

/* The lock is about to be released by its holder; forgets it. */
void lock_order_released(const void *lock, void *ip);

static __always_inline void lock_order_release(const void *lock, void *ip)
{
	if (static_branch_unlikely(&lock_slow_key))
		lock_order_released(lock, ip);
}

/* A sleeping lock changed from write to read without being released. */
void lock_order_downgraded(const void *lock);

/* Does the running thread hold @lock? True as well while checks are off, when nobody knows. */
bool lock_held(const void *lock);

/* Reports if the running thread may not sleep now. Called first by everything that blocks. */
void might_sleep_at(void *ip);
void might_sleep_here(void);

static __always_inline void might_sleep(void)
{
	if (static_branch_unlikely(&checks_key))
		might_sleep_here();
}

/*
 * Prints the locks held by @held, one line each, oldest first; the number of them. @held may be
 * another thread's.
 */
unsigned held_locks_print(const struct held_locks *held);

/* The records that apply to the running context. */
struct held_locks *held_locks_current(void);

/*
 * held_locks_force_release - release all but the oldest @keep locks of the running thread.
 *
 * For a thread that ended in an oops. Spinlocks are released here, sleeping ones by the function
 * their owner set.
 * Returns: how many; 0 while checks are off, since nothing was recorded.
 */
unsigned held_locks_force_release(unsigned keep);
void lock_release_fn_set(enum lock_kind kind, void (*release)(void *lock));

/*
 * Statistics of one class since lockstat was last cleared, of one actor or of all. Times in TSC
 * ticks, or in what lock_stat_clock counts.
 */
struct lock_stat {
	u64 acquired, contended;
	u64 wait, wait_max;
	u64 hold, hold_max;
};

/* Threads whose statistics are kept apart, by name; 0 is all the others. */
#define LOCK_ACTORS 8u

/*
 * lock_stat_actor - the number of the actor called @name, a new one if there is none; 0: no room.
 *
 * It goes into thread_base.lock_actor before the thread starts. Names last until lock_stat_clear().
 */
unsigned lock_stat_actor(const char *name);
/* NULL: there is no actor @actor. 0: "others". */
const char *lock_stat_actor_name(unsigned actor);

/* Of all actors together, or of one. */
void lock_stat_read(enum lock_class class, struct lock_stat *out);
void lock_stat_read_actor(unsigned actor, enum lock_class class, struct lock_stat *out);
void lock_stat_clear(void);

/* The time now; set by who runs threads in a time of their own. NULL: the TSC. */
extern u64 (*lock_stat_clock)(void);
u64 lock_stat_now(void);
/* Adds one wait of @ticks to @class: for locks that wait by themselves. */
void lock_stat_waited(enum lock_class class, u64 ticks);

enum lock_told { LOCK_WAITED, LOCK_HELD };
/*
 * Who is told, while statistics are on, of each wait and each hold when it ends after @ticks; @lock
 * is NULL for a wait. Called by who waited or held, at any level. NULL: nobody.
 */
extern void (*lock_stat_tell)(enum lock_told what, enum lock_class class, const void *lock,
			      u64 ticks);

#endif
