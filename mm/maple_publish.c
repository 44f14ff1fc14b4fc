/*
 * maple_publish.c - the store that makes a new subtree part of the tree, and what moves with it.
 *
 * Owns: the order of publication, pivot and the next leaf's lower bound; gaps above.
 * Idea: a leaf ends with its last entry, so storing or freeing there moves the border to the
 *   next leaf. The keys it moves over are free on both sides. A reader that follows the old
 *   pivot to the wrong leaf finds the key free there as well, so border and leaf need not change
 *   together; but the border must never lie below the keys of an entry that can be seen.
 * Invariant: at every moment a leaf's min is at most one above the pivot in front of it.
 */
#include "mm/maple_write.h"

/* mt_fix_next - the leaf that holds @key now begins at @min: say so, and what it does to gaps. */
void mt_fix_next(struct maple_tree *mt, unsigned long key, unsigned long min)
{
	struct maple_path path;
	struct maple_leaf *leaf;

	path_walk(&path, mt, key);
	leaf = mte_leaf(path.leaf);
	WRITE_ONCE_NOPOINT(leaf->h.min, min);
	if (mt_tracks_gaps(mt))
		path_set_gap(&path, 0, gap_code(leaf_max_gap(leaf, mte_kind(path.leaf))));
}

/*
 * mt_publish_child - put @child, which ends at @end, in the place of the path's node on @level.
 *
 * The old end may differ by keys that are free in the old node or in the new one. Gaps above are
 * left to the caller.
 */
void mt_publish_child(struct maple_tree *mt, struct maple_path *path, unsigned int level,
		      struct maple_enode *child, unsigned long end)
{
	struct maple_enode **slot = &path->node[level]->slot[path->slot[level]];
	unsigned long old_end = path_end(path, level);

	if (unlikely(end > old_end)) {
		path_move_end(path, level, end);
		mt_fix_next(mt, end + 1, end + 1);
	}
	rcu_assign_pointer(*slot, child);
	if (unlikely(end < old_end)) {
		mt_fix_next(mt, old_end + 1, end + 1);
		path_move_end(path, level, end);
	}
}
