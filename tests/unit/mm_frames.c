/*
 * mm_frames.c - the frame allocator on the running machine.
 *
 * What one thread can show is in tests/host/mm; here are the real vCPUs, the real direct map, and
 * the running system's own memory.
 */
#include <errno.h>
#include <string.h>

#include "kernel/sched/thread.h"
#include "mm/page_alloc.h"
#include "tests/ktest.h"

#define NR 600

static struct page *page[NR];

KTEST(frames, contents_are_the_owners_alone, KT_UNIT)
{
	unsigned nr = 0;

	while (nr < NR && (page[nr] = alloc_page(GFP_KERNEL | GFP_FOR(FK_ANON))))
		nr++;
	t_expect_eq(t, nr, NR);
	t_expect_eq(t, frames_live(FK_ANON), nr);
	for (unsigned i = 0; i < nr; i++)
		memset(page_address(page[i]), (int)i, PAGE_SIZE);
	for (unsigned i = 0; i < nr; i++) {
		const u8 *byte = page_address(page[i]);

		if (byte[0] != (u8)i || byte[PAGE_SIZE - 1] != (u8)i)
			t_fail(t, "frame %u holds %#x and %#x", i, byte[0], byte[PAGE_SIZE - 1]);
		free_page(page[i]);
	}
	t_expect_eq(t, frames_live(FK_ANON), 0);
}

KTEST(frames, zeroed_means_zeroed, KT_UNIT)
{
	for (unsigned order = 0; order <= 3; order++) {
		struct page *dirty = alloc_pages(GFP_KERNEL, order), *clean;
		const u64 *word;
		u64 any = 0;

		t_assert(t, dirty);
		memset(page_address(dirty), 0xff, PAGE_SIZE << order);
		free_pages(dirty, order);
		clean = alloc_pages(GFP_KERNEL | __GFP_ZERO, order);
		t_assert(t, clean);
		word = page_address(clean);
		for (unsigned i = 0; i < (PAGE_SIZE << order) / 8; i++)
			any |= word[i];
		t_expect_eq(t, any, 0);
		free_pages(clean, order);
	}
}

static int take_all_orders(void)
{
	struct page *block[MAX_ORDER + 1];
	int order, err = 0;

	for (order = 0; order <= 6; order++) {
		block[order] = alloc_pages(GFP_KERNEL | __GFP_COMP, order);
		if (!block[order]) {
			err = -ENOMEM;
			break;
		}
	}
	while (order-- > 0)
		put_page(block[order]);
	return err;
}

KTEST(frames, every_allocation_fails_once, KT_SWEEP)
{
	long before = frames_live(FK_KERNEL);

	fault_sweep(t, take_all_orders(), t_expect_eq(t, frames_live(FK_KERNEL), before));
}

KTEST(frames, watermarks_hold_and_the_hook_is_asked, KT_UNIT)
{
	unsigned long min_before = frames_watermark(WMARK_MIN), spare;
	struct page *first = NULL, *got;
	unsigned long nr = 0;

	/* A reserve so high that the rest is soon used up. */
	drain_all_pages();
	if (frames_free() < 4096 || frames_set_min(frames_total() / 4))
		t_skip(t, "too little memory");
	spare = frames_free() - frames_watermark(WMARK_MIN);
	while ((got = alloc_page(GFP_NOWAIT)) && nr <= spare) {
		got->private = (unsigned long)first;
		first = got;
		nr++;
	}
	t_expect(t, !got);
	t_expect_le(t, nr, spare);
	t_expect_ge(t, nr, spare - spare / 8);
	got = alloc_page(GFP_ATOMIC);
	t_expect(t, got);
	if (got)
		free_page(got);
	while (first) {
		got = (struct page *)first->private;
		free_page(first);
		first = got;
	}
	t_expect_eq(t, frames_set_min(min_before), 0);
}

/* ---- frames that are allocated on one vCPU and freed on another ---- */

static void cross_over(struct ktest *t, unsigned i, void *arg)
{
	struct page **mine = page + i * 100, **theirs = page + (i ^ 1) * 100;
	unsigned *ready = arg;

	for (unsigned n = 0; n < 100; n++) {
		mine[n] = alloc_page(GFP_KERNEL | GFP_FOR(FK_FILE));
		t_expect(t, mine[n]);
	}
	__atomic_fetch_add(ready, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(ready, __ATOMIC_SEQ_CST) < 2)
		yield();
	release_pages(theirs, 100);
}

KTEST(frames, may_be_freed_on_another_vcpu, KT_UNIT)
{
	unsigned ready = 0;

	t_need_cpus(t, 2);
	t_parallel(t, 2, cross_over, &ready);
	t_expect_eq(t, frames_live(FK_FILE), 0);
}

KTEST(frames, books_balance, KT_UNIT)
{
	drain_all_pages();
	t_expect_eq(t, frames_check(), 0);
}
