/*
 * dup_mmap.h - copying an address space, lock to lock.
 */
#ifndef MM_DUP_MMAP_H
#define MM_DUP_MMAP_H

#include "kernel/sched/percpu_rwsem.h"
#include "mm/mm.h"

/*
 * Held for reading around dup_mmap(), and, where the semantics says so (sem_scope), until what a
 * failed copy left is gone. For writing: no copy is in flight. Context: may sleep
 */
extern struct percpu_rw_semaphore dup_mmap_sem;

/*
 * dup_mmap - make the new, empty @mm a copy of @oldmm, under the rules of @mm->sem.
 *
 * Locks:    none held; takes both mmap_locks for write
 * Returns:  0; -ENOMEM or -EINTR: @mm is as those rules leave it, and mmput() is due
 */
int __must_check dup_mmap(struct mm_struct *mm, struct mm_struct *oldmm);

/*
 * Called while faults are armed, before the loop looks at the parent's VMA number @index (from 0).
 * Host side: for who addresses a failure by VMA.
 */
extern void (*dup_vma_hook)(unsigned long index);

/* Where SIGKILL ends a copy, enum sem_kill_test; 0: as the semantics says. */
extern unsigned long fork_kill_test;

#endif
