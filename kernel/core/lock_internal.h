/*
 * lock_internal.h - what the files about locks say to each other.
 */
#ifndef KERNEL_CORE_LOCK_INTERNAL_H
#define KERNEL_CORE_LOCK_INTERNAL_H

#include "kernel/core/bug.h"
#include "kernel/core/lock_order.h"
#include "kernel/core/panic.h"
#include "kernel/core/preempt.h"
#include "kernel/core/spinlock.h"
#include "kernel/core/thread_base.h"

/* Records and owners carry the number of the epoch they were made in; it never is 0. */
extern u32 lock_record_epoch;

static inline u32 lock_epoch(void)
{
	return lock_record_epoch;
}

/* What interrupt handlers hold, and boot code before there is a thread. */
DECLARE_PER_CPU(struct held_locks, irq_held);

/*
 * How spinlocks of a class were seen to be taken in this epoch; both together are a deadlock to
 * come.
 */
#define USED_IN_IRQ  1
#define USED_IRQS_ON 2
extern u8 lock_class_usage[LC_NR];

/* How a lock that is taken here is used; 0: in no way that can deadlock. */
static __always_inline u8 lock_use_here(void)
{
	return in_irq() ? USED_IN_IRQ : irqs_disabled() ? 0 : USED_IRQS_ON;
}

/* The epoch last: an interrupt before it finds an old record, and empties it as well. */
static __always_inline struct held_locks *held_locks_fresh(struct held_locks *held)
{
	u32 epoch = lock_record_epoch;

	if (held->epoch != epoch) {
		held->mask = 0;
		held->nr = 0;
		barrier();
		held->epoch = epoch;
	}
	return held;
}

static __always_inline struct held_locks *held_locks_here(void)
{
	struct thread_base *thread = current_base();

	if (in_irq() || !thread)
		return held_locks_fresh(this_cpu_ptr(irq_held));
	return held_locks_fresh(&thread->held);
}

/* The lowest class that must not be held when @class is taken; 64: none. */
static __always_inline unsigned lock_lowest_bad(enum lock_class class, unsigned flags)
{
	return class + !!(flags & LO_NESTED);
}

/*
 * Is the full check due before a spinlock is taken: a class above it is held, or it was never yet
 * used in this way? A lock that is held already shows when it cannot be taken.
 */
static __always_inline bool lock_order_suspect(const struct held_locks *held,
					       enum lock_class class, unsigned flags)
{
	u8 use = lock_use_here();

	return held->mask >> lock_lowest_bad(class, flags) ||
	       (lock_class_usage[class] & use) != use;
}

/* Are records kept now, for checks or for statistics? */
bool lock_recording(void);

const struct held_lock *held_lock_find(const struct held_locks *held, const void *lock);
void held_locks_hand_over(const void *lock, struct thread_base *from, struct thread_base *to);

/* Statistics, while they are on. */
u64 lock_stat_count(enum lock_class class);
void lock_stat_held(const struct held_lock *gone);

/* The time for the record; 0 without statistics. */
static inline u64 lock_stat_acquired(enum lock_class class)
{
	return static_branch_unlikely(&lockstat_key) ? lock_stat_count(class) : 0;
}

/* The hold time ends. */
static inline void lock_stat_released(const struct held_lock *gone)
{
	if (static_branch_unlikely(&lockstat_key) && gone->since)
		lock_stat_held(gone);
}

/* The lock was taken, and nobody can be switched to in between. */
static __always_inline void lock_record(struct held_locks *held, enum lock_class class,
					const void *lock, enum lock_kind kind, unsigned flags,
					void *ip)
{
	if (unlikely(held->nr == LOCKS_HELD_MAX))
		BUGF("more than %d locks held", LOCKS_HELD_MAX);
	held->lock[held->nr++] = (struct held_lock){
		.lock = lock,
		.ip = ip,
		.since = lock_stat_acquired(class),
		.class = class,
		.kind = kind,
		.flags = flags,
	};
	held->mask |= 1UL << class;
}

/* Takes the newest record out if it is of @lock: most locks go in the opposite order. */
static __always_inline bool lock_forget_newest(struct held_locks *held, const void *lock)
{
	unsigned nr = held->nr - 1;
	u64 mask = 0;

	if (held->nr == 0 || held->lock[nr].lock != lock)
		return false;
	lock_stat_released(&held->lock[nr]);
	held->nr = nr;
	while (nr-- > 0)
		mask |= 1UL << held->lock[nr].class;
	held->mask = mask;
	return true;
}

/* Reports; each is a fatal bug of the calling thread (bug.h). */
void lock_report_order(enum lock_class class, const void *lock, const struct held_lock *held,
		       void *ip) __noreturn;
void lock_report_twice(const struct held_lock *held, void *ip) __noreturn;
void lock_report_irq(enum lock_class class, const void *lock, void *ip) __noreturn;
void lock_report_sleep(void *ip) __noreturn;
void lock_report_spin(enum bug_kind kind, const spinlock_t *lock, const char *what,
		      void *ip) __noreturn;

#endif
