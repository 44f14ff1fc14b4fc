/*
 * vma_lock.c - readers and the writer of one VMA.
 *
 * Owns: vm_refcnt and vm_lock_seq. Not here: their meaning (vma_lock.h).
 * Idea: a reader looks at the sequence before and after it counts itself. If a writer came between,
 *       it takes itself back and wakes the writer, who waits until only the tree's count is left.
 */
#include "mm/vma_lock.h"

#include "kernel/core/bug.h"
#include "kernel/core/lock_order.h"
#include "kernel/sched/rcu.h"
#include "kernel/sched/thread.h"

/* The count above which a reader is inside or a writer waits. */
#define ATTACHED 1

/* ---- readers ---- */

/* One reader less; a writer or a detacher that waits for the last one is told. */
static __always_inline void vma_refcount_put(struct vm_area_struct *vma)
{
	struct mm_struct *mm = vma->vm_mm;
	int left = atomic_sub_return(1, &vma->vm_refcnt);

	/* @vma may be gone from here on; @mm is held by whoever reads it. */
	if (unlikely(left == 0 || (left & VMA_LOCK_OFFSET)))
		wake_up(&mm->vma_writer_wait);
}

enum read_result { READ_LOCKED, READ_BUSY, READ_DETACHED };

static enum read_result vma_start_read(struct mm_struct *mm, struct vm_area_struct *vma)
{
	int count;

	if (READ_ONCE(vma->vm_lock_seq) == READ_ONCE(mm->mm_lock_seq))
		return READ_BUSY;
	count = atomic_read(&vma->vm_refcnt);
	do {
		if (unlikely(count == 0))
			return READ_DETACHED;
		if (unlikely(count & VMA_LOCK_OFFSET))
			return READ_BUSY;
	} while (unlikely(!atomic_try_cmpxchg(&vma->vm_refcnt, &count, count + 1)));

	/* Whoever locked it before we were counted did not wait for us. */
	if (unlikely(READ_ONCE(vma->vm_lock_seq) == smp_load_acquire(&mm->mm_lock_seq))) {
		vma_refcount_put(vma);
		return READ_BUSY;
	}
	if (static_branch_unlikely(&lock_slow_key))
		lock_order_acquired(LC_VMA, vma, LK_VMA, LO_TRY, __builtin_return_address(0));
	return READ_LOCKED;
}

struct vm_area_struct *lock_vma_under_rcu(struct mm_struct *mm, unsigned long addr)
{
	enum read_result result = READ_BUSY;
	struct vm_area_struct *vma;

	rcu_read_lock();
	do {
		vma = mtree_load(&mm->mm_mt, addr);
		if (!vma)
			break;
		result = vma_start_read(mm, vma);
		/* Detached: the tree has changed since the walk; look again. */
	} while (unlikely(result == READ_DETACHED));
	rcu_read_unlock();
	if (result != READ_LOCKED)
		return NULL;

	/* It may have been cut between the walk and the lock. */
	if (unlikely(addr < vma->vm_start || addr >= vma->vm_end)) {
		vma_end_read(vma);
		return NULL;
	}
	return vma;
}

void vma_end_read(struct vm_area_struct *vma)
{
	lock_order_release(vma, __builtin_return_address(0));
	vma_refcount_put(vma);
}

/* ---- the writer ---- */

/* Wait until no reader of @vma is left: VMA_LOCK_OFFSET is counted, so none can begin. */
static int wait_for_readers(struct vm_area_struct *vma, bool killable)
{
	struct mm_struct *mm = vma->vm_mm;
	int last = VMA_LOCK_OFFSET + ATTACHED;

	if (killable)
		return wait_event_killable(&mm->vma_writer_wait,
					   atomic_read(&vma->vm_refcnt) == last);
	wait_event(&mm->vma_writer_wait, atomic_read(&vma->vm_refcnt) == last);
	return 0;
}

static int start_write(struct vm_area_struct *vma, bool killable)
{
	struct mm_struct *mm = vma->vm_mm;
	int err = 0;

	mmap_assert_write_locked(mm);
	if (vma->vm_lock_seq == mm->mm_lock_seq)
		return 0;
	lock_order_check(LC_VMA, vma, LK_VMA, LO_NESTED, __builtin_return_address(0));
	if (!vma_is_attached(vma)) {
		WRITE_ONCE(vma->vm_lock_seq, mm->mm_lock_seq);
		return 0;
	}
	/* Order: readers that were not counted by now see the sequence. */
	if (atomic_add_return(VMA_LOCK_OFFSET, &vma->vm_refcnt) != VMA_LOCK_OFFSET + ATTACHED)
		err = wait_for_readers(vma, killable);
	if (!err)
		WRITE_ONCE(vma->vm_lock_seq, mm->mm_lock_seq);
	atomic_sub(VMA_LOCK_OFFSET, &vma->vm_refcnt);
	return err;
}

void vma_start_write(struct vm_area_struct *vma)
{
	(void)start_write(vma, false);
}

int vma_start_write_killable(struct vm_area_struct *vma)
{
	return start_write(vma, true);
}

void vma_assert_write_locked(const struct vm_area_struct *vma)
{
	mmap_assert_write_locked(vma->vm_mm);
	ASSERT_EQ(vma->vm_lock_seq, vma->vm_mm->mm_lock_seq);
}

/* ---- in the tree, or not ---- */

void vma_mark_attached(struct vm_area_struct *vma)
{
	vma_assert_write_locked(vma);
	ASSERT_EQ(atomic_read_nopoint(&vma->vm_refcnt), 0);
	atomic_set(&vma->vm_refcnt, ATTACHED);
}

void vma_mark_detached(struct vm_area_struct *vma)
{
	struct mm_struct *mm = vma->vm_mm;

	vma_assert_write_locked(vma);
	/* A reader that has not yet seen the sequence may be counted for a moment. */
	if (likely(atomic_dec_and_test(&vma->vm_refcnt)))
		return;
	wait_event(&mm->vma_writer_wait, atomic_read(&vma->vm_refcnt) == 0);
}

/* ---- a reader that ended in an oops ---- */

static void force_end_read(void *vma)
{
	vma_refcount_put(vma);
}

void vma_lock_init(void)
{
	lock_release_fn_set(LK_VMA, force_end_read);
}
