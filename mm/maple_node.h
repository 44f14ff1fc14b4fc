/*
 * maple_node.h - where the maple tree gets its nodes from.
 *
 * The tree calls these four functions and no other allocator; whoever links the tree provides
 * them: mm/maple_slab.c in the kernel, malloc or a failing pool on the host. All nodes have one
 * size. The tree never needs them zeroed.
 */
#ifndef MM_MAPLE_NODE_H
#define MM_MAPLE_NODE_H

#include "mm/gfp.h"

#define MAPLE_NODE_SIZE	 576 /* nine cache lines */
#define MAPLE_NODE_ALIGN 64 /* at least; the low six bits of a node's address are the tree's */

/*
 * mt_alloc_node - one node of MAPLE_NODE_SIZE bytes, contents undefined.
 *
 * Context:  may sleep only if gfpflags_allow_blocking(@gfp)
 * Returns:  the node, or NULL
 */
void *mt_alloc_node(gfp_t gfp);

/*
 * mt_alloc_bulk - @nr nodes at once, all or nothing.
 *
 * @nodes:   receives @nr nodes; untouched contents on failure are not read
 * Context:  as mt_alloc_node
 * Returns:  true if all were obtained; false with nothing held
 */
bool mt_alloc_bulk(gfp_t gfp, unsigned int nr, void **nodes);

/* mt_free_node - give one node back at once. Context: any, also from an RCU callback. */
void mt_free_node(void *node);

/* mt_free_bulk - give @nr nodes back at once. Context: any. */
void mt_free_bulk(unsigned int nr, void **nodes);

#endif
