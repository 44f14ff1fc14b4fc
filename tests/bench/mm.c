/*
 * mm.c - what frames, objects and page tables cost, beside loops that do only what must be done.
 *
 * Each figure is per unit of work, with schedule points and checks off. The _floor cases are the
 * same loops written bare over an array: the price of touching every entry, below which nothing can
 * come.
 */
#include "kernel/sched/rcu.h"
#include "mm/slab.h"
#include "tests/bench.h"
#include "tests/bench/repeat.h"
#include "tests/mm_space.h"

#define NR_FRAMES 512
#define BASE	  SPACE_BASE

static struct page *page[NR_FRAMES];

/* ---- frames ---- */

BENCH(frame_alloc, "block", BENCH_CASES("order", 0, 1, 2, 3, 4, 9))
{
	unsigned order = bench_x(b), nr = min(NR_FRAMES, 4096u >> order), got;

	bench_start(b);
	for (got = 0; got < nr; got++) {
		page[got] = alloc_pages(GFP_KERNEL, order);
		if (unlikely(!page[got]))
			break;
	}
	bench_stop(b, nr);
	if (got < nr)
		bench_fail(b, "no memory");
	while (got--)
		free_pages(page[got], order);
}

BENCH(frame_free, "block", BENCH_CASES("order", 0, 1, 2, 3, 4, 9))
{
	unsigned order = bench_x(b), nr = min(NR_FRAMES, 4096u >> order), got;

	for (got = 0; got < nr; got++) {
		page[got] = alloc_pages(GFP_KERNEL, order);
		if (!page[got])
			break;
	}
	if (got < nr)
		bench_fail(b, "no memory");
	bench_start(b);
	for (unsigned i = 0; i < got; i++)
		free_pages(page[i], order);
	bench_stop(b, nr);
}

/* From and to the vCPU's list, which never runs empty or over. */
BENCH(frame_pair, "pair", BENCH_ONCE)
{
	struct page *one = alloc_page(GFP_KERNEL);

	free_page(one);
	bench_start(b);
	REPEAT(50, one = alloc_page(GFP_KERNEL); free_page(one));
	bench_stop(b, 50 * REPEAT_UNROLL);
}

BENCH(frame_zeroed, "frame", BENCH_ONCE)
{
	struct page *one;

	bench_start(b);
	REPEAT(5, one = alloc_page(GFP_KERNEL | __GFP_ZERO); free_page(one));
	bench_stop(b, 5 * REPEAT_UNROLL);
}

/* x = 1: consecutive frames. x = 0: in random order. */
BENCH(frame_release, "frame", BENCH_CASES("consecutive", 0, 1))
{
	for (unsigned i = 0; i < NR_FRAMES; i++)
		page[i] = alloc_page(GFP_KERNEL);
	for (unsigned i = NR_FRAMES - 1; i && !bench_x(b); i--) {
		unsigned j = bench_rand(b) % (i + 1);
		struct page *other = page[j];

		page[j] = page[i];
		page[i] = other;
	}
	bench_start(b);
	release_pages(page, NR_FRAMES);
	bench_stop(b, NR_FRAMES);
}

/* ---- slab ---- */

static void *object[1000];

BENCH(slab_pair, "pair", BENCH_ONCE)
{
	struct kmem_cache cache;
	void *one;

	if (kmem_cache_create(&cache, "bench", 256, 8, NULL, 0)) {
		bench_fail(b, "no more caches");
		return;
	}
	one = kmem_cache_alloc(&cache, GFP_KERNEL);
	kmem_cache_free(&cache, one);
	bench_start(b);
	REPEAT(50, one = kmem_cache_alloc(&cache, GFP_KERNEL); kmem_cache_free(&cache, one));
	bench_stop(b, 50 * REPEAT_UNROLL);
	if (kmem_cache_destroy(&cache))
		bench_fail(b, "objects are left");
}

static void slab_many(struct bench *b, bool freeing)
{
	struct kmem_cache cache;

	if (kmem_cache_create(&cache, "bench", bench_x(b), 8, NULL, 0)) {
		bench_fail(b, "no more caches");
		return;
	}
	if (!freeing)
		bench_start(b);
	for (unsigned i = 0; i < ARRAY_SIZE(object); i++)
		object[i] = kmem_cache_alloc(&cache, GFP_KERNEL);
	if (!freeing)
		bench_stop(b, ARRAY_SIZE(object));
	if (freeing)
		bench_start(b);
	for (unsigned i = 0; i < ARRAY_SIZE(object); i++)
		kmem_cache_free(&cache, object[i]);
	if (freeing)
		bench_stop(b, ARRAY_SIZE(object));
	if (kmem_cache_destroy(&cache))
		bench_fail(b, "objects are left");
}

/* A thousand objects from frames, their slabs made on the way; and back, slabs freed on the way. */
BENCH(slab_alloc, "object", BENCH_CASES("bytes", 64, 256, 1024))
{
	slab_many(b, false);
}

BENCH(slab_free, "object", BENCH_CASES("bytes", 64, 256, 1024))
{
	slab_many(b, true);
}

/* ---- page tables ---- */

static struct mm_tables space;

static bool space_begin(struct bench *b)
{
	if (tables_init(&space) == 0)
		return true;
	bench_fail(b, "no memory for an address space");
	return false;
}

/*
 * The first frame of one that may be mapped over and over: nobody frees what tables_map_range()
 * maps.
 */
static unsigned long any_pfn(void)
{
	return frames_base_pfn + 1024;
}

/* Entries away without touching the frames. */
static int forget(struct pte_walk *walk, pte_t *pte, unsigned long addr, unsigned long end)
{
	for (; addr < end; addr += PAGE_SIZE, pte++)
		pte->pte = 0;
	return 0;
}

static void space_forget(unsigned long end)
{
	struct pte_walk walk = {.mt = &space, .fn = forget};

	walk_pte_tables(&walk, BASE, end);
	space_end(&space, BASE, end);
}

BENCH(pte_walk, "walk", BENCH_ONCE)
{
	unsigned long found = 0;

	if (!space_begin(b))
		return;
	if (tables_populate(&space, BASE, BASE + PAGE_SIZE))
		bench_fail(b, "no memory for tables");
	bench_start(b);
	REPEAT(50, found += (unsigned long)pte_walk(&space, BASE));
	bench_stop(b, 50 * REPEAT_UNROLL);
	if (!found)
		bench_fail(b, "nothing found");
	space_end(&space, BASE, BASE + PMD_SIZE);
}

#define SWEEP BENCH_SWEEP("pages", 512, 2048, 8192, 32768)

/* Tables exist: what an entry costs. */
BENCH(pte_map, "pte", SWEEP)
{
	unsigned long nr = bench_x(b), end = BASE + nr * PAGE_SIZE;

	if (!space_begin(b))
		return;
	if (tables_populate(&space, BASE, end))
		bench_fail(b, "no memory for tables");
	bench_start(b);
	if (tables_map_range(&space, BASE, any_pfn(), nr, PAGE_READONLY))
		bench_fail(b, "no memory for tables");
	bench_stop(b, nr);
	space_forget(end);
}

/* Tables are made on the way. */
BENCH(pte_map_fresh, "pte", SWEEP)
{
	unsigned long nr = bench_x(b), end = BASE + nr * PAGE_SIZE;

	if (!space_begin(b))
		return;
	bench_start(b);
	if (tables_map_range(&space, BASE, any_pfn(), nr, PAGE_READONLY))
		bench_fail(b, "no memory for tables");
	bench_stop(b, nr);
	space_forget(end);
}

static u64 entry[512];

BENCH(pte_map_floor, "pte", SWEEP)
{
	unsigned long nr = bench_x(b);
	u64 value = 0x12345025;

	bench_start(b);
	for (unsigned long done = 0; done < nr; done += 512) {
		for (volatile u64 *e = entry; e < entry + 512; e++) {
			*e = value;
			value += PAGE_SIZE;
		}
	}
	bench_stop(b, nr);
}

BENCH(pte_protect, "pte", SWEEP)
{
	unsigned long nr = bench_x(b), end = BASE + nr * PAGE_SIZE;
	struct mmu_gather tlb;

	if (!space_begin(b))
		return;
	if (tables_map_range(&space, BASE, any_pfn(), nr, PAGE_SHARED))
		bench_fail(b, "no memory for tables");
	tlb_gather_mmu(&tlb, &space, false);
	bench_start(b);
	tables_protect_range(&tlb, BASE, end, PAGE_READONLY);
	bench_stop(b, nr);
	tlb_finish_mmu(&tlb);
	space_forget(end);
}

/* Zap @nr frames at @stride, flush and frame free included. */
static void zap(struct bench *b, unsigned long nr, unsigned long stride, bool fullmm)
{
	unsigned long end = BASE + nr * stride;
	struct mmu_gather tlb;

	if (!space_begin(b))
		return;
	if (space_map(&space, BASE, nr, stride)) {
		bench_fail(b, "no memory for %lu pages", nr);
	} else {
		bench_start(b);
		tlb_gather_mmu(&tlb, &space, fullmm);
		tables_zap_range(&tlb, BASE, end);
		tlb_finish_mmu(&tlb);
		bench_stop(b, nr);
	}
	space_end(&space, BASE, end);
}

BENCH(pte_zap_present, "pte", SWEEP)
{
	zap(b, bench_x(b), PAGE_SIZE, false);
}

/* The last user's own teardown: entries need no locked exchange. */
BENCH(pte_zap_fullmm, "pte", SWEEP)
{
	zap(b, bench_x(b), PAGE_SIZE, true);
}

/* One page in each table. */
BENCH(pte_zap_sparse, "table", BENCH_SWEEP("tables", 16, 64, 256))
{
	zap(b, bench_x(b), PMD_SIZE, false);
}

/* Tables without a single entry. */
BENCH(pte_zap_fresh, "pte", SWEEP)
{
	unsigned long nr = bench_x(b), end = BASE + nr * PAGE_SIZE;
	struct mmu_gather tlb;

	if (!space_begin(b))
		return;
	if (tables_populate(&space, BASE, end))
		bench_fail(b, "no memory for tables");
	bench_start(b);
	tlb_gather_mmu(&tlb, &space, false);
	tables_zap_range(&tlb, BASE, end);
	tlb_finish_mmu(&tlb);
	bench_stop(b, nr);
	space_end(&space, BASE, end);
}

/*
 * Clear an entry, find its struct page, remember it, and drop its reference: the least a zap of
 * bare frames does, over one table, without locks, gather and allocator.
 */
BENCH(pte_zap_floor, "pte", SWEEP)
{
	static struct page dummy[512];
	unsigned long nr = bench_x(b);
	struct page **slot = page;

	for (unsigned i = 0; i < 512; i++)
		dummy[i]._refcount.counter = nr / 512 + 1;
	bench_start(b);
	for (unsigned long done = 0; done < nr; done += 512) {
		slot = page;
		for (u64 *e = entry; e < entry + 512; e++) {
			u64 was = __atomic_exchange_n(e, 0, __ATOMIC_SEQ_CST);

			*slot++ = dummy + ((was & PTE_PFN_MASK & 0x1ff000) >> PAGE_SHIFT);
		}
		for (slot = page; slot < page + 512; slot++) {
			if (!__atomic_sub_fetch(&(*slot)->_refcount.counter, 1, __ATOMIC_SEQ_CST))
				barrier();
		}
	}
	bench_stop(b, nr);
}

/* Unhook, flush, and the grace period's callback that frees. */
BENCH(table_free, "table", BENCH_SWEEP("tables", 16, 64, 256))
{
	unsigned long nr = bench_x(b), end = BASE + nr * PMD_SIZE;
	struct mmu_gather tlb;

	if (!space_begin(b))
		return;
	if (tables_populate(&space, BASE, end))
		bench_fail(b, "no memory for tables");
	bench_start(b);
	tlb_gather_mmu(&tlb, &space, false);
	free_pgd_range(&tlb, BASE, end, 0, 0);
	tlb_finish_mmu(&tlb);
	bench_stop(b, nr);
	rcu_barrier();
	tables_destroy(&space);
}

BENCH(table_alloc, "table", BENCH_SWEEP("tables", 16, 64, 256))
{
	unsigned long nr = bench_x(b), end = BASE + nr * PMD_SIZE;

	if (!space_begin(b))
		return;
	bench_start(b);
	if (tables_populate(&space, BASE, end))
		bench_fail(b, "no memory for tables");
	bench_stop(b, nr);
	space_end(&space, BASE, end);
}
