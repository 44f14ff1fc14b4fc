/*
 * slab.h - caches of equal objects, with a magazine of free ones per vCPU.
 *
 * Owns: kmem_cache and its life; debug layouts; the ledger of live objects per cache.
 * Not here: frames (page_alloc.h); the 4 KiB window in which objects of their own page live
 *           (window.h).
 * Idea: the fast paths touch only the running vCPU's magazine; slabs and the cache's lock are
 *       reached for half a magazine at a time.
 * Context: nothing here is called from interrupts. Allocation sleeps only as gfp allows. Fault
 *          site: failslab.
 * Addresses: slab memory has no physical address for its users: virt_to_phys() of an object is a
 *            bug.
 *
 * Layouts, fixed when a world is made (slab_world_init):
 *
 *	PLAIN    [object]    link of the free list inside the object, or behind it with a ctor
 *	REDZONE  [zone][object][zone][link, who allocated, who freed]    poison while free
 *	WINDOW   as REDZONE, but for caches with SLAB_OWN_PAGE: an object ends at a page end of the
 *	         window, is unmapped when freed, and its address is never used again, so that a use
 *	         after free is a real page fault
 */
#ifndef MM_SLAB_H
#define MM_SLAB_H

struct page;

#include "kernel/base/compiler.h"
#include "kernel/base/list.h"
#include "kernel/core/ledger.h"
#include "kernel/core/registry.h"
#include "kernel/core/spinlock.h"
#include "mm/gfp.h"

enum slab_layout { SLAB_LAYOUT_PLAIN, SLAB_LAYOUT_REDZONE, SLAB_LAYOUT_WINDOW };

/* A freed object may be reused at once; its memory stays of this type for a grace period. */
#define SLAB_TYPESAFE_BY_RCU 0x1u
/* One object per page in the WINDOW layout. */
#define SLAB_OWN_PAGE 0x2u
/* Guards, or guards and the window, whatever the world's layout. */
#define SLAB_GUARDED  0x4u
#define SLAB_WINDOWED 0x8u

#define SLAB_MAX_CACHES 32
#define SLAB_MAX_SIZE	8192

/* Field key: [I] set when the cache is made  [W] set when the world is made  [L] lock */
struct kmem_cache {
	const char *name;	  /* [I] first: the registry sorts by it */
	u32 size;		  /* [I] bytes the user asked for */
	u32 align;		  /* [I] power of two */
	u32 flags;		  /* [I] SLAB_ bits */
	void (*ctor)(void *obj);  /* [I] once per object when its slab is made; NULL: none */
	u32 index;		  /* [W] which magazine of a vCPU is ours; 0: not usable */
	u32 magazine;		  /* [W] where it lies among those of a vCPU, in bytes */
	u32 stride;		  /* [W] bytes from object to object */
	u32 offset;		  /* [W] of the object in its stride */
	u32 link;		  /* [W] of the free-list link, from the object */
	u16 order;		  /* [W] of a slab */
	u16 per_slab;		  /* [W] objects */
	u16 limit;		  /* [W] objects a magazine holds; 0: none, every call is slow */
	bool guarded;		  /* [W] redzones, poison and tracks */
	bool windowed;		  /* [W] each object on a page of its own */
	spinlock_t lock;	  /*     guards lists, free lists and counts of our slabs */
	struct list_head partial; /* [L] slabs with free and used objects */
	struct list_head full;	  /* [L] slabs without a free object */
	struct list_head empty;	  /* [L] slabs without a used object */
	unsigned long nr_slabs;	  /* [L] */
	unsigned long nr_empty;	  /* [L] */
};

#define KMEM_CACHE_INIT(name_, size_, align_, ctor_, flags_)                                  \
	{                                                                                     \
		.name = name_, .size = size_, .align = align_, .ctor = ctor_, .flags = flags_ \
	}

/*
 * A cache that exists in every world: KMEM_CACHE(vma_cache, "vm_area_struct", sizeof(...), 8, NULL,
 * 0). Its live objects are a ledger line of the same name.
 */
#define KMEM_CACHE(var, name_, size_, align_, ctor_, flags_)                          \
	struct kmem_cache var __section(".world_data") =                              \
		KMEM_CACHE_INIT(name_, size_, align_, ctor_, flags_);                 \
	REGISTER(kmem_cache, &var)

/*
 * slab_world_init - make every registered cache usable and empty, forgetting what it held.
 *
 * Context:  after frames_world_init(); nobody else uses a cache. Repeatable.
 */
void slab_world_init(enum slab_layout layout);

/*
 * kmem_cache_create - make @cache usable now, for a cache that is not registered.
 *
 * @cache:   caller's memory, zeroed or used before and destroyed
 * Returns:  0, -EINVAL (size 0 or above SLAB_MAX_SIZE, align not a power of two or above
 *           PAGE_SIZE), or -ENOSPC (SLAB_MAX_CACHES exist)
 */
int __must_check kmem_cache_create(struct kmem_cache *cache, const char *name, size_t size,
				   size_t align, void (*ctor)(void *), u32 flags);
/*
 * All objects freed already, else -EBUSY and the cache goes on. May sleep (moves over every vCPU).
 */
int __must_check kmem_cache_destroy(struct kmem_cache *cache);

/*
 * One object, or NULL. Contents: what the ctor made or its last user left; undefined without one.
 */
void *__must_check kmem_cache_alloc(struct kmem_cache *cache, gfp_t gfp);
/* Zeroed; for caches without a ctor. */
void *__must_check kmem_cache_zalloc(struct kmem_cache *cache, gfp_t gfp);
/*
 * @obj came from @cache; NULL is ignored. With a ctor the object must be back in its constructed
 * state.
 */
void kmem_cache_free(struct kmem_cache *cache, void *obj);

/* @nr objects into @objs: all of them (true), or none (false). */
bool __must_check kmem_cache_alloc_bulk(struct kmem_cache *cache, gfp_t gfp, unsigned nr,
					void **objs);
void kmem_cache_free_bulk(struct kmem_cache *cache, unsigned nr, void **objs);

/* Objects handed out and not freed. Exact when nobody uses the cache meanwhile. */
long kmem_cache_live(const struct kmem_cache *cache);

/* Give the frames of empty slabs back, and put what is free in order. Returns how many frames. */
unsigned long kmem_cache_shrink(struct kmem_cache *cache);

/*
 * Put the running vCPU's magazines back into their slabs; that of a vCPU that does not run; of all
 * (may sleep).
 */
void slab_drain_local(void);
void slab_drain_vcpu(unsigned cpu);
void slab_drain_all(void);
/* kmem_cache_shrink() for every cache. */
unsigned long slab_shrink_all(void);

/*
 * Every free object of every slab checked for order and, if guarded, poison. 0, or -EINVAL with a
 * log line.
 */
int __must_check kmem_cache_check(struct kmem_cache *cache);

/*
 * First byte of a frame of kind FK_SLAB that anybody reads: what is before it means nothing. Not 0
 * for a page that holds one windowed object.
 */
unsigned slab_page_used_from(const struct page *page);

/*
 * slab_describe - what lies, or lay, at @addr: "mm_struct+0x40, freed" into @buf.
 *
 * For fault reports: takes no lock. Returns false if @addr is not slab memory.
 */
bool slab_describe(unsigned long addr, char *buf, size_t len);

#endif
