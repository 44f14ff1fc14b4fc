/*
 * locks.c - what a lock costs that nobody else wants, and the atomics it is made of.
 *
 * One unit is a lock and its unlock, or one atomic operation. All checks and points are off: the
 * figure is that of measured code. Waiting is not measured here: under these clocks it means
 * nothing.
 */
#include "kernel/core/atomic.h"
#include "kernel/core/refcount.h"
#include "kernel/core/spinlock.h"
#include "kernel/sched/mutex.h"
#include "kernel/sched/percpu_rwsem.h"
#include "kernel/sched/rcu.h"
#include "kernel/sched/rwsem.h"
#include "tests/bench.h"
#include "tests/bench/repeat.h"

#define ROUNDS 50
#define OPS    (ROUNDS * REPEAT_UNROLL)

BENCH(loop_empty, "turn", BENCH_ONCE)
{
	bench_start(b);
	REPEAT(ROUNDS, barrier());
	bench_stop(b, OPS);
}

BENCH(lock_spin, "pair", BENCH_ONCE)
{
	static DEFINE_SPINLOCK(lock, LC_TEST_SPIN_A);

	bench_start(b);
	REPEAT(ROUNDS, spin_lock(&lock); spin_unlock(&lock));
	bench_stop(b, OPS);
}

BENCH(lock_spin_irqsave, "pair", BENCH_ONCE)
{
	static DEFINE_SPINLOCK(lock, LC_TEST_SPIN_A);
	unsigned long flags;

	bench_start(b);
	REPEAT(ROUNDS, spin_lock_irqsave(&lock, flags); spin_unlock_irqrestore(&lock, flags));
	bench_stop(b, OPS);
}

/* True when the lock was got, which it always is here: it is dropped at once. */
static void try_once(spinlock_t *lock) NO_LOCK_ANALYSIS
{
	if (spin_trylock(lock))
		spin_unlock(lock);
}

BENCH(lock_spin_try, "pair", BENCH_ONCE)
{
	static DEFINE_SPINLOCK(lock, LC_TEST_SPIN_A);

	bench_start(b);
	REPEAT(ROUNDS, try_once(&lock));
	bench_stop(b, OPS);
}

BENCH(lock_mutex, "pair", BENCH_ONCE)
{
	static DEFINE_MUTEX(mutex, LC_TEST_SLEEP_A);

	bench_start(b);
	REPEAT(ROUNDS, mutex_lock(&mutex); mutex_unlock(&mutex));
	bench_stop(b, OPS);
}

BENCH(lock_rwsem_read, "pair", BENCH_ONCE)
{
	static DEFINE_RWSEM(sem, LC_TEST_SLEEP_A);

	bench_start(b);
	REPEAT(ROUNDS, down_read(&sem); up_read(&sem));
	bench_stop(b, OPS);
}

BENCH(lock_rwsem_write, "pair", BENCH_ONCE)
{
	static DEFINE_RWSEM(sem, LC_TEST_SLEEP_A);

	bench_start(b);
	REPEAT(ROUNDS, down_write(&sem); up_write(&sem));
	bench_stop(b, OPS);
}

BENCH(lock_percpu_read, "pair", BENCH_ONCE)
{
	static DEFINE_PERCPU_RWSEM(sem, LC_TEST_SLEEP_A);

	bench_start(b);
	REPEAT(ROUNDS, percpu_down_read(&sem); percpu_up_read(&sem));
	bench_stop(b, OPS);
}

BENCH(lock_rcu_read, "pair", BENCH_ONCE)
{
	bench_start(b);
	REPEAT(ROUNDS, rcu_read_lock(); rcu_read_unlock());
	bench_stop(b, OPS);
}

BENCH(lock_irq_off, "pair", BENCH_ONCE)
{
	bench_start(b);
	REPEAT(ROUNDS, local_irq_disable(); local_irq_enable());
	bench_stop(b, OPS);
}

BENCH(lock_preempt_off, "pair", BENCH_ONCE)
{
	bench_start(b);
	REPEAT(ROUNDS, preempt_disable(); preempt_enable());
	bench_stop(b, OPS);
}

/* ---- atomics ---- */

BENCH(atomic_inc, "op", BENCH_ONCE)
{
	static atomic_t v;

	bench_start(b);
	REPEAT(ROUNDS, atomic_inc(&v));
	bench_stop(b, OPS);
}

BENCH(atomic_cmpxchg, "op", BENCH_ONCE)
{
	static atomic_t v;

	bench_start(b);
	REPEAT(ROUNDS, atomic_cmpxchg(&v, 0, 0));
	bench_stop(b, OPS);
}

/* Put never reaches zero: the get before it holds a second reference. */
static void get_put(refcount_t *ref)
{
	refcount_inc(ref);
	refcount_dec(ref);
}

BENCH(refcount, "pair", BENCH_ONCE)
{
	static refcount_t ref = REFCOUNT_INIT(1);

	bench_start(b);
	REPEAT(ROUNDS, get_put(&ref));
	bench_stop(b, OPS);
}
