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
#include "kernel/core/bug.h"
#include "kernel/core/lock_order.h"
#include "kernel/sched/wait.h"
#include "mm/page_flags.h"

/* Empty wait queues. With every world. */
void folio_lock_world_init(void);

/* True with the lock held. Exempt from the lock order. Context: thread. */
bool __must_check folio_trylock(struct page *head);

/* The lock of a page that nobody else knows yet: nobody waits, and nobody can have it. */
static __always_inline void folio_lock_new(struct page *head)
{
	if (static_branch_unlikely(&lock_slow_key)) {
		if (!folio_trylock(head))
			BUG();
	} else {
		page_flag_init(head, PG_locked);
	}
}

/* Context: may sleep; lock class FOLIO. */
void folio_lock(struct page *head);

/* 0 with the lock held; -EINTR without it when a fatal signal is pending. Context: may sleep. */
int __must_check folio_lock_killable(struct page *head);

/* Who waits for a bit of a folio, by frame number. */
#define FOLIO_WAIT_QUEUES 16u
extern struct wait_queue_head folio_wait[FOLIO_WAIT_QUEUES];

static __always_inline struct wait_queue_head *folio_waitqueue(const struct page *head)
{
	return &folio_wait[(page_to_pfn(head) - frames_base_pfn) % FOLIO_WAIT_QUEUES];
}

/* By the thread that locked it: nothing touches the page after the bit has changed. */
static __always_inline void folio_unlock(struct page *head)
{
	struct wait_queue_head *wq = folio_waitqueue(head);

	lock_order_release(head, __builtin_return_address(0));
	if (!page_flag_test_clear(head, PG_locked))
		BUGF("folio %#lx is unlocked and was not locked", page_to_pfn(head));
	if (unlikely(READ_ONCE(wq->head.next) != &wq->head))
		wake_up_all(wq);
}

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
