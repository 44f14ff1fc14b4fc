/*
 * radix.c - see radix.h.
 */
#include "mm/radix.h"

#include <errno.h>
#include "kernel/core/bug.h"
#include "mm/slab.h"

static KMEM_CACHE(radix_node_cache, "radix_node", sizeof(struct radix_node), 16, NULL, 0);

#define SLOT_MASK (RADIX_SLOTS - 1)

/* Does a node with @shift serve @index, if it is the top? */
static bool covers(unsigned shift, unsigned long index)
{
	return index >> shift < RADIX_SLOTS;
}

static unsigned slot_of(const struct radix_node *node, unsigned long index)
{
	return index >> node->shift & SLOT_MASK;
}

/* The shift a top needs so that it serves @index, @shift or more. */
static unsigned top_shift(unsigned shift, unsigned long index)
{
	while (!covers(shift, index))
		shift += RADIX_SHIFT;
	return shift;
}

/* The leaf that has, or would have, @index; NULL: there is none. */
static struct radix_node *find_leaf(const struct radix *r, unsigned long index)
{
	struct radix_node *node = r->top;

	if (!node || !covers(node->shift, index))
		return NULL;
	while (node && node->shift)
		node = node->slot[slot_of(node, index)];
	return node;
}

void *radix_load(const struct radix *r, unsigned long index)
{
	struct radix_node *leaf = find_leaf(r, index);

	return leaf ? leaf->slot[index & SLOT_MASK] : NULL;
}

/* The lowest entry at or above *@index below @node, which serves *@index. */
static void *next_below(const struct radix_node *node, unsigned long *index)
{
	unsigned long at = *index;

	for (unsigned i = slot_of(node, at); i < RADIX_SLOTS; i++) {
		void *found = node->slot[i];

		if (found && node->shift)
			found = next_below(found, &at);
		if (found) {
			*index = at;
			return found;
		}
		/* The first index of the next slot. */
		at = ((at >> node->shift) + 1) << node->shift;
	}
	return NULL;
}

void *radix_next(const struct radix *r, unsigned long *index)
{
	if (!r->top || !covers(r->top->shift, *index))
		return NULL;
	return next_below(r->top, index);
}

/* ---- storing ---- */

unsigned radix_missing(const struct radix *r, unsigned long index)
{
	const struct radix_node *node = r->top;
	unsigned shift;

	if (!node)
		return top_shift(0, index) / RADIX_SHIFT + 1;
	shift = top_shift(node->shift, index);
	/* New levels on top, and then a way down beside the old top. */
	if (shift != node->shift)
		return (shift - node->shift + shift) / RADIX_SHIFT;
	while (node->shift) {
		const struct radix_node *below = node->slot[slot_of(node, index)];

		if (!below)
			return node->shift / RADIX_SHIFT;
		node = below;
	}
	return 0;
}

static struct radix_node *pool_take(struct radix_pool *pool, unsigned shift)
{
	struct radix_node *node = pool->first;

	ASSERT(node);
	pool->first = node->parent;
	pool->nr--;
	node->parent = NULL;
	node->shift = shift;
	return node;
}

static void hook(struct radix_node *parent, unsigned slot, struct radix_node *node)
{
	node->parent = parent;
	node->offset = slot;
	parent->slot[slot] = node;
	parent->nr_used++;
}

/* The top serves @index. */
static void grow(struct radix *r, unsigned long index, struct radix_pool *pool)
{
	if (!r->top)
		r->top = pool_take(pool, top_shift(0, index));
	while (!covers(r->top->shift, index)) {
		struct radix_node *top = pool_take(pool, r->top->shift + RADIX_SHIFT);

		hook(top, 0, r->top);
		r->top = top;
	}
}

void radix_store(struct radix *r, unsigned long index, void *entry, struct radix_pool *pool)
{
	struct radix_node *node;

	grow(r, index, pool);
	for (node = r->top; node->shift;) {
		unsigned slot = slot_of(node, index);

		if (!node->slot[slot])
			hook(node, slot, pool_take(pool, node->shift - RADIX_SHIFT));
		node = node->slot[slot];
	}
	ASSERT(!node->slot[index & SLOT_MASK]);
	node->slot[index & SLOT_MASK] = entry;
	node->nr_used++;
}

/* ---- removing ---- */

void *radix_erase(struct radix *r, unsigned long index)
{
	struct radix_node *node = find_leaf(r, index);
	unsigned slot = index & SLOT_MASK;
	void *entry = node ? node->slot[slot] : NULL;

	if (!entry)
		return NULL;
	do {
		struct radix_node *parent = node->parent;

		node->slot[slot] = NULL;
		if (--node->nr_used)
			return entry;
		slot = node->offset;
		kmem_cache_free(&radix_node_cache, node);
		node = parent;
	} while (node);
	r->top = NULL;
	return entry;
}

/* ---- nodes in advance ---- */

int radix_pool_fill(struct radix_pool *pool, unsigned nr, gfp_t gfp)
{
	while (pool->nr < nr) {
		struct radix_node *node = kmem_cache_zalloc(&radix_node_cache, gfp);

		if (!node)
			return -ENOMEM;
		node->parent = pool->first;
		pool->first = node;
		pool->nr++;
	}
	return 0;
}

void radix_pool_drain(struct radix_pool *pool)
{
	while (pool->first) {
		struct radix_node *node = pool->first;

		pool->first = node->parent;
		pool->nr--;
		kmem_cache_free(&radix_node_cache, node);
	}
}

/* ---- the whole ---- */

static long check_node(const struct radix_node *node)
{
	unsigned used = 0;
	long entries = 0;

	for (unsigned i = 0; i < RADIX_SLOTS; i++) {
		const struct radix_node *below = node->slot[i];
		long found = 1;

		if (!below)
			continue;
		used++;
		if (node->shift) {
			if (below->parent != node || below->offset != i ||
			    below->shift + RADIX_SHIFT != node->shift)
				return -1;
			found = check_node(below);
		}
		if (found < 0)
			return -1;
		entries += found;
	}
	return used && used == node->nr_used ? entries : -1;
}

long radix_check(const struct radix *r)
{
	return !r->top ? 0 : r->top->parent ? -1 : check_node(r->top);
}
