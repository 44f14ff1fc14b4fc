/*
 * spinlock.h - locks that wait by spinning.
 *
 * Owns: spinlock_t. Not here: the order rule and who holds what (lock_order.h); sleeping locks
 *       (kernel/sched).
 * Idea: the fast path is a bit-test-and-set and a store, around one nop. When points, checks,
 *       statistics or events are on the nop is a jump to a function that does all of it.
 * Invariant: while a spinlock is held preemption is off on its holder's vCPU.
 *
 * A lock taken in an interrupt handler must be taken with interrupts off everywhere (the _irqsave
 * forms); the checks report a class that breaks this.
 */
#ifndef KERNEL_CORE_SPINLOCK_H
#define KERNEL_CORE_SPINLOCK_H

#include "kernel/base/annotations.h"
#include "kernel/core/lock_order.h"
#include "kernel/core/preempt.h"

/*
 * Zero bytes are not a lock: the class says how it may nest. 16 bytes, so that struct page can hold
 * one.
 */
typedef struct CAPABILITY("spinlock") spinlock {
	u32 locked;
	u8 class;
	u8 waited; /* somebody began to wait: a hint for who holds it */
	u16 epoch; /* of owner and ip; older ones are void */
	u32 owner; /* id of the thread that holds it, while checks are on */
	u32 ip;	   /* low half of the address where it was taken */
} spinlock_t;

#define __SPIN_LOCK_UNLOCKED(lc)	   { .class = (lc) }
#define DEFINE_SPINLOCK(name, lc) spinlock_t name = __SPIN_LOCK_UNLOCKED(lc)

static inline void spin_lock_init(spinlock_t *lock, enum lock_class class)
{
	*lock = (spinlock_t)__SPIN_LOCK_UNLOCKED(class);
}

/* @how = LO_TRY, LO_NESTED or 0; 1 when the lock was taken. Called through cold_entry.S only. */
u64 spin_lock_slow(spinlock_t *lock, unsigned how, u64 unused, void *ip);
u64 spin_unlock_slow(spinlock_t *lock, u64 unused1, u64 unused2, void *ip);

static __always_inline bool spin_lock_call(spinlock_t *lock, unsigned how)
{
	u64 taken;

	__asm__ volatile("call spin_lock_entry"
			 : "=a"(taken)
			 : "D"(lock), "S"(how)
			 : "memory", "cc");
	return taken != 0;
}

/* One attempt; no point, no check. True = it was already held. */
static __always_inline bool spin_test_and_set(spinlock_t *lock)
{
	bool was_set;

	__asm__ volatile("lock btsl $0, %0" : "+m"(lock->locked), "=@ccc"(was_set)::"memory");
	return was_set;
}

static __always_inline void spin_lock_flags(spinlock_t *lock, unsigned how)
{
	preempt_disable();
	if (static_branch_unlikely(&lock_slow_key))
		spin_lock_call(lock, how);
	else if (unlikely(spin_test_and_set(lock)))
		spin_lock_call(lock, how);
}

static __always_inline void spin_lock(spinlock_t *lock) ACQUIRES(lock) NO_LOCK_ANALYSIS
{
	spin_lock_flags(lock, 0);
}

/* A second lock of the class of one already held; the caller knows an order among them. */
static __always_inline void spin_lock_nested(spinlock_t *lock) ACQUIRES(lock) NO_LOCK_ANALYSIS
{
	spin_lock_flags(lock, LO_NESTED);
}

static __always_inline bool __must_check spin_trylock(spinlock_t *lock)
	TRY_ACQUIRES(true, lock) NO_LOCK_ANALYSIS
{
	bool taken;

	preempt_disable();
	if (static_branch_unlikely(&lock_slow_key))
		taken = spin_lock_call(lock, LO_TRY);
	else
		taken = !spin_test_and_set(lock);
	if (!taken)
		preempt_enable();
	return taken;
}

/* The lock alone; preemption stays off. */
static __always_inline void spin_release(spinlock_t *lock)
{
	if (static_branch_unlikely(&lock_slow_key)) {
		u64 unused;

		__asm__ volatile("call spin_unlock_entry"
				 : "=a"(unused)
				 : "D"(lock)
				 : "memory", "cc");
	} else {
		barrier();
		*(volatile u32 *)&lock->locked = 0;
	}
}

static __always_inline void spin_unlock(spinlock_t *lock) RELEASES(lock) NO_LOCK_ANALYSIS
{
	spin_release(lock);
	preempt_enable();
}

static __always_inline void spin_lock_irq(spinlock_t *lock) ACQUIRES(lock) NO_LOCK_ANALYSIS
{
	local_irq_disable();
	spin_lock(lock);
}

static __always_inline void spin_unlock_irq(spinlock_t *lock) RELEASES(lock) NO_LOCK_ANALYSIS
{
	spin_release(lock);
	/* Interrupts first: preemption is then possible in preempt_enable(), not only later. */
	local_irq_enable();
	preempt_enable();
}

#define spin_lock_irqsave(lock, flags)                                                             \
	do {                                                                                       \
		(flags) = 0;                                                                       \
		spin_lock_irq(lock);                                                               \
	} while (0)
#define spin_unlock_irqrestore(lock, flags)                                                        \
	do {                                                                                       \
		(void)(flags);                                                                     \
		spin_unlock_irq(lock);                                                             \
	} while (0)

/*
 * spin_lock_handover - @lock, held by @from, is from now on held by @to.
 *
 * For a context switch under a run queue's lock. Same vCPU, so the preemption depth stays. No
 * effect unless something is recorded.
 */
void spin_lock_handover_slow(spinlock_t *lock, struct thread_base *from, struct thread_base *to);

static __always_inline void spin_lock_handover(spinlock_t *lock, struct thread_base *from,
					       struct thread_base *to)
{
	if (static_branch_unlikely(&lock_slow_key))
		spin_lock_handover_slow(lock, from, to);
}

/* Is it held by anybody, at this moment? No point: for asserts and waiting conditions. */
static inline bool spin_is_locked(const spinlock_t *lock)
{
	return *(const volatile u32 *)&lock->locked != 0;
}

/* Does anybody wait for @lock, which the caller holds? A hint. */
static inline bool spin_needbreak(const spinlock_t *lock)
{
	return *(const volatile u8 *)&lock->waited;
}

/* Makes an oops able to release spinlocks; once, at boot. */
void spinlock_init(void);

/* Reports unless this thread holds @lock; while checks are off, unless somebody does. */
void spin_assert_failed(const spinlock_t *lock);

static __always_inline void assert_spin_locked(const spinlock_t *lock)
	ASSERTS_HELD(lock) NO_LOCK_ANALYSIS
{
	if (static_branch_unlikely(&checks_key)) {
		if (!spin_is_locked(lock) || !lock_held(lock))
			spin_assert_failed(lock);
	}
}

#endif
