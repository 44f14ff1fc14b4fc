/*
 * futex.h - sleeping until a word of user memory changes, and what becomes of words whose owner
 *           dies.
 *
 * Owns: FUTEX_WAIT and FUTEX_WAKE, who waits, robust lists.
 * Not here: locks made of such words: they are programs (tests/robust_mutex.h).
 * Idea: a word is known by what it lies in: a page of a shared mapping by file and offset, any
 *       other by address space and address. A waiter is queued first and reads the word then; a
 *       waker changes the word first and looks for waiters then. So one of the two sees the other.
 *
 *	 buckets[hash(key)]:  lock | waiter -> waiter -> ...	oldest first
 *
 * A word that is a robust lock holds its owner's pid and two bits. A thread names the locks it has
 * in a list of its own in user memory, which is read when the thread ends (robust_list.c).
 */
#ifndef KERNEL_PROC_FUTEX_H
#define KERNEL_PROC_FUTEX_H

#include "kernel/base/list.h"
#include "kernel/base/types.h"

struct file;
struct task_struct;
struct thread;

/* A robust lock's word. 0: free. */
#define FUTEX_WAITERS	 0x80000000u /* somebody sleeps: who unlocks wakes */
#define FUTEX_OWNER_DIED 0x40000000u /* its owner ended with it */
#define FUTEX_TID_MASK	 0x3fffffffu /* pid of the owner */

#define ROBUST_LIST_LIMIT 2048 /* entries looked at; a longer list, or a circle, ends there */

/* What set_robust_list() is told of: three words of user memory. */
struct robust_list_head {
	u64 list;	     /* first entry; each holds the next's address, the last this one's */
	s64 futex_offset;    /* from an entry to its word */
	u64 list_op_pending; /* entry that is being taken or given back, listed or not; 0: none */
};

/*
 * futex_wait - sleep while the word at @uaddr is @val.
 *
 * Context:  a thread that uses an address space; may sleep
 * Returns:  0: woken, perhaps for nothing. -EAGAIN: it is not @val. -EINTR: a fatal signal came.
 *           -EINVAL: @uaddr is not aligned. -EFAULT and others: it cannot be read
 */
int __must_check futex_wait(unsigned long uaddr, u32 val);

/* Wake up to @nr waiters of the word at @uaddr, oldest first: how many, or as futex_wait(). */
int futex_wake(unsigned long uaddr, unsigned nr);

/*
 * set_robust_list - the calling task's list begins at @head, a struct robust_list_head; 0: none.
 *
 * @len:     its size. Returns 0 or -EINVAL
 */
int __must_check set_robust_list(unsigned long head, size_t len);

/* The word at @uaddr becomes 0 when the calling task ends, and one waiter is woken. 0: none. */
void set_tid_address(unsigned long uaddr);

/*
 * futex_exit_release - @tsk, the caller, ends: whoever waits for a lock of its list is told.
 *
 * Before the address space is left: user memory is read and written. A fault that cannot be served
 * ends the list. Context: may sleep, no lock held, no fatal signal pending
 */
void futex_exit_release(struct task_struct *tsk);

/* Waiters queued now. */
long futex_waiters_live(void);

/* A waiter whose lock's owner is gone. */
struct futex_stranded {
	const struct thread *thread;
	unsigned long uaddr;
	u32 owner; /* pid */
};

/*
 * futex_waiters_stranded - how many wait for locks whose owners have left their address spaces.
 *
 * @first:   gets one of them; may be NULL
 * Context:  nobody else runs (the end of a run of the lab, or of a test): no lock is taken. Whoever
 *           still waits then has missed the news that FUTEX_OWNER_DIED should have brought
 */
unsigned futex_waiters_stranded(struct futex_stranded *first);

/* ---- the steps of a wait, for those who take them apart ---- */

struct futex_key {
	const void *object;   /* what the word lies in: an address space or a file's pages */
	unsigned long offset; /* where: address, or byte */
	struct file *file;    /* a reference, in a shared mapping */
};

/* Lives on the waiter's stack. Field key: [I] set at queueing  [B] the bucket's lock  [A] atomic */
struct futex_q {
	struct list_head node; /* [B] empty: woken, or taken out */
	struct futex_key key;  /* [I] */
	struct thread *thread; /* [I] */
	unsigned long uaddr;   /* [I] */
	u32 val;	       /* [I] what the word is while one waits: names the owner of a lock */
	u32 woken;	       /* [A] */
};

/* Begin to wait: whoever wakes from now on wakes @q. 0, or as futex_wait(). */
int __must_check futex_queue(struct futex_q *q, unsigned long uaddr, u32 val);
/* Sleep until woken: 0, or -EINTR. */
int __must_check futex_sleep(struct futex_q *q);
/* End of it, in any case: false if @q was woken. */
bool futex_unqueue(struct futex_q *q);

#endif
