/*
 * lock_internal.h - what the files about locks say to each other.
 */
#ifndef KERNEL_CORE_LOCK_INTERNAL_H
#define KERNEL_CORE_LOCK_INTERNAL_H

#include "kernel/core/bug.h"
#include "kernel/core/lock_order.h"
#include "kernel/core/panic.h"
#include "kernel/core/spinlock.h"

/* Records and owners carry the number of the epoch they were made in; it never is 0. */
extern u32 lock_record_epoch;

static inline u32 lock_epoch(void)
{
	return lock_record_epoch;
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

/* Reports; each is a fatal bug of the calling thread (bug.h). */
void lock_report_order(enum lock_class class, const void *lock, const struct held_lock *held,
		       void *ip) __noreturn;
void lock_report_twice(const struct held_lock *held, void *ip) __noreturn;
void lock_report_irq(enum lock_class class, const void *lock, void *ip) __noreturn;
void lock_report_sleep(void *ip) __noreturn;
void lock_report_spin(enum bug_kind kind, const spinlock_t *lock, const char *what,
		      void *ip) __noreturn;

#endif
