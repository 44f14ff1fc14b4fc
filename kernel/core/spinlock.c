/*
 * spinlock.c - the slow halves: contention, and everything that can be switched on.
 *
 * Order of one acquisition: the schedule point, the checks (so that a deadlock is told, not met),
 * the attempt, waiting between attempts, the record. Of one release: the checks, the record, the
 * point, the store, after which the lock is not touched again: its memory may be gone.
 */
#include "kernel/core/spinlock.h"

#include "kernel/core/events.h"
#include "kernel/core/lock_internal.h"
#include "kernel/core/log.h"
#include "kernel/core/thread_base.h"
#include "kernel/x86/cpu.h"

/* Whoever runs here: the thread, also while an interrupt handler runs on top of it; or the vCPU. */
static u32 owner_here(void)
{
	struct thread_base *thread = current_base();

	return thread && thread->id ? thread->id : 0x80000000u | smp_processor_id();
}

/* Are owner and ip of @lock from this epoch? */
static bool owner_known(const spinlock_t *lock)
{
	return lock->epoch == (u16)lock_epoch();
}

static void lock_point(enum point_kind kind, const spinlock_t *lock, void *ip)
{
	if (static_branch_unlikely(&points_key) && !point_passed_lock())
		point_slow(POINT_HOW(kind, sizeof(lock->locked), MO_ACQUIRE), lock, 0, ip);
}

static void wait_and_take(spinlock_t *lock)
{
	u64 start = lock_stat_now();

	do {
		*(volatile u8 *)&lock->waited = 1;
		spin_wait_until(lock, !spin_is_locked(lock));
	} while (spin_test_and_set(lock));
	/* The others fail to take it and say again that they wait. */
	*(volatile u8 *)&lock->waited = 0;
	lock_stat_waited(lock->class, lock_stat_now() - start);
}

static void note_owner(spinlock_t *lock, void *ip)
{
	lock->owner = owner_here();
	lock->ip = (u32)(u64)ip;
	lock->epoch = lock_epoch();
}

u64 spin_lock_slow(spinlock_t *lock, unsigned how, u64 unused, void *ip)
{
	bool checking = static_key_enabled(&checks_key);
	struct held_locks *held = held_locks_here();

	lock_point(how & LO_TRY ? PT_TRYLOCK : PT_LOCK, lock, ip);
	if (checking && lock_order_suspect(held, lock->class, how))
		lock_order_check(lock->class, lock, LK_SPIN, how, ip);
	if (unlikely(spin_test_and_set(lock))) {
		if (how & LO_TRY)
			return 0;
		lock_order_check(lock->class, lock, LK_SPIN, how, ip);
		if (checking && owner_known(lock) && lock->owner == owner_here())
			lock_report_spin(BUG_LOCK_DOUBLE, lock, "double lock", ip);
		wait_and_take(lock);
	}
	event_count(EV_LOCK, 1);
	if (lock_recording())
		lock_record(held_locks_fresh(held), lock->class, lock, LK_SPIN, how, ip);
	if (checking)
		note_owner(lock, ip);
	return 1;
}

u64 spin_unlock_slow(spinlock_t *lock, u64 unused1, u64 unused2, void *ip)
{
	if (static_key_enabled(&checks_key)) {
		if (!spin_is_locked(lock))
			lock_report_spin(BUG_LOCK_DOUBLE, lock, "double unlock", ip);
		if (owner_known(lock) && lock->owner != owner_here())
			lock_report_spin(BUG_LOCK_OWNER, lock, "unlock by another thread", ip);
		lock->epoch = 0;
	}
	if (lock_recording() && !lock_forget_newest(held_locks_here(), lock))
		lock_order_released(lock, ip);
	if (static_branch_unlikely(&points_key) && !point_passed_lock() &&
	    point_slow(POINT_HOW(PT_UNLOCK, sizeof(lock->locked), MO_RELEASE), lock, 0, ip))
		return 0;
	barrier();
	*(volatile u32 *)&lock->locked = 0;
	return 0;
}

void spin_lock_handover_slow(spinlock_t *lock, struct thread_base *from, struct thread_base *to)
{
	if (!lock_recording())
		return;
	held_locks_hand_over(lock, from, to);
	if (owner_known(lock))
		lock->owner = to->id ? to->id : 0x80000000u | smp_processor_id();
}

void spin_assert_failed(const spinlock_t *lock)
{
	lock_report_spin(BUG_LOCK_OWNER, lock, "lock not held", __builtin_return_address(0));
}

/* A lock of a thread that ended in the middle of its section. */
static void spin_force_release(void *lock)
{
	spinlock_t *l = lock;

	lock_order_released(l, NULL);
	l->epoch = 0;
	__atomic_store_n(&l->locked, 0, __ATOMIC_RELEASE);
}

void spinlock_init(void)
{
	lock_release_fn_set(LK_SPIN, spin_force_release);
}
