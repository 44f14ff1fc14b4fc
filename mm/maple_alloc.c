/*
 * maple_alloc.c - nodes got in advance, nodes replaced, whole trees given up.
 *
 * Owns: the list of spare nodes in a state, when and how nodes go back, the dead mark.
 * Not here: the allocator (maple_node.h).
 * Idea: in RCU mode a node goes back through call_rcu(); a whole subtree takes one callback,
 *   which walks it when no reader is left. Otherwise nodes go back at once.
 * Invariant: no reader-visible byte of a retired node changes but the dead mark, until it is
 *   freed.
 */
#include "mm/maple_internal.h"

#include "kernel/base/annotations.h"

/* mas_alloc_nodes - have at least @nr spare nodes in @mas. Keeps what it got when it fails. */
bool mas_alloc_nodes(struct ma_state *mas, unsigned int nr, gfp_t gfp)
{
	mas->mas_flags &= ~MA_STATE_PLANNED;
	while (mas->nr_alloc < nr) {
		struct maple_node *node = mt_alloc_node(gfp);

		if (unlikely(!node))
			return false;
		node->next = mas->alloc;
		mas->alloc = node;
		mas->nr_alloc++;
	}
	return true;
}

void mas_free_nodes(struct ma_state *mas)
{
	while (mas->alloc) {
		struct maple_node *node = mas->alloc;

		mas->alloc = node->next;
		mt_free_node(node);
	}
	mas->nr_alloc = 0;
	mas->mas_flags &= ~MA_STATE_PLANNED;
}

struct maple_node *mas_take_node(struct ma_state *mas)
{
	struct maple_node *node = mas->alloc;

	BUG_ON(!node);
	mas->alloc = node->next;
	mas->nr_alloc--;
	return node;
}

void mt_set_root(struct maple_tree *mt, void *root, unsigned int height)
{
	unsigned int flags = mt->ma_flags & ~MT_FLAGS_HEIGHT_MASK;

	if (!height)
		flags &= ~MT_FLAGS_THIN_EDGE;
	WRITE_ONCE_NOPOINT(mt->ma_flags, flags | height << MT_FLAGS_HEIGHT_OFFSET);
	rcu_assign_pointer(mt->ma_root, root);
}

static struct maple_node *rcu_to_node(struct rcu_head *head)
{
	return container_of(head, struct maple_node, leaf.h.rcu);
}

static void free_node_rcu(struct rcu_head *head)
{
	mt_free_node(rcu_to_node(head));
}

static void free_inner_rcu(struct rcu_head *head)
{
	mt_free_tree(mte_make(rcu_to_node(head), MAPLE_INNER));
}

/* mt_free_tree - free all nodes from @e down, at once. Recursion is as deep as the tree. */
void mt_free_tree(struct maple_enode *e)
{
	if (!mte_is_leaf(e)) {
		struct maple_inner *node = mte_inner(e);

		for (unsigned int i = 0; i < node->h.n; i++) {
			if (mte_is_leaf(node->slot[i]))
				mt_free_node(mte_node(node->slot[i]));
			else
				mt_free_tree(node->slot[i]);
		}
	}
	mt_free_node(mte_node(e));
}

static void mark_dead(struct maple_enode *e)
{
	if (mte_is_leaf(e)) {
		smp_store_release(&mte_leaf(e)->h.dead, 1);
		return;
	}
	for (unsigned int i = 0; i < mte_inner(e)->h.n; i++)
		mark_dead(mte_inner(e)->slot[i]);
}

/* mt_retire_node - free the one node @e, which the tree no longer leads to. */
void mt_retire_node(struct maple_tree *mt, struct maple_enode *e)
{
	struct maple_node *node = mte_node(e);

	if (!mt_in_rcu(mt)) {
		mt_free_node(node);
		return;
	}
	if (mte_is_leaf(e))
		smp_store_release(&node->leaf.h.dead, 1);
	call_rcu(&node->leaf.h.rcu, free_node_rcu);
}

/* mt_retire_tree - free all nodes from @e down, which the tree no longer leads to. */
void mt_retire_tree(struct maple_tree *mt, struct maple_enode *e)
{
	if (!mt_in_rcu(mt)) {
		mt_free_tree(e);
		return;
	}
	mark_dead(e);
	call_rcu(&mte_node(e)->leaf.h.rcu, mte_is_leaf(e) ? free_node_rcu : free_inner_rcu);
}

void __mt_destroy(struct maple_tree *mt)
{
	void *root = mt->ma_root;

	mt->ma_writes++;
	mt_set_root(mt, NULL, 0);
	if (mt_root_is_node(root))
		mt_retire_tree(mt, root);
}

void mtree_destroy(struct maple_tree *mt)
{
	mtree_lock(mt);
	__mt_destroy(mt);
	mtree_unlock(mt);
}

/* Only an internal lock is taken: the analysis of locks cannot follow. */
void mt_set_in_rcu(struct maple_tree *mt) NO_LOCK_ANALYSIS
{
	bool internal = !mt_external_lock(mt);

	if (internal)
		mtree_lock(mt);
	WRITE_ONCE_NOPOINT(mt->ma_flags, mt->ma_flags | MT_FLAGS_USE_RCU);
	if (internal)
		mtree_unlock(mt);
}

void mt_clear_in_rcu(struct maple_tree *mt) NO_LOCK_ANALYSIS
{
	bool internal = !mt_external_lock(mt);

	if (internal)
		mtree_lock(mt);
	WRITE_ONCE_NOPOINT(mt->ma_flags, mt->ma_flags & ~MT_FLAGS_USE_RCU);
	if (internal)
		mtree_unlock(mt);
}
