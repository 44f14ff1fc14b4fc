/*
 * vma_lock.c - the writer of one VMA.
 *
 * Owns: vm_refcnt and vm_lock_seq. Not here: their meaning, readers (vma_lock.h).
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

void vma_wake_writer(struct mm_struct *mm)
{
	wake_up(&mm->vma_writer_wait);
}

/* ---- the writer ---- */

/* Wait until no reader of @vma is left: VMA_LOCK_OFFSET is counted, so none can begin. */
static noinline int wait_for_readers(struct vm_area_struct *vma, bool killable)
{
	struct mm_struct *mm = vma->vm_mm;
	int last = VMA_LOCK_OFFSET + ATTACHED;

	if (killable)
		return wait_event_killable(&mm->vma_writer_wait,
					   atomic_read(&vma->vm_refcnt) == last);
	wait_event(&mm->vma_writer_wait, atomic_read(&vma->vm_refcnt) == last);
	return 0;
}

static __always_inline int start_write(struct vm_area_struct *vma, bool killable)
{
	struct mm_struct *mm = vma->vm_mm;
	int err = 0;

	mmap_assert_write_locked(mm);
	if (vma->vm_lock_seq == mm->mm_lock_seq)
		return 0;
	if (static_branch_unlikely(&checks_key))
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

static noinline void wait_for_last_reader(struct vm_area_struct *vma)
{
	wait_event(&vma->vm_mm->vma_writer_wait, atomic_read(&vma->vm_refcnt) == 0);
}

void vma_mark_detached(struct vm_area_struct *vma)
{
	vma_assert_write_locked(vma);
	/* A reader that has not yet seen the sequence may be counted for a moment. */
	if (unlikely(!atomic_dec_and_test(&vma->vm_refcnt)))
		wait_for_last_reader(vma);
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
