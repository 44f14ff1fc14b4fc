/*
 * vma_lock.h - the lock of one VMA, so that faults in different VMAs meet nowhere.
 *
 * Owns: read lock, write lock, attached or detached.
 * Idea: a writer holds mmap_lock for write; it locks a VMA by noting mm->mm_lock_seq in it, once no
 *       reader is left, and unlocks all of them at once by moving mm_lock_seq on. A reader never
 *       waits: if it cannot have the lock it falls back to mmap_lock.
 *
 *	vm_refcnt        meaning
 *	0                detached: not in the tree, or about to leave it; no reader can begin
 *	1                attached, no reader
 *	1 + n            attached, n readers
 *	+ VMA_LOCK_OFFSET  a writer waits for the readers; none may begin
 *
 * Invariant: vm_lock_seq changes only while no reader is inside. A VMA found under RCU stays in
 *            memory until the read section ends.
 */
#ifndef MM_VMA_LOCK_H
#define MM_VMA_LOCK_H

#include "mm/mmap_lock.h"
#include "mm/vma.h"

#define VMA_LOCK_OFFSET 0x40000000

/*
 * lock_vma_under_rcu - the VMA that holds @addr, read-locked.
 *
 * Context:  any lock but mmap_lock may be held; does not sleep
 * Returns:  it, for vma_end_read(); NULL: none there or a writer is near: take mmap_lock and look
 */
struct vm_area_struct *lock_vma_under_rcu(struct mm_struct *mm, unsigned long addr);

void vma_end_read(struct vm_area_struct *vma);

/*
 * vma_start_write - keep readers out of @vma until mmap_write_unlock() or vma_end_write_all().
 *
 * Locks:    mmap_lock held for write. May be called again.
 * Context:  may sleep until readers have left. _killable: -EINTR if a fatal signal came first
 */
void vma_start_write(struct vm_area_struct *vma);
int __must_check vma_start_write_killable(struct vm_area_struct *vma);

/* Both for @vma that nobody else has seen yet: it is about to be in the tree, write-locked. */
static inline void vma_attach_new(struct vm_area_struct *vma)
{
	rwsem_assert_held_write(&vma->vm_mm->mmap_lock);
	vma->vm_lock_seq = vma->vm_mm->mm_lock_seq;
	atomic_set(&vma->vm_refcnt, 1);
}

/* @vma is about to be in the tree: readers may come. It is write-locked. */
void vma_mark_attached(struct vm_area_struct *vma);
/* No reader from now on, none left on return. @vma is write-locked. */
void vma_mark_detached(struct vm_area_struct *vma);

static inline bool vma_is_attached(const struct vm_area_struct *vma)
{
	return atomic_read_nopoint(&vma->vm_refcnt) != 0;
}

static inline bool vma_is_write_locked(const struct vm_area_struct *vma)
{
	return READ_ONCE_NOPOINT(vma->vm_lock_seq) ==
	       READ_ONCE_NOPOINT(vma->vm_mm->mm_lock_seq);
}

void vma_assert_write_locked(const struct vm_area_struct *vma);

/* Tells lock_order.h how a VMA that an oopsing thread reads is let go. Once per world. */
void vma_lock_init(void);

#endif
