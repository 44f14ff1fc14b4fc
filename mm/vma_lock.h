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

#include "kernel/core/lock_order.h"
#include "kernel/sched/rcu.h"
#include "mm/mmap_lock.h"
#include "mm/vma.h"

#define VMA_LOCK_OFFSET 0x40000000

enum vma_read { VMA_READ_LOCKED, VMA_READ_BUSY, VMA_READ_DETACHED };

/* The last reader has left @vma, or its detacher waits no more: wake whoever waits. */
void vma_wake_writer(struct mm_struct *mm);

/* One reader less. @vma may be gone afterwards; its mm is held by whoever reads it. */
static __always_inline void vma_refcount_put(struct vm_area_struct *vma)
{
	struct mm_struct *mm = vma->vm_mm;
	int left = atomic_sub_return(1, &vma->vm_refcnt);

	if (unlikely(left == 0 || (left & VMA_LOCK_OFFSET)))
		vma_wake_writer(mm);
}

/* Try to read-lock @vma, which an RCU read section keeps in memory. */
static __always_inline enum vma_read vma_start_read(struct mm_struct *mm,
						    struct vm_area_struct *vma)
{
	int count;

	if (READ_ONCE(vma->vm_lock_seq) == READ_ONCE(mm->mm_lock_seq))
		return VMA_READ_BUSY;
	count = atomic_read(&vma->vm_refcnt);
	do {
		if (unlikely(count == 0))
			return VMA_READ_DETACHED;
		if (unlikely(count & VMA_LOCK_OFFSET))
			return VMA_READ_BUSY;
	} while (unlikely(!atomic_try_cmpxchg(&vma->vm_refcnt, &count, count + 1)));

	/* Whoever locked it before we were counted did not wait for us. */
	if (unlikely(READ_ONCE(vma->vm_lock_seq) == smp_load_acquire(&mm->mm_lock_seq))) {
		vma_refcount_put(vma);
		return VMA_READ_BUSY;
	}
	if (static_branch_unlikely(&lock_slow_key))
		lock_order_acquired(LC_VMA, vma, LK_VMA, LO_TRY, __builtin_return_address(0));
	return VMA_READ_LOCKED;
}

static __always_inline void vma_end_read(struct vm_area_struct *vma)
{
	lock_order_release(vma, __builtin_return_address(0));
	vma_refcount_put(vma);
}

/*
 * lock_vma_under_rcu - the VMA that holds @addr, read-locked.
 *
 * Context:  any lock but mmap_lock may be held; does not sleep
 * Returns:  it, for vma_end_read(); NULL: none there or a writer is near: take mmap_lock and look
 */
static __always_inline struct vm_area_struct *lock_vma_under_rcu(struct mm_struct *mm,
								 unsigned long addr)
{
	enum vma_read result = VMA_READ_BUSY;
	struct vm_area_struct *vma;

	rcu_read_lock();
	do {
		vma = mtree_load_rcu(&mm->mm_mt, addr);
		if (!vma)
			break;
		result = vma_start_read(mm, vma);
		/* Detached: the tree has changed since the walk; look again. */
	} while (unlikely(result == VMA_READ_DETACHED));
	rcu_read_unlock();
	if (result != VMA_READ_LOCKED)
		return NULL;

	/* It may have been cut between the walk and the lock. */
	if (unlikely(addr < vma->vm_start || addr >= vma->vm_end)) {
		vma_end_read(vma);
		return NULL;
	}
	return vma;
}

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
