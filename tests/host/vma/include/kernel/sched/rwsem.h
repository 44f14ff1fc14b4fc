/*
 * rwsem.h (host) - a semaphore of one thread: it only knows whether it is held.
 */
#ifndef TESTS_HOST_VMA_INCLUDE_KERNEL_SCHED_RWSEM_H
#define TESTS_HOST_VMA_INCLUDE_KERNEL_SCHED_RWSEM_H

#include "kernel/base/annotations.h"
#include "kernel/core/spinlock.h"

struct CAPABILITY("rw_semaphore") rw_semaphore {
	int held; /* readers, or -1 */
};

static inline void init_rwsem(struct rw_semaphore *sem, enum lock_class class)
{
	sem->held = 0;
}

static inline void down_read(struct rw_semaphore *sem)
{
	ASSERT(sem->held >= 0);
	sem->held++;
}

static inline void up_read(struct rw_semaphore *sem)
{
	ASSERT(sem->held > 0);
	sem->held--;
}

static inline void down_write(struct rw_semaphore *sem)
{
	ASSERT_EQ(sem->held, 0);
	sem->held = -1;
}

static inline void up_write(struct rw_semaphore *sem)
{
	ASSERT_EQ(sem->held, -1);
	sem->held = 0;
}

static inline void downgrade_write(struct rw_semaphore *sem)
{
	up_write(sem);
	down_read(sem);
}

static inline bool down_read_trylock(struct rw_semaphore *sem)
{
	down_read(sem);
	return true;
}

static inline bool down_write_trylock(struct rw_semaphore *sem)
{
	down_write(sem);
	return true;
}

static inline int down_read_killable(struct rw_semaphore *sem)
{
	down_read(sem);
	return 0;
}

static inline int down_write_killable(struct rw_semaphore *sem)
{
	down_write(sem);
	return 0;
}

#define rwsem_assert_held(sem)	     ASSERT((sem)->held)
#define rwsem_assert_held_write(sem) ASSERT_EQ((sem)->held, -1)

#endif
