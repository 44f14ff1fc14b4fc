/*
 * slab_pages.c - slabs: 2^order frames cut into equal objects.
 *
 * Owns: free lists inside slabs, the three lists of a cache, when an empty slab's frames go back.
 * Idea: a slab's struct page carries all that is known of it: its cache, how many objects are in
 *       use (aux), the first free one, where those begin that were never handed out. A free object
 *       carries the next; one never used carries nothing, so that a new slab costs nothing for any.
 * Invariant: aux == 0 on list empty; 0 < aux < per_slab on partial; aux == per_slab on full.
 */
#include "mm/slab_internal.h"

#include <errno.h>
#include <string.h>
#include "kernel/core/bug.h"
#include "kernel/core/log.h"
#include "mm/page_alloc.h"

/* Empty slabs a cache keeps for the next burst. */
#define KEEP_EMPTY 2u

struct page *slab_of(const void *obj)
{
	phys_t phys = virt_to_phys(obj);
	struct page *page;

	if (!pfn_valid(phys.v >> PAGE_SHIFT))
		return NULL;
	page = phys_to_page(phys);
	return page->kind == FK_SLAB ? page_head(page) : NULL;
}

void *slab_object_at(const struct kmem_cache *cache, struct page *slab, unsigned long addr)
{
	unsigned long at = addr - (unsigned long)page_address(slab);
	unsigned i = at / cache->stride;

	return i < cache->per_slab ? slab_object(cache, slab, i) : NULL;
}

/* ---- taking ---- */

/* Up to @nr objects of @slab that were never handed out, the lowest address last. */
static unsigned take_unused(struct kmem_cache *cache, struct page *slab, void **end, unsigned nr)
{
	char *obj = slab_object(cache, slab, slab->nr_used);
	u32 stride = cache->stride;

	nr = min(nr, cache->per_slab - (unsigned)slab->nr_used);
	slab->nr_used += nr;
	for (void **at = end; at > end - nr; obj += stride)
		*--at = obj;
	return nr;
}

/* Up to @nr objects into the places before @end, from the last on. Returns how many. */
static unsigned take_from(struct kmem_cache *cache, struct page *slab, void **end, unsigned nr)
	REQUIRES(cache->lock)
{
	void *obj = slab->freelist;
	unsigned got = 0;

	for (; obj && got < nr; obj = *slab_link(cache, obj))
		*(end - ++got) = obj;
	slab->freelist = obj;
	got += take_unused(cache, slab, end - got, nr - got);
	slab->aux += got;
	if (slab->aux == cache->per_slab)
		list_move(&slab->lru, &cache->full);
	return got;
}

unsigned slab_take(struct kmem_cache *cache, void **objs, unsigned nr)
{
	unsigned got = 0;

	/* The object with the lowest address is found first and handed out last. */
	while (got < nr) {
		if (list_empty(&cache->partial)) {
			if (list_empty(&cache->empty))
				break;
			list_move(cache->empty.next, &cache->partial);
			cache->nr_empty--;
		}
		got += take_from(cache, list_first_entry(&cache->partial, struct page, lru),
				 objs + nr - got, nr - got);
	}
	if (got < nr)
		memmove(objs, objs + nr - got, got * sizeof(*objs));
	return got;
}

static void prepare_object(struct kmem_cache *cache, void *obj)
{
	if (cache->guarded)
		guard_init(cache, obj);
	if (cache->ctor)
		cache->ctor(obj);
}

int slab_grow(struct kmem_cache *cache, gfp_t gfp)
{
	gfp_t how =
		(gfp & ~__GFP_ZERO & ((1u << GFP_KIND_SHIFT) - 1)) | GFP_FOR(FK_SLAB) | __GFP_COMP;
	struct page *slab = alloc_pages(how, cache->order);

	if (!slab)
		return -ENOMEM;
	if (cache->guarded || cache->ctor) {
		for (unsigned i = 0; i < cache->per_slab; i++)
			prepare_object(cache, slab_object(cache, slab, i));
	}
	slab->cache = cache;
	slab->freelist = NULL;
	slab->nr_used = 0;
	slab->aux = 0;

	spin_lock(&cache->lock);
	list_add(&slab->lru, &cache->empty);
	cache->nr_empty++;
	cache->nr_slabs++;
	spin_unlock(&cache->lock);
	return 0;
}

/* ---- giving back ---- */

static void slab_free_rcu(struct rcu_head *head)
{
	struct page *slab = container_of(head, struct page, rcu);

	slab->cache = NULL;
	free_pages(slab, slab->order);
}

/* Frames of the slabs chained by lru.next. */
static void slabs_free(struct kmem_cache *cache, struct page *slab)
{
	while (slab) {
		struct page *next = (struct page *)slab->lru.next;

		if (cache->flags & SLAB_TYPESAFE_BY_RCU)
			call_rcu(&slab->rcu, slab_free_rcu);
		else
			slab_free_rcu(&slab->rcu);
		slab = next;
	}
}

/* The empty slab leaves its cache; *@chain collects it. */
static void slab_leave(struct kmem_cache *cache, struct page *slab, struct page **chain)
	REQUIRES(cache->lock)
{
	list_unlink(&slab->lru);
	cache->nr_empty--;
	cache->nr_slabs--;
	slab->lru.next = (struct list_head *)*chain;
	*chain = slab;
}

static void put_one(struct kmem_cache *cache, void *obj, struct page **chain) REQUIRES(cache->lock)
{
	struct page *slab = page_head(phys_to_page(direct_to_phys(obj)));
	bool was_full = slab->aux == cache->per_slab;

	ASSERT_EQ(slab->cache, cache);
	ASSERT(slab->aux > 0);
	*slab_link(cache, obj) = slab->freelist;
	slab->freelist = obj;
	if (--slab->aux == 0) {
		list_move(&slab->lru, &cache->empty);
		if (++cache->nr_empty > KEEP_EMPTY)
			slab_leave(cache, slab, chain);
	} else if (was_full) {
		list_move(&slab->lru, &cache->partial);
	}
}

void slab_put(struct kmem_cache *cache, void **objs, unsigned nr)
{
	struct page *chain = NULL;

	if (!nr)
		return;
	spin_lock(&cache->lock);
	for (unsigned i = 0; i < nr; i++)
		put_one(cache, objs[i], &chain);
	spin_unlock(&cache->lock);
	slabs_free(cache, chain);
}

/* The chain of free objects of @slab, lowest address first. Quick where it is so already. */
static void sort_objects(struct kmem_cache *cache, struct page *slab) REQUIRES(cache->lock)
{
	void *sorted = NULL, *last = NULL, *obj = slab->freelist;

	while (obj) {
		void *next = *slab_link(cache, obj), **at = &sorted;

		if (last && obj > last)
			at = slab_link(cache, last);
		while (*at && *at < obj)
			at = slab_link(cache, *at);
		*slab_link(cache, obj) = *at;
		if (!*at)
			last = obj;
		*at = obj;
		obj = next;
	}
	slab->freelist = sorted;
}

/* What is handed out next then depends on what is in use, not on how that came about. */
static void sort_partial(struct kmem_cache *cache) REQUIRES(cache->lock)
{
	struct page *slab, *next, *before;
	LIST_HEAD(sorted);

	list_for_each_entry_safe(slab, next, &cache->partial, lru) {
		struct list_head *after = &sorted;

		sort_objects(cache, slab);
		list_for_each_entry(before, &sorted, lru) {
			if (before > slab)
				break;
			after = &before->lru;
		}
		list_move(&slab->lru, after);
	}
	list_splice_init(&sorted, &cache->partial);
}

unsigned long kmem_cache_shrink(struct kmem_cache *cache)
{
	struct page *chain = NULL;
	unsigned long nr;

	spin_lock(&cache->lock);
	sort_partial(cache);
	nr = cache->nr_empty << cache->order;
	while (!list_empty(&cache->empty))
		slab_leave(cache, list_first_entry(&cache->empty, struct page, lru), &chain);
	spin_unlock(&cache->lock);
	slabs_free(cache, chain);
	return nr;
}

/* ---- checking ---- */

static int check_unused(struct kmem_cache *cache, struct page *slab)
{
	for (unsigned i = slab->nr_used; cache->guarded && i < cache->per_slab; i++) {
		if (!guard_free_intact(cache, slab_object(cache, slab, i)))
			return -EINVAL;
	}
	return 0;
}

static int check_slab(struct kmem_cache *cache, struct page *slab)
{
	unsigned nr_free = cache->per_slab - slab->nr_used;

	for (void *obj = slab->freelist; obj; obj = *slab_link(cache, obj)) {
		if (slab_of(obj) != slab ||
		    slab_object_at(cache, slab, (unsigned long)obj) != obj) {
			pr_err("slab: %s: %p on the free list is none of its objects", cache->name,
			       obj);
			return -EINVAL;
		}
		if (cache->guarded && !guard_free_intact(cache, obj))
			return -EINVAL;
		if (++nr_free > cache->per_slab)
			break;
	}
	if (check_unused(cache, slab))
		return -EINVAL;
	if (nr_free + slab->aux != cache->per_slab) {
		pr_err("slab: %s: %u objects free and %u in use of %u", cache->name, nr_free,
		       slab->aux, cache->per_slab);
		return -EINVAL;
	}
	return 0;
}

static int check_list(struct kmem_cache *cache, struct list_head *list, unsigned min, unsigned max,
		      unsigned long *nr)
{
	struct page *slab;

	list_for_each_entry(slab, list, lru) {
		++*nr;
		if (slab->cache != cache || slab->aux < min || slab->aux > max) {
			pr_err("slab: %s: slab at %p with %u in use is on the wrong list",
			       cache->name, page_address(slab), slab->aux);
			return -EINVAL;
		}
		if (check_slab(cache, slab))
			return -EINVAL;
	}
	return 0;
}

int kmem_cache_check(struct kmem_cache *cache)
{
	unsigned long nr = 0, nr_empty = 0;
	int err;

	if (cache->windowed)
		return 0;
	spin_lock(&cache->lock);
	err = check_list(cache, &cache->empty, 0, 0, &nr_empty);
	if (!err)
		err = check_list(cache, &cache->partial, 1, cache->per_slab - 1, &nr);
	if (!err)
		err = check_list(cache, &cache->full, cache->per_slab, cache->per_slab, &nr);
	if (!err && (nr_empty != cache->nr_empty || nr + nr_empty != cache->nr_slabs)) {
		pr_err("slab: %s: %lu slabs, %lu of them empty; counted %lu and %lu", cache->name,
		       nr + nr_empty, nr_empty, cache->nr_slabs, cache->nr_empty);
		err = -EINVAL;
	}
	spin_unlock(&cache->lock);
	return err;
}
