/*
 * rwsem.h - rw_semaphore: a sleeping lock for many readers or one writer.
 *
 * Idea: one word counts readers and holds "a writer owns it" and "somebody waits". Uncontended,
 *       each operation is one atomic operation on that word; for readers one that cannot fail, so
 *       readers alone never wait for each other.
 * Order: first come, first served by direct hand-over. Once anyone waits, newcomers queue behind:
 *       so a waiting writer keeps later readers out (writer preference over readers that come
 *       after it; no starvation of either), and neither trylock succeeds. When the lock falls free,
 *       or becomes readable by downgrade, its head gets it: a writer alone, or every reader up to
 *       the next waiting writer. Unlike Linux there is no stealing and no optimistic spinning, so
 *       who gets the lock depends on the order of arrival only.
 * Note:  a reader may not take it a second time: with a writer waiting in between it would wait
 *       for itself.
 */
#ifndef KERNEL_SCHED_RWSEM_H
#define KERNEL_SCHED_RWSEM_H

#include "kernel/base/annotations.h"
#include "kernel/base/compiler.h"
#include "kernel/base/list.h"
#include "kernel/core/atomic.h"
#include "kernel/core/spinlock.h"

struct thread;

#define RWSEM_WRITER  1L   /* a writer owns it */
#define RWSEM_WAITERS 2L   /* wait_list is not empty; changes under wait_lock only */
#define RWSEM_READER  256L /* one reader */

/* Field key: [I] set at creation  [A] atomic  [L] wait_lock  [O] owning writer, read by anyone */
struct CAPABILITY("rw_semaphore") rw_semaphore {
	atomic_long_t count;	    /* [A] readers * RWSEM_READER | RWSEM_WRITER | RWSEM_WAITERS */
	struct thread *writer;	    /* [O] for people and asserts; NULL: none */
	u8 class;		    /* [I] enum lock_class, a sleeping one */
	spinlock_t wait_lock;	    /*     LC_WAIT */
	struct list_head wait_list; /* [L] first come, first served */
};

#define RWSEM_INIT(name, cls)                                                                      \
	{                                                                                          \
		.class = (cls),                                                                    \
		.wait_lock = __SPIN_LOCK_UNLOCKED(LC_WAIT),                                        \
		.wait_list = {&(name).wait_list, &(name).wait_list},                               \
	}
#define DEFINE_RWSEM(name, cls) struct rw_semaphore name = RWSEM_INIT(name, cls)

void init_rwsem(struct rw_semaphore *sem, enum lock_class class);

/* Context of all that is not a trylock: may sleep. _killable: 0 with the lock, -EINTR without. */
void down_read(struct rw_semaphore *sem) ACQUIRES_SHARED(sem);
int __must_check down_read_killable(struct rw_semaphore *sem) TRY_ACQUIRES_SHARED(0, sem);
bool __must_check down_read_trylock(struct rw_semaphore *sem) TRY_ACQUIRES_SHARED(true, sem);
void up_read(struct rw_semaphore *sem) RELEASES_SHARED(sem);

void down_write(struct rw_semaphore *sem) ACQUIRES(sem);
int __must_check down_write_killable(struct rw_semaphore *sem) TRY_ACQUIRES(0, sem);
bool __must_check down_write_trylock(struct rw_semaphore *sem) TRY_ACQUIRES(true, sem);
void up_write(struct rw_semaphore *sem) RELEASES(sem);

/*
 * down_write_nested - take @sem for write, ordered as class @class instead of its own.
 *
 * For the one case where two locks of a class are held together on purpose: the second one is
 * ordered as another class (a child's mmap_lock under its parent's: LC_MMAP_CHILD).
 */
void down_write_nested(struct rw_semaphore *sem, enum lock_class class) ACQUIRES(sem);
void down_read_nested(struct rw_semaphore *sem, enum lock_class class) ACQUIRES_SHARED(sem);

/* Write becomes read with no moment in which nobody holds it; readers at the head enter. */
void downgrade_write(struct rw_semaphore *sem);

/* Does anyone wait for it? A hint. */
bool rwsem_is_contended(struct rw_semaphore *sem);

/* Is it held, in whatever mode? In write mode? A hint unless the caller holds it. */
bool rwsem_is_locked(struct rw_semaphore *sem);
bool rwsem_is_write_locked(struct rw_semaphore *sem);

/* Asserts that the caller may rely on the lock: held at all; held for write by the caller. */
void rwsem_assert_held(struct rw_semaphore *sem);
void rwsem_assert_held_write(struct rw_semaphore *sem) ASSERTS_HELD(sem);

#endif
