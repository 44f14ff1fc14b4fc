/*
 * mm_slab.c - caches on the running machine: real vCPUs, the real window.
 */
#include <errno.h>
#include <string.h>

#include "kernel/sched/rcu.h"
#include "mm/page_alloc.h"
#include "mm/slab.h"
#include "mm/window.h"
#include "tests/ktest.h"

#define NR 500

static void *obj[NR];

static void fill_and_check(struct ktest *t, struct kmem_cache *cache)
{
	for (unsigned i = 0; i < NR; i++) {
		obj[i] = kmem_cache_alloc(cache, GFP_KERNEL);
		t_assert(t, obj[i]);
		memset(obj[i], (int)i, cache->size);
	}
	t_expect_eq(t, kmem_cache_live(cache), NR);
	t_expect_eq(t, kmem_cache_check(cache), 0);
	for (unsigned i = 0; i < NR; i++) {
		const u8 *byte = obj[i];

		if (byte[0] != (u8)i || byte[cache->size - 1] != (u8)i)
			t_fail(t, "object %u was overwritten", i);
		kmem_cache_free(cache, obj[i]);
	}
	t_expect_eq(t, kmem_cache_live(cache), 0);
	t_expect_eq(t, kmem_cache_check(cache), 0);
}

KTEST(slab, objects_are_the_owners_alone, KT_UNIT)
{
	static const u32 flags[] = {0, SLAB_GUARDED, SLAB_WINDOWED, SLAB_TYPESAFE_BY_RCU,
				    SLAB_TYPESAFE_BY_RCU | SLAB_WINDOWED};
	static const u32 size[] = {16, 200, 1000};
	struct kmem_cache cache;

	for (unsigned f = 0; f < ARRAY_SIZE(flags); f++) {
		for (unsigned s = 0; s < ARRAY_SIZE(size); s++) {
			t_assert_eq(t,
				    kmem_cache_create(&cache, "test", size[s], 8, NULL, flags[f]),
				    0);
			fill_and_check(t, &cache);
			t_expect_eq(t, kmem_cache_destroy(&cache), 0);
		}
	}
}

static int take_many(struct kmem_cache *cache)
{
	if (!kmem_cache_alloc_bulk(cache, GFP_KERNEL, 40, obj))
		return -ENOMEM;
	kmem_cache_free_bulk(cache, 40, obj);
	return 0;
}

KTEST(slab, every_allocation_fails_once, KT_SWEEP)
{
	static const u32 flags[] = {0, SLAB_GUARDED, SLAB_WINDOWED};
	struct kmem_cache cache;

	for (unsigned f = 0; f < ARRAY_SIZE(flags); f++) {
		t_assert_eq(t, kmem_cache_create(&cache, "test", 300, 8, NULL, flags[f]), 0);
		fault_sweep(t, take_many(&cache), t_expect_eq(t, kmem_cache_live(&cache), 0));
		t_expect_eq(t, kmem_cache_destroy(&cache), 0);
	}
}

KTEST(slab, window_addresses_are_never_reused, KT_UNIT)
{
	unsigned long last = 0;
	struct kmem_cache cache;

	t_assert_eq(t, kmem_cache_create(&cache, "test", 500, 8, NULL, SLAB_WINDOWED), 0);
	for (unsigned i = 0; i < 1200; i++) {
		unsigned long va = (unsigned long)kmem_cache_alloc(&cache, GFP_KERNEL);

		t_assert(t, va);
		if (va <= last || va < SLAB_WINDOW_BASE || va >= SLAB_WINDOW_END)
			t_fail(t, "object %u at %#lx after one at %#lx", i, va, last);
		if ((va & (PAGE_SIZE - 1)) + 504 != PAGE_SIZE)
			t_fail(t, "object at %#lx does not end at a page end", va);
		last = va;
		kmem_cache_free(&cache, (void *)va);
	}
	t_expect_eq(t, kmem_cache_destroy(&cache), 0);
}

/* ---- objects that are allocated on one vCPU and freed on another ---- */

static void cross_over(struct ktest *t, unsigned i, void *arg)
{
	struct kmem_cache *cache = arg;
	static unsigned ready;
	u64 *mine;

	if (i == 0)
		__atomic_store_n(&ready, 0, __ATOMIC_SEQ_CST);
	for (unsigned n = 0; n < 20000; n++) {
		mine = kmem_cache_alloc(cache, GFP_KERNEL);
		t_assert(t, mine);
		mine[0] = i;
		/* Leave it to the other; take what the other left. */
		mine = __atomic_exchange_n(&obj[n % 16], mine, __ATOMIC_SEQ_CST);
		if (!mine)
			continue;
		if (mine[0] > 1)
			t_fail(t, "object %p holds %#lx", (void *)mine, (unsigned long)mine[0]);
		kmem_cache_free(cache, mine);
	}
}

KTEST(slab, may_be_freed_on_another_vcpu, KT_STRESS)
{
	static const u32 flags[] = {0, SLAB_GUARDED};
	struct kmem_cache cache;

	t_need_cpus(t, 2);
	for (unsigned f = 0; f < ARRAY_SIZE(flags); f++) {
		t_assert_eq(t, kmem_cache_create(&cache, "test", 64, 8, NULL, flags[f]), 0);
		memset(obj, 0, sizeof(obj));
		t_parallel(t, 2, cross_over, &cache);
		for (unsigned i = 0; i < 16; i++) {
			if (obj[i])
				kmem_cache_free(&cache, obj[i]);
		}
		t_expect_eq(t, kmem_cache_live(&cache), 0);
		t_expect_eq(t, kmem_cache_destroy(&cache), 0);
	}
}
