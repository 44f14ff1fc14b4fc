/*
 * slab_internal.h - what the files of the slab allocator share and nobody else sees.
 */
#ifndef MM_SLAB_INTERNAL_H
#define MM_SLAB_INTERNAL_H

#include "kernel/base/annotations.h"
#include "kernel/x86/percpu.h"
#include "mm/page.h"
#include "mm/slab.h"

#define MAGAZINE_SLOTS 30u

/* Free objects of one cache, kept by one vCPU; touched by it alone with preemption off. */
struct magazine {
	u32 nr;
	u32 limit; /* the cache's */
	long live; /* handed out here minus freed here: only the sum over vCPUs means something */
	void *slot[MAGAZINE_SLOTS];
};

struct slab_magazines {
	struct magazine mag[SLAB_MAX_CACHES];
};

DECLARE_PER_CPU(struct slab_magazines, slab_magazines);

/* Caches of this world by index; 0 is nobody's. */
extern struct kmem_cache *slab_cache[SLAB_MAX_CACHES];
extern enum slab_layout slab_layout;

/* ---- slab_pages.c ---- */

/* Up to @nr free objects into @objs; returns how many. */
unsigned slab_take(struct kmem_cache *cache, void **objs, unsigned nr) REQUIRES(cache->lock);
/* Another slab of free objects: 0 or -ENOMEM. */
int __must_check slab_grow(struct kmem_cache *cache, gfp_t gfp);
/* @nr objects back into their slabs; frames of slabs that are too many empty ones are freed. */
void slab_put(struct kmem_cache *cache, void **objs, unsigned nr);
/* The slab that holds @obj: its first frame. */
struct page *slab_of(const void *obj);

/* The object whose stride covers @addr, or NULL if that is none. */
void *slab_object_at(const struct kmem_cache *cache, struct page *slab, unsigned long addr);

static inline void **slab_link(const struct kmem_cache *cache, void *obj)
{
	return (void **)((char *)obj + cache->link);
}

static inline void *slab_object(const struct kmem_cache *cache, struct page *slab, unsigned i)
{
	return (char *)page_address(slab) + (unsigned long)i * cache->stride + cache->offset;
}

/* ---- slab_guard.c: guarded and windowed caches, where no magazine is used ---- */

/* Room the guards of an object take: before it, and from its end to the next stride. */
u32 guard_before(const struct kmem_cache *cache);
u32 guard_after(const struct kmem_cache *cache);
/* Room they take before an object on a page of its own. */
u32 guard_windowed(void);
/* A new slab's object: zones drawn, marked free. */
void guard_init(struct kmem_cache *cache, void *obj);
/* Handed out to / taken back from the code at @ip: everything that must hold is looked at. */
void guard_alloc(struct kmem_cache *cache, void *obj, void *ip);
void guard_free(struct kmem_cache *cache, void *obj, void *ip);
/* Is a free object untouched? Reports through pr_err. */
bool guard_free_intact(struct kmem_cache *cache, void *obj);
bool guard_is_live(const struct kmem_cache *cache, const void *obj);
void *guard_owner(const struct kmem_cache *cache, const void *obj);

void *windowed_alloc(struct kmem_cache *cache, gfp_t gfp, void *ip);
void windowed_free(struct kmem_cache *cache, void *obj, void *ip);

/* ---- slab_world.c ---- */

/* Strides and limits of @cache for this world's layout. */
void slab_lay_out(struct kmem_cache *cache);

#endif
