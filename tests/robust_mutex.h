/*
 * robust_mutex.h - a robust lock in user memory, as a C library makes one of a futex.
 *
 * Owns: the lock, the list of those a thread holds, the order of their stores.
 * Not here: what the kernel does when a thread ends (kernel/proc/robust_list.c).
 * Idea: a lock's word says who has it. Before a lock is taken or given back the thread notes it as
 *       pending, so at no moment is a lock held that neither list nor note names.
 *
 *	head (one per thread):	[list][offset][pending]
 *	lock:			[next][word][unused]	16 bytes
 *
 * Context of all calls: a task's thread, as part of its program: a bad access ends it.
 */
#ifndef TESTS_ROBUST_MUTEX_H
#define TESTS_ROBUST_MUTEX_H

#include "kernel/proc/futex.h"

#define RMUTEX_BYTES 16u
#define RMUTEX_WORD  8u /* offset of the word in the lock */
#define RMUTEX_HEAD_BYTES sizeof(struct robust_list_head)

/* The calling thread's list of locks begins at @head and is empty; the kernel is told. */
void rmutex_thread_init(unsigned long head);

/*
 * rmutex_lock - take the lock at @lock; the thread's list begins at @head.
 *
 * Returns: 0, or -EOWNERDEAD: its last owner ended with it, and it is the caller's now
 */
int __must_check rmutex_lock(unsigned long head, unsigned long lock);

/* Give it back. Any of those the thread has. */
void rmutex_unlock(unsigned long head, unsigned long lock);

/* The parts of the two: listing alone, as the note is. */
void rmutex_set_pending(unsigned long head, unsigned long lock);
void rmutex_list_add(unsigned long head, unsigned long lock);

/* The calling thread's own name in a word. */
u32 rmutex_tid(void);

#endif
