/*
 * maple_tail.c - free all keys from one on, in place and without memory.
 *
 * Owns: mas_clear_tail, and the thin right edge it leaves.
 * Not here: storing NULL over [index, ULONG_MAX] like any other store (maple_plan.c,
 *   maple_rebuild.c): that keeps nodes filled, works beside readers, and may take nodes.
 * Idea: what lies to the right of a key is whole subtrees, but for one path. Each node of the path
 *   loses the children behind the path's, the leaf the entries from the key on; nothing moves, so
 *   nothing is needed. A root that is left with one child gives way to it.
 * Invariant: I1, I2 and I4 to I6 hold. The nodes of the right edge, which end at ULONG_MAX, may
 *   hold less than I3 wants, but never nothing; the tree says so (MT_FLAGS_THIN_EDGE), and the next
 *   write to such a node fills it from its neighbour.
 */
#include "mm/maple_internal.h"

/* Free the children of @node behind @slot, which becomes the last. */
static void cut_inner(struct maple_inner *node, unsigned int slot)
{
	for (unsigned int i = slot + 1; i < node->h.n; i++)
		mt_free_tree(node->slot[i]);
	for (unsigned int i = slot; i < node->h.n; i++)
		node->pivot[i] = MAPLE_UNUSED;
	node->h.n = slot + 1;
}

/* Everything right of the path goes, and all but @keep entries of its leaf. */
static void cut_path(struct maple_tree *mt, struct maple_path *path, unsigned int keep)
{
	struct maple_leaf *leaf = mte_leaf(path->leaf);
	enum maple_kind kind = mte_kind(path->leaf);
	u32 code = 0;

	leaf_finish(leaf, kind, keep, leaf->h.min, true);
	if (mt_tracks_gaps(mt))
		code = gap_code(leaf_max_gap(leaf, kind));
	for (unsigned int level = 0; level < path->levels; level++) {
		struct maple_inner *node = path->node[level];

		cut_inner(node, path->slot[level]);
		node->gap[path->slot[level]] = code;
		if (mt_tracks_gaps(mt))
			code = inner_max_gap(node);
	}
}

/* A root with one child is no level of its own. */
static void lower_root(struct maple_tree *mt)
{
	struct maple_enode *root = mt->ma_root;
	unsigned int height = mt_height(mt);

	while (!mte_is_leaf(root) && mte_inner(root)->h.n == 1) {
		struct maple_enode *child = mte_inner(root)->slot[0];

		mt_free_node(mte_node(root));
		root = child;
		height--;
	}
	mt_set_root(mt, root, height);
}

static void clear_nodes(struct maple_tree *mt, unsigned long from)
{
	struct maple_path path;
	unsigned int place;

	path_walk(&path, mt, from);
	place = leaf_find(mte_leaf(path.leaf), mte_kind(path.leaf), from);
	/* A part of an entry might not fit the leaf's form: the caller must not ask for that. */
	BUG_ON(place & 1 && leaf_first(mte_leaf(path.leaf), mte_kind(path.leaf), place / 2) < from);
	if (place > PLACE_ENTRY(0)) {
		cut_path(mt, &path, place / 2);
	} else if (path_has_left(&path, 0)) {
		path_step_left(&path, 0);
		cut_path(mt, &path, mte_leaf(path.leaf)->h.n);
	} else {
		__mt_destroy(mt);
		return;
	}
	mt->ma_flags |= MT_FLAGS_THIN_EDGE;
	lower_root(mt);
}

void mas_clear_tail(struct ma_state *mas)
{
	struct maple_tree *mt = mas->tree;

	BUG_ON(mt_in_rcu(mt));
	mt->ma_writes++;
	if (mt_root_is_node(mt->ma_root))
		clear_nodes(mt, mas->index);
	else if (!mas->index)
		mt_set_root(mt, NULL, 0);
	mas_start_walk(mas);
}
