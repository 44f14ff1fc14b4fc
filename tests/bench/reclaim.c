/*
 * reclaim.c - what it costs to look whether pages are used, to take them away, to send them out.
 *
 * Each page is mapped once. The swap device is memory: writing a page to it is a copy of 513
 * instructions, which reclaim_pageout contains.
 */
#include "kernel/base/err.h"
#include "kernel/drivers/block.h"
#include "kernel/sched/rcu.h"
#include "mm/block_ram.h"
#include "mm/fault.h"
#include "mm/folio_lock.h"
#include "mm/mman.h"
#include "mm/page_alloc.h"
#include "mm/reclaim.h"
#include "mm/swap.h"
#include "mm/try_to_unmap.h"
#include "mm/unmap_flush.h"
#include "tests/bench.h"
#include "tests/mm_user.h"

#define BASE  USER_BASE
#define RW    (PROT_READ | PROT_WRITE)
#define SWEEP BENCH_SWEEP("pages", 256, 512, 1024)

enum { PAGES_MAX = 1024, BATCH = 12 };

struct setting {
	struct mm_struct *mm;
	struct block_device *bdev;
	unsigned long nr;
};

/* A reference to each of the pages, locked, for benches that work on them one by one. */
static struct page *pages[PAGES_MAX];

static bool begin(struct bench *b, struct setting *s)
{
	*s = (struct setting){mm_alloc(), block_ram_create(0, 4 * PAGES_MAX), bench_x(b)};
	if (!s->mm || IS_ERR(s->bdev) || swapon(s->bdev) < 0 || user_mmap(s->mm, BASE, s->nr, RW)) {
		bench_fail(b, "no memory for an address space and a device");
		return false;
	}
	mm_use(s->mm);
	if (user_touch(BASE, s->nr, 1)) {
		bench_fail(b, "no memory for %lu pages", s->nr);
		return false;
	}
	return true;
}

static void end(struct bench *b, struct setting *s)
{
	mm_unuse(s->mm);
	mmput(s->mm);
	if (swapoff(s->bdev))
		bench_fail(b, "slots are left");
	block_ram_destroy(s->bdev);
	rcu_barrier();
}

static void lock_pages(struct setting *s)
{
	for (unsigned long i = 0; i < s->nr; i++) {
		pages[i] = user_get_page(s->mm, BASE + i * PAGE_SIZE);
		folio_lock(pages[i]);
	}
}

static void unlock_pages(struct setting *s)
{
	for (unsigned long i = 0; i < s->nr; i++) {
		folio_unlock(pages[i]);
		put_page(pages[i]);
	}
}

BENCH(rmap_referenced, "pte", SWEEP)
{
	struct setting s;
	long used = 0;

	if (!begin(b, &s))
		return;
	lock_pages(&s);
	bench_start(b);
	for (unsigned long i = 0; i < s.nr; i++)
		used += page_referenced(pages[i]);
	bench_stop(b, s.nr);
	if (used != (long)s.nr)
		bench_fail(b, "%ld of %lu pages were used", used, s.nr);
	unlock_pages(&s);
	end(b, &s);
}

/* With the flush of each batch. */
BENCH(rmap_unmap, "pte", SWEEP)
{
	struct unmap_batch flush = {0};
	struct setting s;
	bool ok = true;

	if (!begin(b, &s))
		return;
	lock_pages(&s);
	for (unsigned long i = 0; i < s.nr; i++)
		ok &= !add_to_swap(pages[i]);
	bench_start(b);
	for (unsigned long i = 0; i < s.nr; i++) {
		ok &= try_to_unmap(pages[i], &flush);
		if (i % BATCH == BATCH - 1)
			unmap_batch_flush(&flush);
	}
	unmap_batch_flush(&flush);
	bench_stop(b, s.nr);
	if (!ok)
		bench_fail(b, "a page stayed mapped");
	unlock_pages(&s);
	end(b, &s);
}

static void pageout(struct bench *b)
{
	struct setting s;
	int err;

	if (!begin(b, &s))
		return;
	bench_start(b);
	err = vm_madvise(s.mm, BASE, s.nr * PAGE_SIZE, MADV_PAGEOUT);
	bench_stop(b, s.nr);
	if (err || get_mm_counter(s.mm, MM_SWAPENTS) != (long)s.nr)
		bench_fail(b, "pages stayed");
	end(b, &s);
}

/* All the way: slot, entry, flush, write, frame. */
BENCH(reclaim_pageout, "page", SWEEP)
{
	pageout(b);
}

/* Folios of 512 frames, or of what fits: each is split first, then goes frame by frame. */
BENCH(reclaim_pageout_folio, "page", BENCH_SWEEP("pages", 512, 1024))
{
	unsigned before = anon_order;

	anon_order = ANON_ORDER_MAX;
	pageout(b);
	anon_order = before;
}

/* Everything is in use: each page is looked at once before the oldest go. */
BENCH(reclaim_scan, "page", SWEEP)
{
	struct reclaim_figures before, after;
	struct setting s;
	unsigned long nr;

	if (!begin(b, &s))
		return;
	reclaim_figures(&before);
	bench_start(b);
	nr = reclaim_frames(1);
	reclaim_figures(&after);
	bench_stop(b, after.scanned - before.scanned);
	if (!nr)
		bench_fail(b, "nothing was freed");
	end(b, &s);
}
