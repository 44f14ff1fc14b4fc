/*
 * lock_internal.h - what mutex.c and rwsem.c share: the waiter and the wait for a grant.
 *
 * Idea: both locks hand over directly. A waiter lies on its own stack, listed under wait_lock; the
 *       releaser takes it off, makes it the holder and says so in `granted`, all under wait_lock.
 *       The waiter sets its state and looks at `granted` under wait_lock as well, so no wake is
 *       lost and the releaser is done with the stack frame before it goes away.
 */
#ifndef KERNEL_SCHED_LOCK_INTERNAL_H
#define KERNEL_SCHED_LOCK_INTERNAL_H

#include "kernel/base/list.h"
#include "kernel/core/spinlock.h"

struct thread;

/* Field key: [I] set at creation  [L] the lock's wait_lock */
struct lock_waiter {
	struct list_head node; /* [L] */
	struct thread *thread; /* [I] */
	bool write;	       /* [I] rwsem: wants it alone */
	bool granted;	       /* [L] it is the holder now */
};

/*
 * Wait until @w is granted. wait_lock is held on entry and on return, dropped in between.
 * Returns 0, or -EINTR with @w still listed (@state killable and a fatal signal is pending).
 */
int lock_wait_granted(spinlock_t *wait_lock, struct lock_waiter *w, u32 state) REQUIRES(wait_lock);

/* Make @w, which the caller has taken off the list, the holder. wait_lock held. */
void lock_grant(struct lock_waiter *w);

/* Tell lock_order.h how a mutex or rwsem that an oopsing thread holds is let go. */
void lock_release_fns_init(void);

/* Let go without the checks, for the above. */
void mutex_force_unlock(void *m);
void rwsem_force_up_read(void *sem);
void rwsem_force_up_write(void *sem);
void percpu_rwsem_force_up_read(void *sem);

#endif
