/*
 * slab_world.c - the caches of a world: their layouts, their making and their end, their ledger.
 *
 * Owns: which caches exist, where objects lie in a slab, how many objects a magazine holds.
 * Idea: layout is a property of the world, not of the build. The same image runs with bare objects,
 *       with guards around each, or with objects on pages of their own.
 */
#include "mm/slab.h"

#include <errno.h>
#include "kernel/base/bits.h"
#include "kernel/core/backtrace.h"
#include "kernel/core/bug.h"
#include "kernel/core/format.h"
#include "mm/slab_internal.h"
#include "mm/window.h"

struct kmem_cache *slab_cache[SLAB_MAX_CACHES];
enum slab_layout slab_layout;

#define ORDER_MAX   3u
#define OBJECTS_MIN 4u

/* The smallest slab that wastes at most an eighth and holds a few objects. */
static void choose_order(struct kmem_cache *cache)
{
	unsigned order;

	for (order = 0; order < ORDER_MAX; order++) {
		unsigned long bytes = PAGE_SIZE_ORDER(order), nr = bytes / cache->stride;

		if (nr >= OBJECTS_MIN && bytes - nr * cache->stride <= bytes / 8)
			break;
	}
	cache->order = order;
	cache->per_slab = PAGE_SIZE_ORDER(order) / cache->stride;
}

void slab_lay_out(struct kmem_cache *cache)
{
	u32 body = ALIGN_UP(cache->size, 8u), align = max(cache->align, 8u);
	bool window = slab_layout == SLAB_LAYOUT_WINDOW && (cache->flags & SLAB_OWN_PAGE);

	cache->guarded =
		slab_layout != SLAB_LAYOUT_PLAIN || (cache->flags & (SLAB_GUARDED | SLAB_WINDOWED));
	cache->windowed = (window || (cache->flags & SLAB_WINDOWED)) &&
			  ALIGN_UP(cache->size, align) + guard_windowed() <= PAGE_SIZE;
	cache->offset = 0;
	cache->link = 0;
	if (cache->guarded) {
		cache->offset = ALIGN_UP(guard_before(cache), align);
		cache->link = body + guard_after(cache) - sizeof(void *);
		body = cache->offset + body + guard_after(cache);
	} else if (cache->ctor || cache->flags & SLAB_TYPESAFE_BY_RCU) {
		/* What lies in a free object is still wanted. */
		cache->link = body;
		body += sizeof(void *);
	}
	cache->stride = ALIGN_UP(body, align);
	choose_order(cache);
	cache->limit = cache->guarded ? 0 : min(MAGAZINE_SLOTS, 2u * cache->per_slab);
}

/* Index 0 means "not usable", so that a zeroed cache is caught. */
static int cache_start(struct kmem_cache *cache)
{
	unsigned index = 1, cpu;

	while (index < SLAB_MAX_CACHES && slab_cache[index])
		index++;
	if (index == SLAB_MAX_CACHES)
		return -ENOSPC;

	slab_lay_out(cache);
	spin_lock_init(&cache->lock, LC_SLAB);
	INIT_LIST_HEAD(&cache->partial);
	INIT_LIST_HEAD(&cache->full);
	INIT_LIST_HEAD(&cache->empty);
	cache->nr_slabs = 0;
	cache->nr_empty = 0;
	for_each_vcpu(cpu) {
		struct magazine *mag = &per_cpu_ptr(slab_magazines, cpu)->mag[index];

		mag->nr = 0;
		mag->live = 0;
		mag->limit = cache->limit;
	}
	cache->index = index;
	cache->magazine = offsetof(struct slab_magazines, mag[index]);
	slab_cache[index] = cache;
	return 0;
}

void slab_world_init(enum slab_layout layout)
{
	struct kmem_cache *cache;

	slab_layout = layout;
	for (unsigned i = 0; i < SLAB_MAX_CACHES; i++)
		slab_cache[i] = NULL;
	for_each_registered(kmem_cache, cache)
		BUG_ON(cache_start(cache) != 0);
}

int kmem_cache_create(struct kmem_cache *cache, const char *name, size_t size, size_t align,
		      void (*ctor)(void *), u32 flags)
{
	if (size == 0 || size > SLAB_MAX_SIZE || !is_power_of_2(align) || align > PAGE_SIZE)
		return -EINVAL;
	*cache = (struct kmem_cache)KMEM_CACHE_INIT(name, size, align, ctor, flags);
	return cache_start(cache);
}

int kmem_cache_destroy(struct kmem_cache *cache)
{
	slab_drain_all();
	if (cache->flags & SLAB_TYPESAFE_BY_RCU)
		rcu_barrier();
	if (kmem_cache_live(cache) != 0)
		return -EBUSY;
	kmem_cache_shrink(cache);
	slab_cache[cache->index] = NULL;
	cache->index = 0;
	return 0;
}

unsigned long slab_shrink_all(void)
{
	unsigned long nr = 0;

	for (unsigned i = 1; i < SLAB_MAX_CACHES; i++) {
		if (slab_cache[i])
			nr += kmem_cache_shrink(slab_cache[i]);
	}
	window_settle();
	return nr;
}

/* ---- ledger: one line per cache ---- */

static unsigned ledger_lines(void)
{
	unsigned nr = 0;

	for (unsigned i = 1; i < SLAB_MAX_CACHES; i++)
		nr += slab_cache[i] != NULL;
	return nr;
}

static const char *ledger_line(unsigned line, long *live)
{
	unsigned i = 1;

	while (!slab_cache[i] || line-- > 0)
		i++;
	*live = kmem_cache_live(slab_cache[i]);
	return slab_cache[i]->name;
}

static void report_object(struct kmem_cache *cache, void *obj, void (*print)(const char *text))
{
	char text[128], site[64];

	format(text, sizeof(text), "%p allocated at %s", obj,
	       symbol_text(guard_owner(cache, obj), site, sizeof(site)));
	print(text);
}

static void report_list(struct kmem_cache *cache, struct list_head *list,
			void (*print)(const char *text))
{
	struct page *slab;

	list_for_each_entry(slab, list, lru) {
		for (unsigned i = 0; i < cache->per_slab; i++) {
			void *obj = slab_object(cache, slab, i);

			if (guard_is_live(cache, obj))
				report_object(cache, obj, print);
		}
	}
}

/* Guarded caches know who allocated what lives. */
static void ledger_report(const char *line, void (*print)(const char *text))
{
	for (unsigned i = 1; i < SLAB_MAX_CACHES; i++) {
		struct kmem_cache *cache = slab_cache[i];

		if (!cache || cache->name != line || !cache->guarded || cache->windowed)
			continue;
		report_list(cache, &cache->partial, print);
		report_list(cache, &cache->full, print);
	}
}
LEDGER_FAMILY(slab, ledger_lines, ledger_line, ledger_report);
