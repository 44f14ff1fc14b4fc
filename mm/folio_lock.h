/*
 * folio_lock.h - the lock of one folio, and waiting for its write-back.
 *
 * Owns: PG_locked and PG_writeback of a folio's head, and those who wait for them.
 * Not here: what the lock guards: contents becoming valid, leaving the page cache or the swap
 *           cache, the start of write-back (page_flags.h says which bits).
 * Idea: the lock is one bit, so that every frame can have one; waiters share a few wait queues,
 *       chosen by frame number.
 * Rules: @head is the head of a folio, or a single frame, to which the caller holds a reference.
 *        Who unlocks holds it still: nothing touches the page after the bit has changed.
 *        Write-back starts under the lock and may end without it.
 */
#ifndef MM_FOLIO_LOCK_H
#define MM_FOLIO_LOCK_H

#include "kernel/base/annotations.h"
#include "mm/page_flags.h"

/* Empty wait queues. With every world. */
void folio_lock_world_init(void);

/* True with the lock held. Exempt from the lock order. Context: thread. */
bool __must_check folio_trylock(struct page *head);

/* Context: may sleep; lock class FOLIO. */
void folio_lock(struct page *head);

/* 0 with the lock held; -EINTR without it when a fatal signal is pending. Context: may sleep. */
int __must_check folio_lock_killable(struct page *head);

/* By the thread that locked it. Context: thread. */
void folio_unlock(struct page *head);

static inline bool folio_test_locked(const struct page *head)
{
	return page_flag_test(head, PG_locked);
}

/* The folio lock is held and no write-back runs. Until the end somebody must hold a reference. */
void folio_start_writeback(struct page *head);

/* Context: thread; wakes who waits. */
void folio_end_writeback(struct page *head);

/* Until no write-back runs; without the folio lock another may begin at once. May sleep. */
void folio_wait_writeback(struct page *head);

static inline bool folio_test_writeback(const struct page *head)
{
	return page_flag_test(head, PG_writeback);
}

#endif
