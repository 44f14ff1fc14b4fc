/*
 * slab_guard.c - what surrounds an object in the debug layouts, and objects on pages of their own.
 *
 * Owns: zones, poison, tracks, the reports that name cache, object and both users.
 *
 *	  stride of a guarded cache
 *	 | zone 16 | object | pad, zone 16 | magic | allocated by | freed by | link |
 *
 *	  page of a windowed object                                   | next page: never mapped
 *	 | nobody's | magic | allocated by | freed by | zone 64 | object | pad |
 */
#include "mm/slab_internal.h"

#include <string.h>
#include "kernel/core/backtrace.h"
#include "kernel/core/bug.h"
#include "kernel/core/format.h"
#include "kernel/core/log.h"
#include "mm/buddy.h"
#include "mm/window.h"

#define ZONE_BYTES  16u
#define WINDOW_ZONE 64u
#define ZONE_BYTE   0xcc
#define POISON	   0x6b
#define MAGIC_LIVE 0x6c6976656f626ab1ull
#define MAGIC_FREE 0x667265656f626ab2ull

struct guard_track {
	u64 magic;
	void *alloc_ip;
	void *free_ip;
};

/* Behind the object: zone, track, link. */
struct guard_tail {
	u8 zone[ZONE_BYTES];
	struct guard_track track;
	void *link;
};

u32 guard_before(const struct kmem_cache *cache __maybe_unused)
{
	return ZONE_BYTES;
}

u32 guard_after(const struct kmem_cache *cache __maybe_unused)
{
	return sizeof(struct guard_tail);
}

u32 guard_windowed(void)
{
	return sizeof(struct guard_track) + WINDOW_ZONE;
}

static u32 body_bytes(const struct kmem_cache *cache)
{
	return ALIGN_UP(cache->size, 8u);
}

static struct guard_track *track_of(const struct kmem_cache *cache, const void *obj)
{
	if (cache->windowed)
		return (struct guard_track *)((char *)obj - WINDOW_ZONE) - 1;
	return &((struct guard_tail *)((char *)obj + body_bytes(cache)))->track;
}

/* The zones: [*from, @obj) and [@obj + size, *to). */
static void zone_bounds(const struct kmem_cache *cache, void *obj, u8 **from, u8 **to)
{
	if (cache->windowed) {
		*from = (u8 *)obj - WINDOW_ZONE;
		*to = (u8 *)ALIGN_UP((unsigned long)obj, PAGE_SIZE);
	} else {
		*from = (u8 *)obj - ZONE_BYTES;
		*to = (u8 *)obj + body_bytes(cache) + ZONE_BYTES;
	}
}

static bool poisoned(const struct kmem_cache *cache)
{
	return !cache->ctor && !(cache->flags & SLAB_TYPESAFE_BY_RCU);
}

/* The first byte of [@from, @to) that is not @byte, or NULL. Objects are aligned to words. */
static const u8 *find_other(const u8 *from, const u8 *to, u8 byte)
{
	u64 word = byte * 0x0101010101010101ull;

	while ((unsigned long)from % 8 == 0 && to - from >= 8 && *(const u64 *)from == word)
		from += 8;
	while (from < to && *from == byte)
		from++;
	return from < to ? from : NULL;
}

static void zones_draw(struct kmem_cache *cache, void *obj)
{
	u8 *from, *to, *end = (u8 *)obj + cache->size;

	zone_bounds(cache, obj, &from, &to);
	memset(from, ZONE_BYTE, (u8 *)obj - from);
	memset(end, ZONE_BYTE, to - end);
}

static void zones_check(struct kmem_cache *cache, void *obj)
{
	struct guard_track *track = track_of(cache, obj);
	u8 *from, *to;
	const u8 *bad;

	zone_bounds(cache, obj, &from, &to);
	bad = find_other(from, obj, ZONE_BYTE);
	if (!bad)
		bad = find_other((u8 *)obj + cache->size, to, ZONE_BYTE);
	if (bad)
		BUGF("write outside object %p of %s (%u bytes): byte %ld is %#x, allocated by %p",
		     obj, cache->name, cache->size, (long)(bad - (u8 *)obj), *bad, track->alloc_ip);
}

void guard_init(struct kmem_cache *cache, void *obj)
{
	zones_draw(cache, obj);
	*track_of(cache, obj) = (struct guard_track){.magic = MAGIC_FREE};
	if (poisoned(cache))
		memset(obj, POISON, cache->size);
}

bool guard_free_intact(struct kmem_cache *cache, void *obj)
{
	struct guard_track *track = track_of(cache, obj);
	const u8 *bad;

	if (track->magic != MAGIC_FREE) {
		pr_err("slab: %s: free object %p is marked %#lx", cache->name, obj,
		       (unsigned long)track->magic);
		return false;
	}
	bad = poisoned(cache) ? find_other(obj, (u8 *)obj + cache->size, POISON) : NULL;
	if (bad) {
		pr_err("slab: %s: object %p was written at +%#lx after it was freed at %p",
		       cache->name, obj, (unsigned long)(bad - (u8 *)obj), track->free_ip);
		return false;
	}
	return true;
}

void guard_alloc(struct kmem_cache *cache, void *obj, void *ip)
{
	struct guard_track *track = track_of(cache, obj);

	zones_check(cache, obj);
	if (!guard_free_intact(cache, obj))
		BUGF("use after free: object %p of cache %s", obj, cache->name);
	track->magic = MAGIC_LIVE;
	track->alloc_ip = ip;
}

void guard_free(struct kmem_cache *cache, void *obj, void *ip)
{
	struct guard_track *track = track_of(cache, obj);

	if (track->magic == MAGIC_FREE)
		BUGF("double free of object %p of cache %s: freed at %p before", obj, cache->name,
		     track->free_ip);
	if (track->magic != MAGIC_LIVE)
		BUGF("freeing %p, which is no object of cache %s", obj, cache->name);
	zones_check(cache, obj);
	track->magic = MAGIC_FREE;
	track->free_ip = ip;
	/*
	 * An object on a page of its own becomes unreachable instead: a reader must never see
	 * poison.
	 */
	if (poisoned(cache) && (!cache->windowed || cache->flags & SLAB_TYPESAFE_BY_RCU))
		memset(obj, POISON, cache->size);
}

bool guard_is_live(const struct kmem_cache *cache, const void *obj)
{
	return track_of(cache, obj)->magic == MAGIC_LIVE;
}

void *guard_owner(const struct kmem_cache *cache, const void *obj)
{
	return track_of(cache, obj)->alloc_ip;
}

/* ---- objects on pages of their own ---- */

/* Where in its page the object lies. */
static unsigned windowed_offset(const struct kmem_cache *cache)
{
	return PAGE_SIZE - ALIGN_UP(cache->size, max(cache->align, 8u));
}

unsigned slab_page_used_from(const struct page *page)
{
	const struct kmem_cache *cache = page->cache;

	if (!cache || !cache->windowed)
		return 0;
	return windowed_offset(cache) - guard_windowed();
}

void *windowed_alloc(struct kmem_cache *cache, gfp_t gfp, void *ip)
{
	gfp_t how = (gfp & ~__GFP_ZERO & ((1u << GFP_KIND_SHIFT) - 1)) | GFP_FOR(FK_SLAB);
	struct page *page = alloc_page(how);
	char *va, *obj;

	if (!page)
		return NULL;
	va = window_map(page, cache->index);
	if (!va) {
		free_page(page);
		return NULL;
	}
	page->cache = cache;
	page->index = 0;
	obj = va + windowed_offset(cache);
	guard_init(cache, obj);
	if (cache->ctor)
		cache->ctor(obj);
	guard_alloc(cache, obj, ip);
	return obj;
}

/* The grace period of a type-safe object is over: its page goes. */
static void windowed_free_rcu(struct rcu_head *head)
{
	struct page *page = container_of(head, struct page, rcu);
	void *obj = (void *)page->private;

	window_unmap(obj, track_of(page->cache, obj)->free_ip);
}

void windowed_free(struct kmem_cache *cache, void *obj, void *ip)
{
	struct window_entry entry = window_lookup((unsigned long)obj);

	if (entry.was_mapped)
		BUGF("double free of object %p of cache %s: freed at %p before", obj, cache->name,
		     (void *)entry.free_ip);
	if (!entry.mapped || entry.tag != cache->index)
		BUGF("freeing %p, which is no object of cache %s", obj, cache->name);
	guard_free(cache, obj, ip);
	if (cache->flags & SLAB_TYPESAFE_BY_RCU) {
		entry.page->private = (unsigned long)obj;
		call_rcu(&entry.page->rcu, windowed_free_rcu);
	} else {
		window_unmap(obj, ip);
	}
}

/* ---- reports ---- */

static bool describe_windowed(unsigned long addr, char *buf, size_t len)
{
	struct window_entry entry = window_lookup(addr);
	struct kmem_cache *cache = entry.tag < SLAB_MAX_CACHES ? slab_cache[entry.tag] : NULL;
	const char *name = cache ? cache->name : "a cache that is gone";
	char site[48];

	if (addr < SLAB_WINDOW_BASE || addr >= SLAB_WINDOW_END)
		return false;
	if (entry.mapped)
		format(buf, len, "%s, in use", name);
	else if (entry.was_mapped)
		format(buf, len, "%s, freed at %s", name,
		       symbol_text((void *)entry.free_ip, site, sizeof(site)));
	else
		format(buf, len, "slab window, beside any object");
	return true;
}

bool slab_describe(unsigned long addr, char *buf, size_t len)
{
	struct page *slab;
	void *obj;

	if (describe_windowed(addr, buf, len))
		return true;
	if (addr < (unsigned long)phys_to_virt(PHYS(frames_base_pfn << PAGE_SHIFT)) ||
	    addr >= (unsigned long)phys_to_virt(PHYS(zone.init_pfn << PAGE_SHIFT)))
		return false;
	slab = slab_of((void *)addr);
	if (!slab || !slab->cache)
		return false;
	obj = slab_object_at(slab->cache, slab, addr);
	if (!obj)
		return false;
	format(buf, len, "%s%+ld%s", slab->cache->name, (long)(addr - (unsigned long)obj),
	       !slab->cache->guarded		 ? ""
	       : guard_is_live(slab->cache, obj) ? ", in use"
						 : ", freed");
	return true;
}
