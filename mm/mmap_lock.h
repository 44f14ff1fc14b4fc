/*
 * mmap_lock.h - the lock of a whole address space, under Linux's names.
 *
 * Letting go of the write lock, or turning it into a read lock, also lets go of every VMA that was
 * write-locked under it (vma_lock.h).
 */
#ifndef MM_MMAP_LOCK_H
#define MM_MMAP_LOCK_H

#include "mm/mm.h"

static inline void mmap_read_lock(struct mm_struct *mm) ACQUIRES_SHARED(mm->mmap_lock)
{
	down_read(&mm->mmap_lock);
}

static inline int __must_check mmap_read_lock_killable(struct mm_struct *mm)
	TRY_ACQUIRES_SHARED(0, mm->mmap_lock) NO_LOCK_ANALYSIS
{
	return down_read_killable(&mm->mmap_lock);
}

static inline bool __must_check mmap_read_trylock(struct mm_struct *mm)
	TRY_ACQUIRES_SHARED(true, mm->mmap_lock) NO_LOCK_ANALYSIS
{
	return down_read_trylock(&mm->mmap_lock);
}

static inline void mmap_read_unlock(struct mm_struct *mm) RELEASES_SHARED(mm->mmap_lock)
{
	up_read(&mm->mmap_lock);
}

static inline void mmap_write_lock(struct mm_struct *mm) ACQUIRES(mm->mmap_lock)
{
	down_write(&mm->mmap_lock);
}

/* 0 with the lock, or -EINTR without it. */
static inline int __must_check mmap_write_lock_killable(struct mm_struct *mm)
	TRY_ACQUIRES(0, mm->mmap_lock) NO_LOCK_ANALYSIS
{
	return down_write_killable(&mm->mmap_lock);
}

static inline bool __must_check mmap_write_trylock(struct mm_struct *mm)
	TRY_ACQUIRES(true, mm->mmap_lock) NO_LOCK_ANALYSIS
{
	return down_write_trylock(&mm->mmap_lock);
}

/*
 * Every write-locked VMA of @mm is unlocked, by one store: what was done to them comes before it.
 */
static inline void vma_end_write_all(struct mm_struct *mm) REQUIRES(mm->mmap_lock)
{
	smp_store_release(&mm->mm_lock_seq, mm->mm_lock_seq + 1);
}

static inline void mmap_write_unlock(struct mm_struct *mm) RELEASES(mm->mmap_lock)
{
	vma_end_write_all(mm);
	up_write(&mm->mmap_lock);
}

static inline void mmap_write_downgrade(struct mm_struct *mm)
	RELEASES(mm->mmap_lock) ACQUIRES_SHARED(mm->mmap_lock) NO_LOCK_ANALYSIS
{
	vma_end_write_all(mm);
	downgrade_write(&mm->mmap_lock);
}

static inline void mmap_assert_locked(struct mm_struct *mm)
{
	rwsem_assert_held(&mm->mmap_lock);
}

static inline void mmap_assert_write_locked(struct mm_struct *mm)
	ASSERTS_HELD(mm->mmap_lock) NO_LOCK_ANALYSIS
{
	rwsem_assert_held_write(&mm->mmap_lock);
}

#endif
