/*
 * maple_dup.c - copy a tree, node by node.
 *
 * Owns: mtree_dup, __mt_dup.
 * Idea: a node has no pointer upwards and its entries mean the same in the copy, so copying a
 *   leaf is copying its bytes. For an inner node all children are allocated at once, straight
 *   into the copy's slots.
 * Invariant: a copied node never counts a child that is not a complete copy itself, so on
 *   failure the copy can be freed like any tree. The new root is published last.
 */
#include "mm/maple_write.h"

/*
 * Fill @copy, a fresh node, from @e. Recursion is as deep as the tree.
 *
 * Returns: true; false if memory ran out: @copy then holds what was finished (0 or more children)
 */
static bool dup_node(struct maple_node *copy, const struct maple_enode *e, gfp_t gfp)
{
	const struct maple_inner *from;
	struct maple_inner *to = &copy->inner;
	unsigned int i = 0;
	bool ok = true;

	node_copy(copy, mte_node(e));
	if (mte_is_leaf(e))
		return true;
	from = mte_inner(e);
	if (!mt_alloc_bulk(gfp, from->h.n, (void **)to->slot)) {
		to->h.n = 0;
		return false;
	}
	while (ok && i < from->h.n) {
		struct maple_node *child = (struct maple_node *)to->slot[i];

		ok = dup_node(child, from->slot[i], gfp);
		to->slot[i] = mte_make(child, mte_kind(from->slot[i]));
		i++;
	}
	if (!ok) {
		mt_free_bulk(from->h.n - i, (void **)&to->slot[i]);
		to->h.n = i;
	}
	return ok;
}

int __mt_dup(struct maple_tree *mt, struct maple_tree *new, gfp_t gfp)
{
	const unsigned int ignore = MT_FLAGS_HEIGHT_MASK | MT_FLAGS_THIN_EDGE;
	struct maple_enode *root = mt->ma_root, *copy;
	struct maple_node *node;

	if ((mt->ma_flags & ~ignore) != (new->ma_flags & ~ignore) || !mtree_empty(new))
		return -EINVAL;
	if (!mt_root_is_node(root)) {
		mt_set_root(new, root, 0);
		return 0;
	}
	node = mt_alloc_node(gfp);
	if (!node)
		return -ENOMEM;
	copy = mte_make(node, mte_kind(root));
	if (!dup_node(node, root, gfp)) {
		mt_free_tree(copy);
		return -ENOMEM;
	}
	new->ma_flags |= mt->ma_flags & MT_FLAGS_THIN_EDGE;
	mt_set_root(new, copy, mt_height(mt));
	return 0;
}

int mtree_dup(struct maple_tree *mt, struct maple_tree *new, gfp_t gfp)
{
	int err;

	mtree_lock(new);
	mtree_lock_nested(mt);
	err = __mt_dup(mt, new, gfp);
	mtree_unlock(mt);
	mtree_unlock(new);
	return err;
}
