/*
 * slab.c - hand out objects and take them back: the magazines.
 *
 * Owns: the fast paths, filling and emptying magazines, bulk calls, live counts.
 * Not here: slabs (slab_pages.c), guards and objects on pages of their own (slab_guard.c), layouts
 *           and the making of caches (slab_world.c).
 * Idea: a magazine is an array of free objects that only its vCPU touches; the object freed last is
 *       handed out first. A guarded cache has magazines that hold nothing, so the fast path finds
 *       them empty, or full, and goes the slow way without asking what kind of cache it is.
 */
#include "mm/slab.h"

#include <errno.h>
#include <string.h>
#include "kernel/core/bug.h"
#include "kernel/core/events.h"
#include "kernel/core/fault.h"
#include "kernel/core/preempt.h"
#include "mm/drain.h"
#include "mm/slab_internal.h"

DEFINE_PER_CPU(struct slab_magazines, slab_magazines);
FAULT_SITE(failslab, "a slab object");

static __always_inline struct magazine *magazine_here(struct kmem_cache *cache)
{
	return (struct magazine *)((char *)this_cpu_ptr(slab_magazines) + cache->magazine);
}

/* ---- taking ---- */

/* One object, with as many for the magazine as half of it holds. NULL: no slab has one. */
static void *take_filling(struct kmem_cache *cache)
{
	struct magazine *mag;
	void *obj = NULL, *one[1];
	unsigned got;

	preempt_disable();
	mag = magazine_here(cache);
	spin_lock(&cache->lock);
	if (mag->nr)
		got = mag->nr;
	else if (mag->limit)
		got = mag->nr = slab_take(cache, mag->slot, mag->limit / 2);
	else
		got = slab_take(cache, one, 1);
	spin_unlock(&cache->lock);
	if (got) {
		obj = mag->nr ? mag->slot[--mag->nr] : one[0];
		mag->live++;
	}
	preempt_enable();
	return obj;
}

/* Every allocation that is not simply the next object of the magazine. */
static noinline void *alloc_slow(struct kmem_cache *cache, gfp_t gfp, void *ip)
{
	void *obj;

	ASSERT(cache->index != 0);
	if (fault_should_fail(&fault_site_failslab, cache->size))
		return NULL;
	event_count(EV_SLAB, 1);
	if (cache->windowed) {
		obj = windowed_alloc(cache, gfp, ip);
		preempt_disable();
		magazine_here(cache)->live += obj != NULL;
		preempt_enable();
		return obj;
	}
	while (!(obj = take_filling(cache))) {
		if (slab_grow(cache, gfp))
			return NULL;
	}
	if (cache->guarded)
		guard_alloc(cache, obj, ip);
	return obj;
}

static __always_inline void *alloc_here(struct kmem_cache *cache, gfp_t gfp)
{
	struct magazine *mag;
	void *obj;
	u32 n;

	if (static_branch_unlikely(&faults_key))
		return alloc_slow(cache, gfp, __builtin_return_address(0));
	if (static_branch_unlikely(&lock_slow_key))
		return alloc_slow(cache, gfp, __builtin_return_address(0));
	preempt_disable();
	mag = magazine_here(cache);
	n = mag->nr;
	if (unlikely(n == 0)) {
		preempt_enable();
		return alloc_slow(cache, gfp, __builtin_return_address(0));
	}
	mag->nr = n - 1;
	mag->live++;
	obj = mag->slot[n - 1];
	preempt_enable();
	return obj;
}

void *kmem_cache_alloc(struct kmem_cache *cache, gfp_t gfp)
{
	return alloc_here(cache, gfp);
}

void *kmem_cache_zalloc(struct kmem_cache *cache, gfp_t gfp)
{
	void *obj = alloc_here(cache, gfp);

	if (obj)
		memset(obj, 0, cache->size);
	return obj;
}

/* ---- giving back ---- */

/* Checked runs: an object of a plain cache that comes back where it belongs, and not twice. */
static void free_check(struct kmem_cache *cache, void *obj)
{
	struct magazine *mag;
	struct page *slab;

	if (cache->index == 0 || slab_cache[cache->index] != cache)
		BUGF("freeing %p to cache %s, which does not exist", obj, cache->name);
	if (cache->windowed)
		return;
	slab = slab_of(obj);
	if (!slab || slab->cache != cache)
		BUGF("freeing %p to cache %s: it belongs to %s", obj, cache->name,
		     slab ? slab->cache->name : "no cache");
	if (slab_object_at(cache, slab, (unsigned long)obj) != obj)
		BUGF("freeing %p to cache %s: not the start of an object", obj, cache->name);
	preempt_disable();
	mag = magazine_here(cache);
	for (unsigned i = 0; i < mag->nr; i++) {
		if (mag->slot[i] == obj)
			BUGF("double free of %p, cache %s", obj, cache->name);
	}
	preempt_enable();
}

/* A full magazine: the objects that lay there longest go back to their slabs. */
static void free_spilling(struct kmem_cache *cache, void *obj)
{
	void *spilled[MAGAZINE_SLOTS];
	struct magazine *mag;
	unsigned nr = 0;

	preempt_disable();
	mag = magazine_here(cache);
	if (mag->nr == mag->limit) {
		nr = mag->limit / 2;
		memcpy(spilled, mag->slot, nr * sizeof(void *));
		mag->nr -= nr;
		memmove(mag->slot, mag->slot + nr, mag->nr * sizeof(void *));
	}
	mag->slot[mag->nr++] = obj;
	mag->live--;
	preempt_enable();
	slab_put(cache, spilled, nr);
}

/* Every free that is not simply a push on the magazine. */
static noinline void free_slow(struct kmem_cache *cache, void *obj, void *ip)
{
	ASSERT(cache->index != 0);
	event_count(EV_SLAB, 1);
	if (static_branch_unlikely(&checks_key))
		free_check(cache, obj);
	point(PT_FREE, obj, 0, MO_RELAXED, cache->size);
	if (!cache->guarded) {
		free_spilling(cache, obj);
		return;
	}
	if (cache->windowed) {
		windowed_free(cache, obj, ip);
	} else {
		guard_free(cache, obj, ip);
		slab_put(cache, &obj, 1);
	}
	preempt_disable();
	magazine_here(cache)->live--;
	preempt_enable();
}

static __always_inline void free_here(struct kmem_cache *cache, void *obj)
{
	struct magazine *mag;
	u32 n;

	if (static_branch_unlikely(&lock_slow_key)) {
		free_slow(cache, obj, __builtin_return_address(0));
		return;
	}
	preempt_disable();
	mag = magazine_here(cache);
	n = mag->nr;
	if (unlikely(n == mag->limit)) {
		preempt_enable();
		free_slow(cache, obj, __builtin_return_address(0));
		return;
	}
	mag->live--;
	mag->slot[n] = obj;
	mag->nr = n + 1;
	preempt_enable();
}

void kmem_cache_free(struct kmem_cache *cache, void *obj)
{
	free_here(cache, obj);
}

/* ---- many at once ---- */

void kmem_cache_free_bulk(struct kmem_cache *cache, unsigned nr, void **objs)
{
	for (unsigned i = 0; i < nr; i++)
		free_here(cache, objs[i]);
}

bool kmem_cache_alloc_bulk(struct kmem_cache *cache, gfp_t gfp, unsigned nr, void **objs)
{
	for (unsigned i = 0; i < nr; i++) {
		objs[i] = alloc_here(cache, gfp);
		if (unlikely(!objs[i])) {
			kmem_cache_free_bulk(cache, i, objs);
			return false;
		}
	}
	return true;
}

/* ---- counting and draining ---- */

long kmem_cache_live(const struct kmem_cache *cache)
{
	long live = 0;
	unsigned cpu;

	for_each_vcpu(cpu)
		live += READ_ONCE_NOPOINT(per_cpu_ptr(slab_magazines, cpu)->mag[cache->index].live);
	return live;
}

static void drain_magazines(struct slab_magazines *mags)
{
	for (unsigned i = 1; i < SLAB_MAX_CACHES; i++) {
		struct magazine *mag = &mags->mag[i];

		if (!mag->nr)
			continue;
		slab_put(slab_cache[i], mag->slot, mag->nr);
		mag->nr = 0;
	}
}

void slab_drain_local(void)
{
	preempt_disable();
	drain_magazines(this_cpu_ptr(slab_magazines));
	preempt_enable();
}

void slab_drain_vcpu(unsigned cpu)
{
	drain_magazines(per_cpu_ptr(slab_magazines, cpu));
}

static void drain_here(void *arg __maybe_unused)
{
	slab_drain_local();
}

void slab_drain_all(void)
{
	on_each_vcpu(drain_here, NULL);
}
