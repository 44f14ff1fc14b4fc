/*
 * test_slab.c - caches, magazines and guards against what they promise.
 */
#include <errno.h>
#include <string.h>
#include "kernel/core/fault.h"
#include "kernel/core/preempt.h"
#include "kernel/sched/rcu.h"
#include "kernel/x86/percpu.h"
#include "mm/slab.h"
#include "tests/host/mm/host_mm.h"

static unsigned nr_made;

static void make_point(void *obj)
{
	nr_made++;
	memset(obj, 0x11, 48);
}

static struct kmem_cache registered = KMEM_CACHE_INIT("registered", 64, 64, NULL, 0);
void *host_registered[] = {&registered, NULL};

static void slab_host_world(enum slab_layout layout, unsigned cpus)
{
	host_world(4096, 4096, cpus);
	slab_world_init(layout);
}

static void settle_slabs(void)
{
	slab_drain_all();
	slab_shrink_all();
	host_settle();
}

static void try_shape(unsigned size, unsigned align)
{
	static char *objs[1000];
	unsigned nr = size > 1000 ? 50 : 1000;
	struct kmem_cache cache;

	h_assert_eq(kmem_cache_create(&cache, "shape", size, align, NULL, 0), 0);
	for (unsigned i = 0; i < nr; i++) {
		objs[i] = kmem_cache_alloc(&cache, GFP_KERNEL);
		h_assert(objs[i]);
		h_expect_eq((unsigned long)(objs[i] - host_ram) % align, 0);
		memset(objs[i], i, size);
	}
	h_expect_eq(kmem_cache_live(&cache), nr);
	h_expect_eq(kmem_cache_check(&cache), 0);
	h_expect_eq(kmem_cache_destroy(&cache), -EBUSY);
	for (unsigned i = 0; i < nr; i++) {
		h_expect_eq((u8)objs[i][0], (u8)i);
		h_expect_eq((u8)objs[i][size - 1], (u8)i);
		host_cpu = i % 2;
		kmem_cache_free(&cache, objs[i]);
	}
	h_expect_eq(kmem_cache_check(&cache), 0);
	h_expect_eq(kmem_cache_destroy(&cache), 0);
	h_expect_eq(frames_live(FK_SLAB), 0);
}

HTEST(objects_are_distinct_and_aligned)
{
	static const struct {
		unsigned size, align;
	} shape[] = {{8, 8},	 {24, 8},   {64, 64},  {100, 4},
		     {256, 256}, {700, 16}, {3000, 8}, {8192, 8}};

	for (int layout = SLAB_LAYOUT_PLAIN; layout <= SLAB_LAYOUT_REDZONE; layout++) {
		slab_host_world(layout, 2);
		for (unsigned s = 0; s < sizeof(shape) / sizeof(shape[0]); s++)
			try_shape(shape[s].size, shape[s].align);
	}
	h_expect_eq(host_preempt_depth, 0);
}

HTEST(bad_caches_are_refused)
{
	struct kmem_cache cache, many[SLAB_MAX_CACHES];
	unsigned nr = 0;

	slab_host_world(SLAB_LAYOUT_PLAIN, 1);
	h_expect_eq(kmem_cache_create(&cache, "x", 0, 8, NULL, 0), -EINVAL);
	h_expect_eq(kmem_cache_create(&cache, "x", SLAB_MAX_SIZE + 1, 8, NULL, 0), -EINVAL);
	h_expect_eq(kmem_cache_create(&cache, "x", 8, 24, NULL, 0), -EINVAL);
	h_expect_eq(kmem_cache_create(&cache, "x", 8, 8192, NULL, 0), -EINVAL);
	while (nr < SLAB_MAX_CACHES && kmem_cache_create(&many[nr], "x", 8, 8, NULL, 0) == 0)
		nr++;
	h_expect_eq(nr, SLAB_MAX_CACHES - 2);
	h_expect_eq(kmem_cache_create(&cache, "x", 8, 8, NULL, 0), -ENOSPC);
}

HTEST(constructed_state_is_kept)
{
	u8 made[48];
	static u8 *objs[200];
	struct kmem_cache cache;

	make_point(made);
	for (int layout = SLAB_LAYOUT_PLAIN; layout <= SLAB_LAYOUT_REDZONE; layout++) {
		slab_host_world(layout, 1);
		nr_made = 0;
		h_assert_eq(kmem_cache_create(&cache, "point", 48, 8, make_point, 0), 0);
		for (unsigned i = 0; i < 600; i++) {
			u8 **slot = &objs[i % 200];

			if (*slot)
				kmem_cache_free(&cache, *slot);
			*slot = kmem_cache_alloc(&cache, GFP_KERNEL);
			h_assert(!memcmp(*slot, made, sizeof(made)));
		}
		for (unsigned i = 0; i < 200; i++)
			kmem_cache_free(&cache, objs[i]);
		memset(objs, 0, sizeof(objs));
		h_expect(nr_made >= 200 && nr_made < 600);
		h_expect_eq(kmem_cache_destroy(&cache), 0);
	}
}

HTEST(type_safe_memory_outlives_a_grace_period)
{
	struct kmem_cache cache;
	long slab_frames;
	void *obj;

	slab_host_world(SLAB_LAYOUT_PLAIN, 1);
	h_assert_eq(kmem_cache_create(&cache, "safe", 512, 8, NULL, SLAB_TYPESAFE_BY_RCU), 0);
	obj = kmem_cache_alloc(&cache, GFP_KERNEL);
	slab_frames = frames_live(FK_SLAB);
	kmem_cache_free(&cache, obj);
	slab_drain_all();
	kmem_cache_shrink(&cache);
	h_expect_eq(frames_live(FK_SLAB), slab_frames);
	rcu_barrier();
	h_expect_eq(frames_live(FK_SLAB), 0);
	h_expect_eq(kmem_cache_destroy(&cache), 0);
}

HTEST(guards_fire)
{
	u8 *obj, *other;

	slab_host_world(SLAB_LAYOUT_REDZONE, 1);
	obj = kmem_cache_alloc(&registered, GFP_KERNEL);
	obj[64] = 1;
	h_expect(host_bug_caught(kmem_cache_free(&registered, obj)));
	h_expect(strstr(host_bug_text, "write outside"));

	slab_host_world(SLAB_LAYOUT_REDZONE, 1);
	obj = kmem_cache_alloc(&registered, GFP_KERNEL);
	obj[-1] = 1;
	h_expect(host_bug_caught(kmem_cache_free(&registered, obj)));
	h_expect(strstr(host_bug_text, "write outside"));

	slab_host_world(SLAB_LAYOUT_REDZONE, 1);
	obj = kmem_cache_alloc(&registered, GFP_KERNEL);
	kmem_cache_free(&registered, obj);
	h_expect(host_bug_caught(kmem_cache_free(&registered, obj)));
	h_expect(strstr(host_bug_text, "double free"));

	slab_host_world(SLAB_LAYOUT_REDZONE, 1);
	obj = kmem_cache_alloc(&registered, GFP_KERNEL);
	other = kmem_cache_alloc(&registered, GFP_KERNEL);
	kmem_cache_free(&registered, obj);
	obj[10] = 0;
	h_expect_eq(kmem_cache_check(&registered), -EINVAL);
	h_expect(host_bug_caught((void)!kmem_cache_alloc(&registered, GFP_KERNEL)));
	h_expect(strstr(host_bug_text, "use after free"));
	kmem_cache_free(&registered, other);
}

HTEST(checked_plain_caches_notice_strangers)
{
	struct kmem_cache cache;
	u8 *obj, *mine;

	slab_host_world(SLAB_LAYOUT_PLAIN, 1);
	h_assert_eq(kmem_cache_create(&cache, "other", 64, 8, NULL, 0), 0);
	host_checks(true);
	obj = kmem_cache_alloc(&registered, GFP_KERNEL);
	mine = kmem_cache_alloc(&cache, GFP_KERNEL);
	h_expect(host_bug_caught(kmem_cache_free(&cache, obj)));
	h_expect(host_bug_caught(kmem_cache_free(&cache, mine + 8)));
	kmem_cache_free(&cache, mine);
	h_expect(host_bug_caught(kmem_cache_free(&cache, mine)));
	h_expect(strstr(host_bug_text, "double free"));
}

HTEST(every_allocation_may_fail)
{
	void *objs[100];
	long frames;
	unsigned nr_failed = 0;

	slab_host_world(SLAB_LAYOUT_PLAIN, 1);
	frames = frames_live(FK_SLAB);
	for (long n = 0;; n++) {
		bool ok;

		host_fault_arm(n);
		ok = kmem_cache_alloc_bulk(&registered, GFP_KERNEL, 100, objs);
		if (ok && host_fault_countdown >= 0)
			break;
		h_expect(!ok);
		nr_failed++;
		h_expect_eq(kmem_cache_live(&registered), 0);
		settle_slabs();
		h_expect_eq(frames_live(FK_SLAB), frames);
	}
	host_fault_arm(-1);
	h_expect(nr_failed >= 102);
	kmem_cache_free_bulk(&registered, 100, objs);
	settle_slabs();
	h_expect_eq(frames_live(FK_SLAB), frames);
}

HTEST(out_of_memory_is_null)
{
	static void *objs[100000];
	unsigned nr = 0;

	slab_host_world(SLAB_LAYOUT_PLAIN, 1);
	while (nr < 100000 && (objs[nr] = kmem_cache_alloc(&registered, GFP_NOWAIT)))
		nr++;
	h_expect(nr > 10000 && nr < 100000 * 3);
	kmem_cache_free_bulk(&registered, nr, objs);
	settle_slabs();
	h_expect_eq(frames_live(FK_SLAB), 0);
	h_expect_eq(frames_check(), 0);
}

/* Random operations on several CPUs; contents say whose object it is. */
static void run_model(enum slab_layout layout)
{
	enum { HELD = 3000, OPS = 150000 };
	static u64 *held[HELD];
	long live = 0;

	slab_host_world(layout, 4);
	memset(held, 0, sizeof(held));
	for (unsigned op = 0; op < OPS; op++) {
		unsigned i = host_rand() % HELD;

		host_cpu = host_rand() % 4;
		if (!held[i]) {
			held[i] = kmem_cache_alloc(&registered, GFP_KERNEL);
			h_assert(held[i]);
			for (unsigned w = 0; w < 8; w++)
				held[i][w] = i * 8ul + w;
			live++;
		} else {
			for (unsigned w = 0; w < 8; w++)
				h_assert_eq(held[i][w], i * 8ul + w);
			kmem_cache_free(&registered, held[i]);
			held[i] = NULL;
			live--;
		}
		if (op % 30000 == 0) {
			h_expect_eq(kmem_cache_live(&registered), live);
			h_assert_eq(kmem_cache_check(&registered), 0);
			h_assert_eq(frames_check(), 0);
		}
		if (op % 10007 == 0)
			settle_slabs();
	}
	for (unsigned i = 0; i < HELD; i++) {
		if (held[i])
			kmem_cache_free(&registered, held[i]);
	}
	settle_slabs();
	h_expect_eq(kmem_cache_live(&registered), 0);
	h_expect_eq(frames_live(FK_SLAB), 0);
}

HTEST(model_plain)
{
	run_model(SLAB_LAYOUT_PLAIN);
}

HTEST(model_guarded)
{
	run_model(SLAB_LAYOUT_REDZONE);
}
