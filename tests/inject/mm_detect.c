/*
 * mm_detect.c - every detector of frames, slab and tables, shown to fire.
 *
 * Each case does what must never be done inside oops_catch(), looks whether the report names it,
 * and repairs what was half done, so that the ledger balances.
 */
#include <string.h>

#include "kernel/core/oops.h"
#include "mm/buddy.h"
#include "mm/page_flags.h"
#include "mm/slab.h"
#include "mm/slab_internal.h"
#include "mm/window.h"
#include "tests/ktest.h"
#include "tests/mm_space.h"

static struct kmem_cache cache;
static struct oops oops;

static void expect_report(struct ktest *t, void (*fn)(void *arg), void *arg, const char *what)
{
	memset(&oops, 0, sizeof(oops));
	if (!oops_catch(fn, arg, &oops))
		t_fail(t, "nothing was reported; \"%s\" was expected", what);
	else if (!strstr(oops.cause, what))
		t_fail(t, "\"%s\" was reported, \"%s\" was expected", oops.cause, what);
	else
		t_expect(t, true);
}

/* ---- frames ---- */

static void free_again(void *page)
{
	free_dead_page(page);
}

static void do_put(void *page)
{
	put_page(page);
}

KTEST(detect, double_free_of_a_frame, KT_UNIT)
{
	struct page *page = alloc_page(GFP_KERNEL);

	t_assert(t, page);
	free_page(page);
	expect_report(t, free_again, page, "not the caller's alone");
}

static void free_one(void *page)
{
	free_page(page);
}

KTEST(detect, free_of_a_shared_frame, KT_UNIT)
{
	struct page *page = alloc_page(GFP_KERNEL);

	t_assert(t, page);
	get_page(page);
	expect_report(t, free_one, page, "not the caller's alone");
	put_page(page);
}

KTEST(detect, free_of_a_page_under_write_back, KT_UNIT)
{
	bool checked = static_key_enabled(&checks_key);
	struct page *page = alloc_page(GFP_KERNEL | GFP_FOR(FK_FILE));

	t_assert(t, page);
	checks_set(true);
	page_flag_set(page, PG_writeback);
	expect_report(t, do_put, page, "is being stored");
	page_flag_clear(page, PG_writeback);
	atomic_set(&page->_refcount, 1);
	put_page(page);
	checks_set(checked);
}

KTEST(detect, free_of_a_mapped_frame, KT_UNIT)
{
	bool checked = static_key_enabled(&checks_key);
	struct page *page = alloc_page(GFP_KERNEL);

	t_assert(t, page);
	checks_set(true);
	atomic_inc(&page->_mapcount);
	expect_report(t, do_put, page, "still map");
	atomic_dec(&page->_mapcount);
	atomic_set(&page->_refcount, 1);
	put_page(page);
	checks_set(checked);
}

static struct page *taken;

static void take_frame(void *arg)
{
	taken = alloc_page(GFP_KERNEL);
}

KTEST(detect, write_to_a_free_frame, KT_UNIT)
{
	bool checked = static_key_enabled(&checks_key), poison = zone.poison;
	struct page *page;

	checks_set(true);
	zone.poison = true;
	preempt_disable();
	page = alloc_page(GFP_NOWAIT);
	free_page(page);
	((u64 *)page_address(page))[5] = 1;
	expect_report(t, take_frame, NULL, "while free");
	/* It had left its list already. */
	page->state = FK_KERNEL;
	atomic_set(&page->_refcount, 1);
	zone.poison = poison;
	preempt_enable();
	free_page(page);
	checks_set(checked);
}

/* ---- slab ---- */

static void free_object(void *obj)
{
	kmem_cache_free(&cache, obj);
}

static void alloc_object(void *arg)
{
	*(void **)arg = kmem_cache_alloc(&cache, GFP_KERNEL);
}

KTEST(detect, write_beside_an_object, KT_UNIT)
{
	static const u32 flags[] = {SLAB_GUARDED, SLAB_WINDOWED};

	for (unsigned f = 0; f < ARRAY_SIZE(flags); f++) {
		u8 *obj, was;

		t_assert_eq(t, kmem_cache_create(&cache, "detect", 90, 8, NULL, flags[f]), 0);
		obj = kmem_cache_alloc(&cache, GFP_KERNEL);
		t_assert(t, obj);
		was = obj[90];
		obj[90] = 0;
		expect_report(t, free_object, obj, "write outside");
		obj[90] = was;
		was = obj[-1];
		obj[-1] = 0;
		expect_report(t, free_object, obj, "write outside");
		obj[-1] = was;
		kmem_cache_free(&cache, obj);
		t_expect_eq(t, kmem_cache_destroy(&cache), 0);
	}
}

KTEST(detect, double_free_of_an_object, KT_UNIT)
{
	static const u32 flags[] = {SLAB_GUARDED, SLAB_WINDOWED};

	for (unsigned f = 0; f < ARRAY_SIZE(flags); f++) {
		void *obj;

		t_assert_eq(t, kmem_cache_create(&cache, "detect", 90, 8, NULL, flags[f]), 0);
		obj = kmem_cache_alloc(&cache, GFP_KERNEL);
		t_assert(t, obj);
		kmem_cache_free(&cache, obj);
		expect_report(t, free_object, obj, "double free");
		t_expect_eq(t, kmem_cache_destroy(&cache), 0);
	}
}

KTEST(detect, write_to_a_free_object, KT_UNIT)
{
	u8 *obj, *again = NULL, was;

	t_assert_eq(t, kmem_cache_create(&cache, "detect", 90, 8, NULL, SLAB_GUARDED), 0);
	obj = kmem_cache_alloc(&cache, GFP_KERNEL);
	t_assert(t, obj);
	kmem_cache_free(&cache, obj);
	was = obj[33];
	obj[33] = 0;
	expect_report(t, alloc_object, &again, "use after free");
	t_expect(t, !again);
	/* It had left its slab already. */
	obj[33] = was;
	guard_alloc(&cache, obj, NULL);
	kmem_cache_free(&cache, obj);
	t_expect_eq(t, kmem_cache_destroy(&cache), 0);
}

static void touch(void *obj)
{
	*(volatile u8 *)obj = 1;
}

KTEST(detect, use_after_free_is_a_page_fault_that_names_the_object, KT_UNIT)
{
	char text[128] = "";
	u8 *obj;

	t_assert_eq(t, kmem_cache_create(&cache, "detect", 90, 8, NULL, SLAB_WINDOWED), 0);
	obj = kmem_cache_alloc(&cache, GFP_KERNEL);
	t_assert(t, obj);
	t_expect(t, !oops_catch(touch, obj, NULL));
	t_expect(t, slab_describe((unsigned long)obj + 4, text, sizeof(text)));
	t_expect(t, strstr(text, "detect") && strstr(text, "in use"));

	kmem_cache_free(&cache, obj);
	expect_report(t, touch, obj, "page fault");
	t_expect(t, strstr(oops.cause, "detect, freed at"));
	t_expect_eq(t, oops.addr, (unsigned long)obj);
	t_expect(t, slab_describe(oops.addr, text, sizeof(text)));
	t_expect(t, strstr(text, "detect") && strstr(text, "freed"));

	/* The page after an object is never mapped. */
	obj = kmem_cache_alloc(&cache, GFP_KERNEL);
	t_assert(t, obj);
	obj = (u8 *)ALIGN_UP((unsigned long)obj, PAGE_SIZE);
	expect_report(t, touch, obj, "page fault");
	kmem_cache_free(&cache, obj - ALIGN_UP(90, 8));
	t_expect_eq(t, kmem_cache_destroy(&cache), 0);
}

KTEST(detect, object_freed_to_another_cache, KT_UNIT)
{
	bool checked = static_key_enabled(&checks_key);
	struct kmem_cache other;
	void *obj;

	t_assert_eq(t, kmem_cache_create(&cache, "detect", 90, 8, NULL, 0), 0);
	t_assert_eq(t, kmem_cache_create(&other, "other", 90, 8, NULL, 0), 0);
	checks_set(true);
	obj = kmem_cache_alloc(&other, GFP_KERNEL);
	t_assert(t, obj);
	expect_report(t, free_object, obj, "belongs to other");
	expect_report(t, free_object, (char *)obj + 8, "belongs to other");
	checks_set(checked);
	kmem_cache_free(&other, obj);
	t_expect_eq(t, kmem_cache_destroy(&other), 0);
	t_expect_eq(t, kmem_cache_destroy(&cache), 0);
}

static void free_to(void *unknown)
{
	kmem_cache_free(unknown, unknown);
}

KTEST(detect, object_of_a_plain_cache_freed_wrongly, KT_UNIT)
{
	bool checked = static_key_enabled(&checks_key);
	struct kmem_cache unknown;
	void *obj;

	t_assert_eq(t, kmem_cache_create(&cache, "detect", 90, 8, NULL, 0), 0);
	checks_set(true);
	obj = kmem_cache_alloc(&cache, GFP_KERNEL);
	t_assert(t, obj);
	expect_report(t, free_object, (char *)obj + 8, "not the start of an object");
	unknown = cache;
	expect_report(t, free_to, &unknown, "which does not exist");
	kmem_cache_free(&cache, obj);
	expect_report(t, free_object, obj, "double free");
	checks_set(checked);
	t_expect_eq(t, kmem_cache_destroy(&cache), 0);
}

KTEST(detect, free_of_what_is_no_object, KT_UNIT)
{
	bool checked = static_key_enabled(&checks_key);
	char *obj;

	t_assert_eq(t, kmem_cache_create(&cache, "detect", 90, 8, NULL, SLAB_GUARDED), 0);
	obj = kmem_cache_alloc(&cache, GFP_KERNEL);
	t_assert(t, obj);
	/* Checked, the slab is asked before the guards. */
	expect_report(t, free_object, obj + 16,
		      checked ? "not the start of an object" : "which is no object");
	kmem_cache_free(&cache, obj);
	t_expect_eq(t, kmem_cache_destroy(&cache), 0);

	t_assert_eq(t, kmem_cache_create(&cache, "detect", 90, 8, NULL, SLAB_WINDOWED), 0);
	obj = kmem_cache_alloc(&cache, GFP_KERNEL);
	t_assert(t, obj);
	expect_report(t, free_object, obj + PAGE_SIZE, "which is no object");
	kmem_cache_free(&cache, obj);
	t_expect_eq(t, kmem_cache_destroy(&cache), 0);
}

/* ---- tables ---- */

static struct mm_tables space;
static struct mmu_gather tlb;

static void free_tables(void *arg)
{
	free_pgd_range(&tlb, SPACE_BASE, SPACE_BASE + PMD_SIZE, 0, 0);
}

static void free_directory(void *arg)
{
	tables_destroy(&space);
}

static void free_unflushed(void *arg)
{
	tlb_free_gathered(&tlb);
}

KTEST(detect, free_of_tables_in_use, KT_UNIT)
{
	bool checked = static_key_enabled(&checks_key);

	checks_set(true);
	t_assert_eq(t, tables_init(&space), 0);
	t_expect_eq(t, space_map(&space, SPACE_BASE, 1, PAGE_SIZE), 0);
	tlb_gather_mmu(&tlb, &space, false);
	expect_report(t, free_tables, NULL, "freeing the table");
	expect_report(t, free_directory, NULL, "freeing a directory");
	space_end(&space, SPACE_BASE, SPACE_BASE + PMD_SIZE);
	checks_set(checked);
}

static void map_frame_again(void *page)
{
	(void)!tables_map_range(&space, SPACE_BASE, page_to_pfn(page), 1, PAGE_SHARED);
}

static void map_page_again(void *page)
{
	struct page *pages[] = {page};

	(void)!tables_map_pages(&space, SPACE_BASE, pages, 1, PAGE_SHARED);
}

KTEST(detect, mapping_over_an_entry, KT_UNIT)
{
	bool checked = static_key_enabled(&checks_key);
	struct page *page = alloc_page(GFP_KERNEL);

	t_assert(t, page);
	checks_set(true);
	t_assert_eq(t, tables_init(&space), 0);
	t_expect_eq(t, space_map(&space, SPACE_BASE, 1, PAGE_SIZE), 0);
	expect_report(t, map_frame_again, page, "mapping over entry");
	expect_report(t, map_page_again, page, "mapping over entry");
	space_end(&space, SPACE_BASE, SPACE_BASE + PMD_SIZE);
	checks_set(checked);
	free_page(page);
}

KTEST(detect, gather_that_frees_before_it_flushes, KT_UNIT)
{
	t_assert_eq(t, tables_init(&space), 0);
	t_expect_eq(t, space_map(&space, SPACE_BASE, 3, PAGE_SIZE), 0);
	tlb_gather_mmu(&tlb, &space, false);
	t_expect_eq(t, tables_zap_range(&tlb, SPACE_BASE, SPACE_BASE + 3 * PAGE_SIZE), 3);
	expect_report(t, free_unflushed, NULL, "frees before it flushed");
	t_expect_eq(t, frames_live(FK_ANON), 3);
	tlb_finish_mmu(&tlb);
	t_expect_eq(t, frames_live(FK_ANON), 0);
	space_end(&space, SPACE_BASE, SPACE_BASE + PMD_SIZE);
}
