/*
 * lru.c - LRU lists: sizes and order, isolation against the last reference, release of many pages
 * that lie on different lists.
 */
#include "kernel/core/preempt.h"
#include "kernel/sched/thread.h"
#include "mm/lru.h"
#include "mm/page_alloc.h"
#include "tests/ktest.h"

enum { PAGES = 96 };

static struct page *new_page(struct ktest *t, enum frame_kind kind, unsigned order)
{
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_COMP | GFP_FOR(kind), order);

	t_assert(t, page != NULL);
	t_expect(t, !folio_on_lru(page));
	return page;
}

static void new_pages(struct ktest *t, struct page **page, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		page[i] = new_page(t, i % 3 ? FK_ANON : FK_FILE, 0);
}

KTEST(lru, sizes_follow_the_lists, KT_UNIT)
{
	unsigned long anon = lru_size(LRU_INACTIVE_ANON), file = lru_size(LRU_INACTIVE_FILE);
	unsigned long active = lru_size(LRU_ACTIVE_ANON);
	struct page *single = new_page(t, FK_ANON, 0), *folio = new_page(t, FK_ANON, 2);
	struct page *cached = new_page(t, FK_FILE, 0);

	folio_add_lru(single);
	folio_add_lru(folio);
	folio_add_lru(cached);
	t_expect_eq(t, lru_size(LRU_INACTIVE_ANON), anon + 5);
	t_expect_eq(t, lru_size(LRU_INACTIVE_FILE), file + 1);
	t_expect(t, folio_on_lru(folio));
	t_expect(t, folio_isolate_lru(folio));
	t_expect(t, !folio_isolate_lru(folio));
	t_expect_eq(t, page_count(folio), 2);
	t_expect_eq(t, lru_size(LRU_INACTIVE_ANON), anon + 1);
	folio_putback_lru(folio, LRU_ACTIVE_ANON);
	t_expect_eq(t, page_count(folio), 1);
	t_expect_eq(t, lru_size(LRU_ACTIVE_ANON), active + 4);
	t_expect_eq(t, lru_check(), 0);
	put_page(single);
	put_page(folio);
	put_page(cached);
	t_expect_eq(t, lru_size(LRU_INACTIVE_ANON), anon);
	t_expect_eq(t, lru_size(LRU_ACTIVE_ANON), active);
	t_expect_eq(t, lru_size(LRU_INACTIVE_FILE), file);
	t_expect_eq(t, lru_check(), 0);
}

KTEST(lru, a_scan_begins_with_the_oldest, KT_UNIT)
{
	struct lruvec *lv;
	struct page *page[4], *out[4];
	unsigned nr;

	for (unsigned i = 0; i < 4; i++)
		page[i] = new_page(t, FK_FILE, 0);
	preempt_disable();
	lv = this_cpu_ptr(lruvec);
	t_expect_eq(t, lv->nr[LRU_INACTIVE_FILE], 0);
	for (unsigned i = 0; i < 4; i++)
		folio_add_lru(page[i]);
	preempt_enable();
	nr = lruvec_isolate(lv, LRU_INACTIVE_FILE, 16, out, 3);
	t_expect_eq(t, nr, 3);
	for (unsigned i = 0; i < nr; i++)
		t_expect_eq(t, out[i], page[i]);
	for (unsigned i = 0; i < nr; i++)
		lruvec_putback(lv, LRU_ACTIVE_FILE, out[i]);
	t_expect_eq(t, lv->nr[LRU_ACTIVE_FILE], 3);
	t_expect_eq(t, lruvec_isolate(lv, LRU_INACTIVE_FILE, 16, out, 4), 1);
	t_expect_eq(t, out[0], page[3]);
	put_page(out[0]);
	release_pages(page, 4);
	t_expect_eq(t, lv->nr[LRU_ACTIVE_FILE], 0);
}

/* A frame whose last reference is gone stays listed until its freer comes: the scan leaves it. */
KTEST(lru, a_scan_leaves_what_is_being_freed, KT_UNIT)
{
	struct page *page = new_page(t, FK_FILE, 0), *out;
	struct lruvec *lv;

	folio_add_lru(page);
	lv = lruvec_of(page->aux);
	t_expect(t, put_page_testzero(page));
	t_expect_eq(t, lruvec_isolate(lv, LRU_INACTIVE_FILE, 4, &out, 1), 0);
	t_expect(t, folio_on_lru(page));
	free_dead_page(page);
	t_expect_eq(t, lru_check(), 0);
}

/* Pages of both kinds, on lists of every vCPU, on none, isolated, and with a second reference. */
KTEST(lru, release_takes_each_off_its_own_list, KT_UNIT)
{
	static struct page *page[PAGES];
	unsigned long before = lru_size(LRU_INACTIVE_ANON) + lru_size(LRU_INACTIVE_FILE);
	unsigned nr_held = 0;
	struct page *held[PAGES];

	new_pages(t, page, PAGES);
	for (unsigned i = 0; i < PAGES; i++) {
		if (i % 5 == 1)
			continue;
		if (i % 7 == 0)
			t_assert_eq(t, thread_set_affinity(current, 1ull << i % nr_vcpus), 0);
		folio_add_lru(page[i]);
		if (i % 11 == 3) {
			get_page(page[i]);
			held[nr_held++] = page[i];
		}
	}
	t_assert_eq(t, thread_set_affinity(current, AFFINITY_ANY), 0);
	release_pages(page, PAGES);
	for (unsigned i = 0; i < nr_held; i++)
		t_expect_eq(t, page_count(held[i]), 1);
	t_expect_eq(t, lru_check(), 0);
	t_expect_eq(t, lru_size(LRU_INACTIVE_ANON) + lru_size(LRU_INACTIVE_FILE),
		    before + nr_held);
	release_pages(held, nr_held);
	t_expect_eq(t, lru_check(), 0);
	t_expect_eq(t, lru_size(LRU_INACTIVE_ANON) + lru_size(LRU_INACTIVE_FILE), before);
}

struct crowd {
	u64 rounds;
	struct page *shared[PAGES];
};

/* Everybody isolates and puts back what he finds, wherever it is listed, and frees his own. */
static void churn(struct ktest *t, unsigned i, void *arg)
{
	struct crowd *c = arg;
	struct page *own[8], *out[8];
	struct rng rng;

	rng_init(&rng, t_seed(t) + i);
	for (u64 n = 0; n < c->rounds; n++) {
		struct page *any = c->shared[rng_below(&rng, PAGES)];
		struct lruvec *lv = per_cpu_ptr(lruvec, rng_below(&rng, nr_vcpus));
		enum lru_list lru = LRU_INACTIVE_FILE + rng_below(&rng, 2);
		unsigned nr = 0, got;

		while (nr < 8 && (own[nr] = alloc_page(GFP_KERNEL | GFP_FOR(FK_FILE))))
			folio_add_lru(own[nr++]);
		if (folio_isolate_lru(any))
			folio_putback_lru(any, lru);
		got = lruvec_isolate(lv, lru, 8, out, 8);
		release_pages(own, nr);
		while (got)
			lruvec_putback(lv, lru ^ LRU_ACTIVE, out[--got]);
	}
}

KTEST(lru, isolation_against_release, KT_STRESS)
{
	static struct crowd c;

	c.rounds = t_scale(t, 150);
	for (unsigned i = 0; i < PAGES; i++) {
		c.shared[i] = new_page(t, FK_FILE, 0);
		folio_add_lru(c.shared[i]);
	}
	t_parallel(t, 2 * nr_vcpus, churn, &c);
	for (unsigned i = 0; i < PAGES; i++) {
		t_expect_eq(t, page_count(c.shared[i]), 1);
		t_expect(t, folio_on_lru(c.shared[i]));
	}
	t_expect_eq(t, lru_check(), 0);
	release_pages(c.shared, PAGES);
	t_expect_eq(t, lru_check(), 0);
}
