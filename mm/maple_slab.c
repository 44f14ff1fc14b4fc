/*
 * maple_slab.c - nodes of maple trees from a slab cache of their own.
 *
 * Owns: the kernel's answer to maple_node.h. Live nodes are a ledger line, "maple_node".
 * Not here: when nodes are freed (maple_alloc.c).
 */
#include "mm/maple_node.h"

#include "kernel/core/fault.h"
#include "mm/slab.h"

FAULT_SITE(F09, "fork: the children of one inner node of the tree clone, got together");

KMEM_CACHE(maple_node_cache, "maple_node", MAPLE_NODE_SIZE, MAPLE_NODE_ALIGN, NULL,
	   SLAB_OWN_PAGE);

void *mt_alloc_node(gfp_t gfp)
{
	return kmem_cache_alloc(&maple_node_cache, gfp);
}

/* Only a copy of a tree asks for so many. */
bool mt_alloc_bulk(gfp_t gfp, unsigned int nr, void **nodes)
{
	return FAULT_SITE_CALL(F09, kmem_cache_alloc_bulk(&maple_node_cache, gfp, nr, nodes));
}

void mt_free_node(void *node)
{
	kmem_cache_free(&maple_node_cache, node);
}

void mt_free_bulk(unsigned int nr, void **nodes)
{
	kmem_cache_free_bulk(&maple_node_cache, nr, nodes);
}
