/*
 * mm_pressure.c - see mm_pressure.h. What is hoarded is kept on a list, largest blocks first.
 */
#include "tests/mm_pressure.h"

#include "mm/page_alloc.h"
#include "tests/ktest.h"

#define HOARD_MIN 64ul

static struct list_head hoard = {&hoard, &hoard};
static unsigned long min_before;

void t_hoard(struct ktest *t, unsigned long leave)
{
	unsigned order = MAX_ORDER;

	t_assert(t, list_empty(&hoard));
	min_before = frames_watermark(WMARK_MIN);
	t_assert_eq(t, frames_set_min(HOARD_MIN), 0);
	leave += frames_watermark(WMARK_LOW);
	for (;;) {
		struct page *page = NULL;

		if (frames_free() >= leave + (1ul << order))
			page = alloc_pages(__GFP_NOWARN, order);
		if (page)
			list_add(&page->lru, &hoard);
		else if (order)
			order--;
		else
			break;
	}
	t_assert(t, frames_free() < 2 * leave);
}

void t_hoard_release(struct ktest *t)
{
	while (!list_empty(&hoard)) {
		struct page *page = list_first_entry(&hoard, struct page, lru);

		list_del(&page->lru);
		free_pages(page, page->order);
	}
	t_expect_eq(t, frames_set_min(min_before), 0);
}
