/*
 * radix.h - a map from unsigned long to pointers: the pages of a file.
 *
 * Owns: struct radix, its nodes, nodes got in advance.
 * Not here: locks: each call needs the caller's, but for radix_pool_fill() and radix_pool_drain().
 * Idea: nodes of 64 slots, each level six bits of the index; the top is as high as the greatest
 *       index stored so far needs. Removing never needs memory, so reclaim may. Storing takes nodes
 *       from a pool that was filled with no lock held:
 *
 *	spin_lock(lock);
 *	while ((nr = radix_missing(r, index)) > pool.nr) {
 *		spin_unlock(lock);  fill the pool, or give up;  spin_lock(lock);
 *	}
 *	radix_store(r, index, entry, &pool);
 *
 * Invariant: a node has at least one used slot and says how many; without entries there is no node.
 */
#ifndef MM_RADIX_H
#define MM_RADIX_H

#include "kernel/base/compiler.h"
#include "mm/gfp.h"

#define RADIX_SHIFT 6
#define RADIX_SLOTS (1u << RADIX_SHIFT)

struct radix_node {
	struct radix_node *parent; /* NULL: the top */
	u8 shift;		   /* bits of the index below this level's: 0 for a leaf */
	u8 offset;		   /* our slot in the parent */
	u16 nr_used;
	void *slot[RADIX_SLOTS]; /* nodes, or entries in a leaf */
};

struct radix {
	struct radix_node *top; /* NULL: empty */
};

/* Nodes got in advance, on the stack of who stores. {0} is an empty one. */
struct radix_pool {
	struct radix_node *first; /* chained by parent */
	unsigned nr;
};

static inline bool radix_empty(const struct radix *r)
{
	return !r->top;
}

/* The entry at @index, or NULL. */
void *radix_load(const struct radix *r, unsigned long index);

/* The first entry at or above *@index, which moves there; NULL, *@index unchanged: none. */
void *radix_next(const struct radix *r, unsigned long *index);

/* Nodes that a store at @index would need. */
unsigned radix_missing(const struct radix *r, unsigned long index);

/* @entry, not NULL, at @index, where nothing is. The pool has as many nodes as are missing. */
void radix_store(struct radix *r, unsigned long index, void *entry, struct radix_pool *pool);

/* Take out what is at @index, or NULL. Needs no memory, frees nodes that became empty. */
void *radix_erase(struct radix *r, unsigned long index);

/* At least @nr nodes in the pool: 0, or -ENOMEM with those it had. May sleep as @gfp says. */
int __must_check radix_pool_fill(struct radix_pool *pool, unsigned nr, gfp_t gfp);
void radix_pool_drain(struct radix_pool *pool);

/* Number of entries, or -1 if the nodes contradict each other. */
long radix_check(const struct radix *r);

#endif
