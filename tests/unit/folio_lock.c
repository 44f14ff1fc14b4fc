/*
 * folio_lock.c - the folio lock and waiting for write-back: exclusion, killed waiters, one folio
 * among several that share a wait queue.
 *
 * NO_LOCK_ANALYSIS is not needed: the lock is a bit, which clang does not follow.
 */
#include "kernel/core/atomic.h"
#include "kernel/sched/kthread.h"
#include "mm/folio_lock.h"
#include "mm/page_alloc.h"
#include "tests/ktest.h"

enum { FOLIOS = 40 }; /* more than there are wait queues */

struct guarded {
	struct page *page[FOLIOS];
	u64 a[FOLIOS], b[FOLIOS]; /* equal while the folio is not locked */
	u64 rounds;
};

static void take_pages(struct ktest *t, struct page **page, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++) {
		page[i] = alloc_page(GFP_KERNEL);
		t_assert(t, page[i] != NULL);
	}
}

static void put_pages(struct page **page, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		put_page(page[i]);
}

static void lock_and_step(struct ktest *t, unsigned i, void *arg)
{
	struct guarded *g = arg;
	struct rng rng;

	rng_init(&rng, t_seed(t) + i);
	for (u64 n = 0; n < g->rounds; n++) {
		u64 at = rng_below(&rng, FOLIOS);

		if (n % 4 == 0) {
			while (!folio_trylock(g->page[at]))
				yield();
		} else {
			folio_lock(g->page[at]);
		}
		if (g->a[at] != g->b[at])
			t_fail(t, "folio %lu has two owners", (unsigned long)at);
		g->a[at]++;
		if (g->a[at] % 5 == 0)
			yield();
		g->b[at]++;
		folio_unlock(g->page[at]);
	}
}

KTEST(folio_lock, excludes, KT_STRESS)
{
	static struct guarded g;
	unsigned nr = 2 * nr_vcpus;
	u64 sum = 0;

	g = (struct guarded){.rounds = t_scale(t, 400)};
	take_pages(t, g.page, FOLIOS);
	t_parallel(t, nr, lock_and_step, &g);
	for (unsigned i = 0; i < FOLIOS; i++) {
		sum += g.b[i];
		t_expect(t, !folio_test_locked(g.page[i]));
	}
	t_expect_eq(t, sum, g.rounds * nr);
	put_pages(g.page, FOLIOS);
}

struct waiter {
	struct page *page;
	int err;
	u32 done;
};

static void lock_killable(void *arg)
{
	struct waiter *w = arg;

	w->err = folio_lock_killable(w->page);
	if (!w->err)
		folio_unlock(w->page);
}

KTEST(folio_lock, a_killed_waiter_leaves_without_it, KT_UNIT)
{
	struct waiter killed = {.err = 1}, patient = {.err = 1};
	struct thread *a, *b;

	take_pages(t, &killed.page, 1);
	patient.page = killed.page;
	folio_lock(killed.page);
	t_expect(t, !folio_trylock(killed.page));
	a = kthread_run("killed", lock_killable, &killed);
	b = kthread_run("patient", lock_killable, &patient);
	t_assert(t, a && b);
	t_until_blocked(a, TS_KILLABLE);
	t_until_blocked(b, TS_KILLABLE);
	thread_kill(a);
	thread_join(a);
	t_expect_eq(t, killed.err, -EINTR);
	t_expect_eq(t, patient.err, 1);
	folio_unlock(killed.page);
	thread_join(b);
	t_expect_eq(t, patient.err, 0);
	t_expect(t, !folio_test_locked(killed.page));
	put_page(killed.page);
}

static void wait_writeback(void *arg)
{
	struct waiter *w = arg;

	folio_wait_writeback(w->page);
	WRITE_ONCE(w->done, 1);
}

KTEST(folio_lock, write_back_ends_once_for_all_who_wait, KT_UNIT)
{
	struct waiter w = {0};
	struct thread *a, *b;

	take_pages(t, &w.page, 1);
	folio_wait_writeback(w.page); /* none runs */
	folio_lock(w.page);
	folio_start_writeback(w.page);
	folio_unlock(w.page);
	a = kthread_run("first", wait_writeback, &w);
	b = kthread_run("second", wait_writeback, &w);
	t_assert(t, a && b);
	t_until_blocked(a, TS_BLOCKED);
	t_until_blocked(b, TS_BLOCKED);
	t_expect_eq(t, READ_ONCE(w.done), 0);
	folio_lock(w.page); /* the lock's waiters share a queue with them and do not pass for it */
	folio_unlock(w.page);
	t_expect_eq(t, READ_ONCE(w.done), 0);
	folio_end_writeback(w.page);
	thread_join(a);
	thread_join(b);
	t_expect_eq(t, w.done, 1);
	t_expect(t, !folio_test_writeback(w.page));
	put_page(w.page);
}
