/*
 * locality.c - the same instructions over near and far memory: what only the model clock can tell.
 *
 * A teardown drops one reference per page. Where pages were allocated in order their struct pages
 * are neighbours; after a while of use they are not. The pages were used in between, so that no
 * cache knows their struct pages any more.
 */
#include <stdlib.h>

#include "mm/page_alloc.h"
#include "tests/bench.h"

#define NR   6144 /* their contents are more than any modelled cache holds */
#define LINE 64

static struct page *page[NR];

static bool take_pages(struct bench *b)
{
	for (unsigned i = 0; i < NR; i++) {
		page[i] = alloc_page(GFP_KERNEL);
		if (!page[i]) {
			bench_fail(b, "no memory");
			while (i--)
				free_page(page[i]);
			return false;
		}
	}
	return true;
}

static int by_address(const void *a, const void *b)
{
	const struct page *x = *(struct page *const *)a, *y = *(struct page *const *)b;

	return (x > y) - (x < y);
}

static void put_in_order(void)
{
	qsort(page, NR, sizeof(page[0]), by_address);
}

static void scatter(struct bench *b)
{
	for (unsigned i = NR - 1; i > 0; i--) {
		unsigned j = bench_rand(b) % (i + 1);
		struct page *other = page[j];

		page[j] = page[i];
		page[i] = other;
	}
}

static void use_contents(void)
{
	for (unsigned i = 0; i < NR; i++) {
		const volatile char *at = page_address(page[i]);

		for (unsigned j = 0; j < PAGE_SIZE; j += LINE)
			at[j];
	}
}

static void measure_references(struct bench *b)
{
	use_contents();
	bench_start(b);
	for (unsigned i = 0; i < NR; i++)
		get_page(page[i]);
	bench_stop(b, NR);
	for (unsigned i = 0; i < NR; i++) {
		put_page_testzero(page[i]);
		free_page(page[i]);
	}
}

BENCH(get_page_linear, "page", BENCH_ONCE)
{
	if (!take_pages(b))
		return;
	put_in_order();
	measure_references(b);
}

BENCH(get_page_scattered, "page", BENCH_ONCE)
{
	if (!take_pages(b))
		return;
	put_in_order();
	scatter(b);
	measure_references(b);
}
