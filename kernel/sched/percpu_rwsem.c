/*
 * percpu_rwsem.c - readers that meet nobody, and the writer that finds them all.
 *
 * Why one grace period is enough: a reader looks for the word of a writer and counts itself in one
 * read section. If it saw no word, the grace period that the writer waits for does not end before
 * the section does, so the writer sees the count. If it saw the word it queues at rw_sem.
 * Why a sum of zero is the truth: once the grace period is over counts only fall, so a sum that is
 * read one by one is never below the number of readers at its end.
 */
#include "kernel/sched/percpu_rwsem.h"

#include "kernel/core/lock_order.h"
#include "kernel/core/once.h"
#include "kernel/core/preempt.h"
#include "kernel/sched/lock_internal.h"
#include "kernel/sched/rcu.h"

void percpu_init_rwsem(struct percpu_rw_semaphore *sem, enum lock_class class)
{
	*sem = (struct percpu_rw_semaphore)PERCPU_RWSEM_INIT(*sem, class);
}

/* Only the vCPU itself writes its count, and cannot be preempted while it does. */
static __always_inline void count_reader(struct percpu_rw_semaphore *sem, long n)
{
	long *nr;

	preempt_disable();
	nr = &sem->readers[smp_processor_id()].nr;
	WRITE_ONCE(*nr, READ_ONCE_NOPOINT(*nr) + n);
	preempt_enable();
}

static __always_inline bool counted_unseen(struct percpu_rw_semaphore *sem, long n)
{
	bool unseen;

	rcu_read_lock();
	unseen = !smp_load_acquire(&sem->writer);
	if (unseen)
		count_reader(sem, n);
	rcu_read_unlock();
	return unseen;
}

NO_LOCK_ANALYSIS void percpu_down_read(struct percpu_rw_semaphore *sem)
{
	void *ip = __builtin_return_address(0);

	might_sleep();
	if (static_branch_unlikely(&lock_slow_key))
		lock_order_check(sem->rw_sem.class, sem, LK_PERCPU_READ, 0, ip);
	if (unlikely(!counted_unseen(sem, 1))) {
		down_read(&sem->rw_sem);
		count_reader(sem, 1);
		up_read(&sem->rw_sem);
	}
	if (static_branch_unlikely(&lock_slow_key))
		lock_order_acquired(sem->rw_sem.class, sem, LK_PERCPU_READ, 0, ip);
}

NO_LOCK_ANALYSIS void percpu_up_read(struct percpu_rw_semaphore *sem)
{
	lock_order_release(sem, __builtin_return_address(0));
	percpu_rwsem_force_up_read(sem);
}

void percpu_rwsem_force_up_read(void *lock)
{
	struct percpu_rw_semaphore *sem = lock;

	if (likely(counted_unseen(sem, -1)))
		return;
	count_reader(sem, -1);
	smp_mb(); /* the count before the test of who waits for it */
	wake_up(&sem->all_left);
}

static bool nobody_reads(struct percpu_rw_semaphore *sem)
{
	long sum = 0;

	for (unsigned i = 0; i < nr_vcpus; i++)
		sum += READ_ONCE(sem->readers[i].nr);
	return sum == 0;
}

NO_LOCK_ANALYSIS void percpu_down_write(struct percpu_rw_semaphore *sem)
{
	down_write(&sem->rw_sem);
	WRITE_ONCE(sem->writer, 1);
	synchronize_rcu();
	if (!nobody_reads(sem)) {
		u64 start = lock_stat_now();

		wait_event(&sem->all_left, nobody_reads(sem));
		lock_stat_waited(sem->rw_sem.class, lock_stat_now() - start);
	}
	smp_mb(); /* what the readers did is seen by what follows */
}

NO_LOCK_ANALYSIS void percpu_up_write(struct percpu_rw_semaphore *sem)
{
	smp_store_release(&sem->writer, 0);
	up_write(&sem->rw_sem);
}
