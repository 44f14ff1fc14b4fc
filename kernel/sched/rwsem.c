/*
 * rwsem.c - readers and writers of one semaphore, in order of arrival.
 *
 * Idea: a reader adds itself, whatever there is: one instruction that cannot fail, so that readers
 *       do not disturb each other. It is in if neither a writer nor a waiter was there; else it
 *       takes itself back under wait_lock. A writer enters by one compare-and-exchange. Leaving
 *       is one subtraction; whoever finds that waiters are left and the lock may go to the first
 *       of them hands it over under wait_lock.
 * Invariant: RWSEM_WAITERS is set exactly while wait_list is not empty, and changes only under
 *       wait_lock. While it is set nobody enters but by a grant. The word may count a reader that
 *       is not in: it keeps writers out until it has taken itself back, and does then what the last
 *       one to leave does.
 */
#include "kernel/sched/rwsem.h"
#include "kernel/base/err.h"
#include "kernel/core/bug.h"
#include "kernel/sched/lock_internal.h"
#include "kernel/sched/thread.h"
#include "kernel/x86/cpu.h"

void init_rwsem(struct rw_semaphore *sem, enum lock_class class)
{
	*sem = (struct rw_semaphore)RWSEM_INIT(*sem, class);
}

/* ---- entering without waiting -------------------------------------------------------------- */

/* False: not in, but counted; rwsem_down_slow() takes it back. */
static __always_inline bool rwsem_enter_read(struct rw_semaphore *sem)
{
	return likely(!(atomic_long_add_return(RWSEM_READER, &sem->count) &
			(RWSEM_WRITER | RWSEM_WAITERS)));
}

static __always_inline bool rwsem_try_read(struct rw_semaphore *sem)
{
	long count = atomic_long_read(&sem->count);

	do {
		if (unlikely(count & (RWSEM_WRITER | RWSEM_WAITERS)))
			return false;
	} while (unlikely(!atomic_long_try_cmpxchg(&sem->count, &count, count + RWSEM_READER)));
	return true;
}

static __always_inline bool rwsem_try_write(struct rw_semaphore *sem)
{
	if (unlikely(atomic_long_cmpxchg(&sem->count, 0, RWSEM_WRITER) != 0))
		return false;
	WRITE_ONCE_NOPOINT(sem->writer, current);
	return true;
}

/* ---- granting: wait_lock held -------------------------------------------------------------- */

/* Take @w off the list; the bit to subtract from the word if it was the last. */
static long rwsem_unlist(struct rw_semaphore *sem, struct lock_waiter *w)
{
	list_del(&w->node);
	return list_empty(&sem->wait_list) ? RWSEM_WAITERS : 0;
}

static void rwsem_grant_write(struct rw_semaphore *sem, struct lock_waiter *w)
{
	atomic_long_add(RWSEM_WRITER - rwsem_unlist(sem, w), &sem->count);
	WRITE_ONCE_NOPOINT(sem->writer, w->thread);
	lock_grant(w);
}

/* Let in the readers at the head of the list. */
static void rwsem_grant_readers(struct rw_semaphore *sem)
{
	struct lock_waiter *w, *next;

	list_for_each_entry_safe(w, next, &sem->wait_list, node) {
		if (w->write)
			break;
		atomic_long_add(RWSEM_READER - rwsem_unlist(sem, w), &sem->count);
		lock_grant(w);
	}
}

/* Give the lock to the head of the list if the holders allow it. wait_list may be empty. */
static void rwsem_grant(struct rw_semaphore *sem)
{
	struct lock_waiter *w;
	long count = atomic_long_read(&sem->count);

	w = list_first_entry_or_null(&sem->wait_list, struct lock_waiter, node);
	if (!w || (count & RWSEM_WRITER))
		return;
	if (!w->write)
		rwsem_grant_readers(sem);
	else if (count < RWSEM_READER)
		rwsem_grant_write(sem, w);
}

static noinline void rwsem_grant_slow(struct rw_semaphore *sem)
{
	spin_lock_irq(&sem->wait_lock);
	rwsem_grant(sem);
	spin_unlock_irq(&sem->wait_lock);
}

/* ---- waiting ------------------------------------------------------------------------------- */

/* Enter if possible, else mark that somebody waits. wait_lock held. True when inside. */
static bool rwsem_claim_or_mark(struct rw_semaphore *sem, bool write)
{
	long forbids = RWSEM_WRITER | RWSEM_WAITERS | (write ? -RWSEM_READER : 0);
	long enter = write ? RWSEM_WRITER : RWSEM_READER;
	long count = atomic_long_read(&sem->count);
	bool inside;

	do {
		if (count & RWSEM_WAITERS)
			return false;
		inside = !(count & forbids);
	} while (!atomic_long_try_cmpxchg(&sem->count, &count,
					  inside ? count + enter : count | RWSEM_WAITERS));
	if (inside && write)
		WRITE_ONCE_NOPOINT(sem->writer, current);
	return inside;
}

/*
 * A reader that counted itself: in after all, or taken back. wait_lock held, which a writer that
 * left meanwhile need not have taken: the load itself comes after what the writer did.
 */
static bool rwsem_stay_or_leave(struct rw_semaphore *sem)
{
	if (!(smp_load_acquire(&sem->count.counter) & (RWSEM_WRITER | RWSEM_WAITERS)))
		return true;
	atomic_long_sub(RWSEM_READER, &sem->count);
	rwsem_grant(sem);
	return false;
}

/* A killed waiter leaves; those it kept out may go. wait_lock held. */
static void rwsem_waiter_leave(struct rw_semaphore *sem, struct lock_waiter *w)
{
	long last = rwsem_unlist(sem, w);

	if (last)
		atomic_long_sub(last, &sem->count);
	else
		rwsem_grant(sem);
}

static noinline int rwsem_down_slow(struct rw_semaphore *sem, bool write, u32 state)
{
	struct lock_waiter w = {.thread = current, .write = write};
	int err = 0;

	spin_lock_irq(&sem->wait_lock);
	if (!(!write && rwsem_stay_or_leave(sem)) && !rwsem_claim_or_mark(sem, write)) {
		list_add_tail(&w.node, &sem->wait_list);
		err = lock_wait_granted(&sem->wait_lock, &w, state);
		if (err)
			rwsem_waiter_leave(sem, &w);
	}
	spin_unlock_irq(&sem->wait_lock);
	return err;
}

/* ---- down: plain, and with order checks and statistics ------------------------------------- */

/* False: rwsem_down_slow() must follow. */
static __always_inline bool rwsem_enter(struct rw_semaphore *sem, bool write)
{
	return write ? rwsem_try_write(sem) : rwsem_enter_read(sem);
}

static noinline int rwsem_down_checked(struct rw_semaphore *sem, bool write, u32 state,
				       unsigned class, void *ip)
{
	enum lock_kind kind = write ? LK_WRITE : LK_READ;
	u64 start;
	int err;

	lock_order_check(class, sem, kind, 0, ip);
	if (!rwsem_enter(sem, write)) {
		start = lock_stat_now();
		err = rwsem_down_slow(sem, write, state);
		lock_stat_waited(class, lock_stat_now() - start);
		if (err)
			return err;
	}
	lock_order_acquired(class, sem, kind, 0, ip);
	return 0;
}

static __always_inline int rwsem_down(struct rw_semaphore *sem, bool write, u32 state,
				      unsigned class)
{
	if (static_branch_unlikely(&lock_slow_key))
		return rwsem_down_checked(sem, write, state, class, __builtin_return_address(0));
	if (likely(rwsem_enter(sem, write)))
		return 0;
	return rwsem_down_slow(sem, write, state);
}

static __always_inline bool rwsem_down_try(struct rw_semaphore *sem, bool write)
{
	if (!(write ? rwsem_try_write(sem) : rwsem_try_read(sem)))
		return false;
	if (static_branch_unlikely(&lock_slow_key))
		lock_order_acquired(sem->class, sem, write ? LK_WRITE : LK_READ, LO_TRY,
				    __builtin_return_address(0));
	return true;
}

NO_LOCK_ANALYSIS void down_read(struct rw_semaphore *sem)
{
	(void)rwsem_down(sem, false, TS_BLOCKED, sem->class);
}

NO_LOCK_ANALYSIS void down_read_nested(struct rw_semaphore *sem, enum lock_class class)
{
	(void)rwsem_down(sem, false, TS_BLOCKED, class);
}

NO_LOCK_ANALYSIS int down_read_killable(struct rw_semaphore *sem)
{
	return rwsem_down(sem, false, TS_KILLABLE, sem->class);
}

NO_LOCK_ANALYSIS bool down_read_trylock(struct rw_semaphore *sem)
{
	return rwsem_down_try(sem, false);
}

NO_LOCK_ANALYSIS void down_write(struct rw_semaphore *sem)
{
	(void)rwsem_down(sem, true, TS_BLOCKED, sem->class);
}

NO_LOCK_ANALYSIS void down_write_nested(struct rw_semaphore *sem, enum lock_class class)
{
	(void)rwsem_down(sem, true, TS_BLOCKED, class);
}

NO_LOCK_ANALYSIS int down_write_killable(struct rw_semaphore *sem)
{
	return rwsem_down(sem, true, TS_KILLABLE, sem->class);
}

NO_LOCK_ANALYSIS bool down_write_trylock(struct rw_semaphore *sem)
{
	return rwsem_down_try(sem, true);
}

/* ---- up ------------------------------------------------------------------------------------ */

static __always_inline void rwsem_leave_read(struct rw_semaphore *sem)
{
	long count = atomic_long_sub_return(RWSEM_READER, &sem->count);

	/* The last reader, and somebody waits. */
	if (unlikely(count == RWSEM_WAITERS))
		rwsem_grant_slow(sem);
}

static __always_inline void rwsem_leave_write(struct rw_semaphore *sem)
{
	WRITE_ONCE_NOPOINT(sem->writer, NULL);
	if (unlikely(atomic_long_sub_return(RWSEM_WRITER, &sem->count) != 0))
		rwsem_grant_slow(sem);
}

static noinline void rwsem_up_checked(struct rw_semaphore *sem, bool write, void *ip)
{
	lock_order_released(sem, ip);
	if (write)
		rwsem_leave_write(sem);
	else
		rwsem_leave_read(sem);
}

NO_LOCK_ANALYSIS void up_read(struct rw_semaphore *sem)
{
	if (static_branch_unlikely(&lock_slow_key))
		rwsem_up_checked(sem, false, __builtin_return_address(0));
	else
		rwsem_leave_read(sem);
}

NO_LOCK_ANALYSIS void up_write(struct rw_semaphore *sem)
{
	if (static_branch_unlikely(&lock_slow_key))
		rwsem_up_checked(sem, true, __builtin_return_address(0));
	else
		rwsem_leave_write(sem);
}

void downgrade_write(struct rw_semaphore *sem)
{
	if (static_branch_unlikely(&lock_slow_key))
		lock_order_downgraded(sem);
	WRITE_ONCE_NOPOINT(sem->writer, NULL);
	if (atomic_long_add_return(RWSEM_READER - RWSEM_WRITER, &sem->count) & RWSEM_WAITERS)
		rwsem_grant_slow(sem);
}

void rwsem_force_up_read(void *sem)
{
	rwsem_leave_read(sem);
}

void rwsem_force_up_write(void *sem)
{
	rwsem_leave_write(sem);
}

/* ---- questions ----------------------------------------------------------------------------- */

bool rwsem_is_contended(struct rw_semaphore *sem)
{
	return atomic_long_read(&sem->count) & RWSEM_WAITERS;
}

bool rwsem_is_locked(struct rw_semaphore *sem)
{
	return atomic_long_read(&sem->count) & ~RWSEM_WAITERS;
}

bool rwsem_is_write_locked(struct rw_semaphore *sem)
{
	return atomic_long_read(&sem->count) & RWSEM_WRITER;
}

void rwsem_assert_held(struct rw_semaphore *sem)
{
	ASSERT(atomic_long_read_nopoint(&sem->count) & ~RWSEM_WAITERS);
}

NO_LOCK_ANALYSIS void rwsem_assert_held_write(struct rw_semaphore *sem)
{
	ASSERT(READ_ONCE_NOPOINT(sem->writer) == current);
}
