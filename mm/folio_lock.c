/*
 * folio_lock.c - waiting for a bit of a folio's head.
 *
 * Owns: the wait queues.
 * Idea: who finds the bit set lists itself first and looks again; who clears it looks for waiters
 *       afterwards. The clearing is a full barrier, so one of the two sees the other. Queues are
 *       shared, so all waiters are woken and each looks at its own folio.
 */
#include "mm/folio_lock.h"

#include "kernel/core/bug.h"
#include "kernel/core/lock_order.h"

struct wait_queue_head folio_wait[FOLIO_WAIT_QUEUES];

static void folio_wake(struct wait_queue_head *wq)
{
	if (waitqueue_active(wq))
		wake_up_all(wq);
}

/* ---- the lock ---- */

static __always_inline bool lock_bit(struct page *head)
{
	return !page_flag_test_set(head, PG_locked);
}

bool folio_trylock(struct page *head)
{
	if (!lock_bit(head))
		return false;
	if (static_branch_unlikely(&lock_slow_key))
		lock_order_acquired(LC_FOLIO, head, LK_FOLIO, LO_TRY, __builtin_return_address(0));
	return true;
}

static int lock_folio(struct page *head, bool killable, void *ip)
{
	int err = 0;

	ASSERT_EQ(head->tail, 0);
	if (static_branch_unlikely(&lock_slow_key))
		lock_order_check(LC_FOLIO, head, LK_FOLIO, 0, ip);
	if (!lock_bit(head)) {
		if (killable)
			err = wait_event_killable(folio_waitqueue(head), lock_bit(head));
		else
			wait_event(folio_waitqueue(head), lock_bit(head));
	}
	if (!err && static_branch_unlikely(&lock_slow_key))
		lock_order_acquired(LC_FOLIO, head, LK_FOLIO, 0, ip);
	return err;
}

void folio_lock(struct page *head)
{
	(void)lock_folio(head, false, __builtin_return_address(0));
}

int folio_lock_killable(struct page *head)
{
	return lock_folio(head, true, __builtin_return_address(0));
}

/* For a thread that oopsed with it. */
static void unlock_after_oops(void *lock)
{
	struct page *head = lock;

	page_flag_clear(head, PG_locked);
	folio_wake(folio_waitqueue(head));
}

/* ---- write-back ---- */

void folio_start_writeback(struct page *head)
{
	ASSERT(folio_test_locked(head));
	if (page_flag_test_set(head, PG_writeback))
		BUGF("folio %#lx: a second write-back", page_to_pfn(head));
}

void folio_end_writeback(struct page *head)
{
	struct wait_queue_head *wq = folio_waitqueue(head);

	if (!page_flag_test_clear(head, PG_writeback))
		BUGF("folio %#lx: no write-back to end", page_to_pfn(head));
	folio_wake(wq);
}

void folio_wait_writeback(struct page *head)
{
	wait_event(folio_waitqueue(head), !folio_test_writeback(head));
}

void folio_lock_world_init(void)
{
	for (unsigned i = 0; i < FOLIO_WAIT_QUEUES; i++)
		init_waitqueue_head(&folio_wait[i]);
	lock_release_fn_set(LK_FOLIO, unlock_after_oops);
}
