/*
 * oom_reap.c - see oom_reap.h.
 *
 * Each stretch has a gather of its own: flushed and freed before the next, so that memory comes
 * back as the pass goes on, and that little is gathered when there is no memory for more.
 */
#include "mm/oom_reap.h"

#include <errno.h>
#include "mm/mmap_lock.h"
#include "mm/zap.h"

/* Pages that only this address space has a right to: the others would come back from the file. */
static bool may_reap(const struct vm_area_struct *vma)
{
	return !vma->vm_file || !(vma->vm_flags & VM_SHARED);
}

/* One pass. False: ended early, since a writer waits and @yield. */
static bool reap_pass(struct mm_struct *mm, bool yield)
{
	const struct sem_hooks *sem = &mm->sem->hooks;
	MA_STATE(mas, &mm->mm_mt, 0, 0);
	struct reap_walk rw = {.mas = mas};

	set_bit(MMF_UNSTABLE, &mm->flags);
	while ((rw.vma = sem->reap_next(&rw)) != NULL) {
		if (may_reap(rw.vma))
			atomic_long_add((long)zap_page_range_single(rw.vma, rw.start, rw.end),
					&mm->nr_reaped);
		if (yield && rwsem_is_contended(&mm->mmap_lock))
			return false;
	}
	return true;
}

bool __oom_reap_task_mm(struct mm_struct *mm)
{
	return reap_pass(mm, mm->sem->hooks.reap_lock == REAP_YIELD);
}

void oom_reap_own(struct mm_struct *mm)
{
	reap_pass(mm, false);
}

/* mmap_lock held to read. */
static bool reap_unless_done(struct mm_struct *mm)
{
	return test_bit(MMF_OOM_SKIP, &mm->flags) || __oom_reap_task_mm(mm);
}

int oom_reap_mm(struct mm_struct *mm)
{
	bool done;

	do {
		if (mmap_read_lock_killable(mm))
			return -EINTR;
		done = reap_unless_done(mm);
		mmap_read_unlock(mm);
	} while (!done);
	return 0;
}

bool oom_reap_try(struct mm_struct *mm)
{
	bool done;

	/* Who waits for the lock gets it between two passes, and then we wait as they did. */
	do {
		if (!mmap_read_trylock(mm))
			return false;
		done = reap_unless_done(mm);
		mmap_read_unlock(mm);
	} while (!done);
	return true;
}
