/*
 * test_frames.c - the frame allocator against what it promises.
 */
#include "tests/host/mm/host_mm.h"

#include <errno.h>
#include "kernel/core/fault.h"
#include "kernel/core/preempt.h"
#include "kernel/x86/percpu.h"

HTEST(all_frames_come_once_and_go_back)
{
	static struct page *got[4096];
	unsigned long nr = 0, total;

	host_world(4096, 2048, 2);
	total = frames_total();
	h_expect_eq(total, 2048 - 32);
	while ((got[nr] = alloc_page(GFP_NOWAIT | __GFP_MEMALLOC)))
		nr++;
	h_expect_eq(nr, total);
	h_expect_eq(frames_free(), 0);
	h_expect_eq(frames_live(FK_KERNEL), total);
	h_expect_eq(frames_check(), 0);
	for (unsigned long i = 0; i < nr; i++)
		free_page(got[(i * 7919) % nr]);
	host_settle();
	h_expect_eq(frames_free(), total);
	h_expect_eq(frames_live(FK_KERNEL), 0);
	h_expect_eq(frames_check(), 0);
	h_expect_eq(host_preempt_depth, 0);
}

HTEST(frames_come_in_ascending_order)
{
	struct page *last, *page;
	unsigned breaks = 0;

	host_world(4096, 2048, 1);
	last = alloc_page(GFP_KERNEL);
	for (unsigned i = 1; i < 512; i++) {
		page = alloc_page(GFP_KERNEL);
		breaks += page != last + 1;
		last = page;
	}
	h_expect(breaks <= 8);
}

HTEST(memory_is_grown_over_only_as_needed)
{
	struct page *page;

	host_world(0x100000, 1ul << 20, 1);
	page = alloc_page(GFP_KERNEL);
	h_assert(page);
	h_expect_eq(frames_check(), 0);
	/* 16 MiB of struct pages: only the first chunk of them, 64 KiB, was written. */
	h_expect_eq(((u8 *)pfn_to_page(0x100000 + 1024))[8], 0);
	free_page(page);
	h_expect_eq(frames_check(), 0);
}

HTEST(a_gap_gives_back_its_struct_pages)
{
	struct frame_range ranges[] = {{1, 159}, {256, 0x20000}, {0x100000, 0x110000}};
	unsigned long map = (0x110000 * 64) / 4096, gap = (0x100000 - 0x20000) * 64 / 4096, nr = 0;
	unsigned long in_all = 158 + 0x20000 - 256 + 0x10000;

	host_world_ranges(ranges, 3, 1);
	h_expect_eq(frames_total(), in_all - map + gap);
	for (struct page *page; (page = alloc_page(GFP_NOWAIT | __GFP_MEMALLOC)); nr++)
		*(u64 *)page_address(page) = page_to_pfn(page);
	h_expect_eq(nr, frames_total());
	h_expect_eq(frames_check(), 0);
}

HTEST(bad_memory_is_refused)
{
	struct frames_config config = {.nr_vcpus = 1};
	struct frame_range twisted[] = {{100, 200}, {150, 300}}, tiny[] = {{100, 101}};

	h_expect_eq(frames_world_init(twisted, 2, &config), -EINVAL);
	h_expect_eq(frames_world_init(twisted, 0, &config), -EINVAL);
	h_expect_eq(frames_world_init(tiny, 1, &config), -ENOMEM);
}

HTEST(blocks_are_aligned_and_merge)
{
	struct page *block[MAX_ORDER + 1];
	unsigned long total;

	host_world(1000, 8000, 1);
	total = frames_total();
	for (unsigned order = 0; order <= MAX_ORDER; order++) {
		block[order] = alloc_pages(GFP_KERNEL | __GFP_COMP | GFP_FOR(FK_ANON), order);
		h_assert(block[order]);
		h_expect_eq(page_to_pfn(block[order]) & ((1ul << order) - 1), 0);
		h_expect_eq(page_head(block[order] + (1 << order) - 1) - block[order], 0);
	}
	h_expect_eq(frames_live(FK_ANON), 2047);
	h_expect_eq(frames_check(), 0);
	for (unsigned order = 0; order <= MAX_ORDER; order++)
		put_page(block[order] + (1 << order) / 2);
	host_settle();
	h_expect_eq(frames_free(), total);
	h_expect_eq(frames_check(), 0);
}

HTEST(watermarks_keep_a_reserve)
{
	unsigned long normal = 0, high = 0, all = 0;

	host_world(0, 2048, 1);
	h_expect_eq(frames_set_min(64), 0);
	h_expect_eq(frames_set_min(1000), -EINVAL);
	h_expect_eq(frames_watermark(WMARK_LOW), 80);
	h_expect_eq(frames_watermark(WMARK_HIGH), 96);
	while (alloc_page(GFP_NOWAIT))
		normal++;
	while (alloc_page(GFP_ATOMIC))
		high++;
	while (alloc_page(GFP_NOWAIT | __GFP_MEMALLOC))
		all++;
	h_expect_eq(normal + 64, frames_total());
	h_expect_eq(high, 32);
	h_expect_eq(all, 32);
}

static struct page *hoard[64];
static unsigned nr_hoarded, nr_background;

static void note_low(void)
{
	nr_background++;
}

static unsigned long free_hoard(gfp_t gfp __maybe_unused, unsigned order __maybe_unused)
{
	h_expect_eq(host_preempt_depth, 0);
	if (!nr_hoarded)
		return 0;
	free_page(hoard[--nr_hoarded]);
	return 1;
}

static gfp_t allowed;

static gfp_t mask_gfp(gfp_t gfp)
{
	return gfp & allowed;
}

static const struct frames_pressure hoarder = {
	.low = note_low,
	.reclaim = free_hoard,
	.thread_gfp = mask_gfp,
};

HTEST(pressure_hook_is_asked_in_time)
{
	unsigned long nr = 0, total;

	host_world(0, 1024, 2);
	total = frames_total() - frames_watermark(WMARK_MIN);
	for (nr_hoarded = 0; nr_hoarded < 64; nr_hoarded++)
		h_assert(hoard[nr_hoarded] = alloc_page(GFP_NOWAIT));
	nr_background = 0;
	frames_pressure_set(&hoarder);
	allowed = ~__GFP_DIRECT_RECLAIM;
	while (alloc_page(GFP_KERNEL))
		nr++;
	h_expect_eq(nr_hoarded, 64);
	allowed = ~0u;
	while (alloc_page(GFP_KERNEL))
		nr++;
	frames_pressure_set(NULL);
	h_expect_eq(nr, total);
	h_expect_eq(nr_hoarded, 0);
	h_expect(nr_background > 0);
}

HTEST(release_pages_frees_runs_folios_and_keeps_the_shared)
{
	static struct page *pages[300];
	struct page *folio;
	unsigned long total;
	unsigned n = 0;

	host_world(0, 2048, 2);
	total = frames_total();
	for (; n < 200; n++)
		pages[n] = alloc_page(GFP_FOR(n < 100 ? FK_ANON : FK_FILE) | GFP_KERNEL);
	folio = alloc_pages(GFP_KERNEL | __GFP_COMP | GFP_FOR(FK_ANON), 3);
	for (unsigned i = 0; i < 8; i++) {
		pages[n++] = folio + i;
		if (i)
			get_page(folio);
	}
	get_page(pages[7]);
	get_page(pages[150]);
	h_expect_eq(frames_check(), 0);
	release_pages(pages, n);
	h_expect_eq(frames_live(FK_ANON), 1);
	h_expect_eq(frames_live(FK_FILE), 1);
	h_expect_eq(frames_check(), 0);
	put_page(pages[7]);
	put_page(pages[150]);
	host_settle();
	h_expect_eq(frames_free(), total);
	h_expect_eq(frames_check(), 0);
}

HTEST(detectors_fire)
{
	struct page *page, *folio, *list[2];

	host_world(0, 2048, 1);
	page = alloc_page(GFP_KERNEL);
	free_page(page);
	h_expect(host_bug_caught(free_dead_page(page)));
	h_expect(strstr(host_bug_text, "freeing frame"));
	list[0] = list[1] = page;
	h_expect(host_bug_caught(free_page(page)));

	folio = alloc_pages(GFP_KERNEL | __GFP_COMP, 2);
	h_expect(host_bug_caught(free_dead_page(folio + 1)));
	get_page(folio);
	h_expect(host_bug_caught(free_pages(folio, 2)));
}

HTEST(checked_detectors_fire)
{
	struct page *page;

	host_world(0, 2048, 1);
	host_checks(true);
	page = alloc_page(GFP_KERNEL);
	free_page(page);
	((u64 *)page_address(page))[100] = 1;
	h_expect(host_bug_caught((void)!alloc_page(GFP_KERNEL)));
	h_expect(strstr(host_bug_text, "while free"));

	page = alloc_page(GFP_KERNEL);
	atomic_inc(&page->_mapcount);
	h_expect(host_bug_caught(put_page(page)));
	h_expect(strstr(host_bug_text, "still map"));
}

HTEST(a_failed_site_takes_nothing)
{
	unsigned long before;

	host_world(0, 2048, 1);
	before = frames_free();
	for (unsigned order = 0; order <= 3; order++) {
		host_fault_arm(0);
		h_expect(!alloc_pages(GFP_KERNEL, order));
	}
	h_expect_eq(frames_free(), before);
	h_expect(alloc_page(GFP_KERNEL) != NULL);
}

/* Random operations on several CPUs against the plainest model: who holds what. */
HTEST(model)
{
	enum { HELD = 400, OPS = 200000 };
	static struct {
		struct page *page;
		unsigned order, kind, refs;
	} held[HELD];
	unsigned long live[FK_NR] = {0}, total;

	host_world(777, 5000, 3);
	total = frames_total();
	for (unsigned op = 0; op < OPS; op++) {
		unsigned i = host_rand() % HELD;

		host_cpu = host_rand() % 3;
		if (host_rand() % 1024 == 0)
			host_checks(host_rand() % 2);
		if (!held[i].page) {
			unsigned order = host_rand() % 4 ? 0 : host_rand() % 6;
			unsigned kind = FK_KERNEL + host_rand() % (FK_NR - FK_KERNEL);

			held[i].page = alloc_pages(GFP_KERNEL | __GFP_COMP | GFP_FOR(kind), order);
			if (!held[i].page)
				continue;
			held[i].order = order;
			held[i].kind = kind;
			held[i].refs = 1;
			live[kind] += 1ul << order;
		} else if (host_rand() % 3 == 0) {
			get_page(held[i].page + (1u << held[i].order) - 1);
			held[i].refs++;
		} else {
			if (!--held[i].refs)
				live[held[i].kind] -= 1ul << held[i].order;
			if (host_rand() % 2)
				put_page(held[i].page);
			else
				release_pages(&held[i].page, 1);
			if (!held[i].refs)
				held[i].page = NULL;
		}
		if (op % 20000 == 0) {
			h_assert_eq(frames_check(), 0);
			for (unsigned kind = FK_KERNEL; kind < FK_NR; kind++)
				h_expect_eq(frames_live(kind), live[kind]);
		}
	}
	for (unsigned i = 0; i < HELD; i++) {
		while (held[i].page && held[i].refs--)
			put_page(held[i].page);
	}
	host_settle();
	h_expect_eq(frames_free(), total);
	h_expect_eq(frames_check(), 0);
}
