/*
 * maple_check.c - is this tree what maple_internal.h says a tree is?
 *
 * Owns: mt_check, mt_validate, mt_get_stats.
 * Idea: go through all nodes from left to right with the keys each may hold, and compare every
 *   number a node or the tree says about its contents with what is found there.
 */
#include "mm/maple_internal.h"

struct check {
	struct maple_tree *mt;
	mt_print_fn out;
	void *arg;
	struct mt_stats found;
	const char *wrong; /* the first thing found */
	const void *where;
};

static void check_that(struct check *ck, bool cond, const char *what, const void *node)
{
	if (cond || ck->wrong)
		return;
	ck->wrong = what;
	ck->where = node;
}

/* Keys [min, max] belong to the node. */
struct bounds {
	unsigned long min, max;
	bool is_root;
};

/* What a node must hold at least: @usual, unless it is the root or on a thin right edge. */
static unsigned int least(const struct check *ck, const struct bounds *b, unsigned int of_root,
			  unsigned int usual)
{
	if (b->is_root)
		return of_root;
	return b->max == ~0UL && ck->mt->ma_flags & MT_FLAGS_THIN_EDGE ? 1 : usual;
}

static void check_entries(struct check *ck, const struct maple_leaf *leaf, enum maple_kind kind,
			  const struct bounds *b)
{
	unsigned long next = b->min; /* lowest key the next entry may begin at */

	for (unsigned int i = 0; i < leaf->h.n && !ck->wrong; i++) {
		unsigned long first = leaf_first(leaf, kind, i), last = leaf_last(leaf, kind, i);

		check_that(ck, first >= next && last >= first && last <= b->max,
			   "entries out of order or bounds", leaf);
		check_that(ck, i == 0 || next != 0, "entry behind ULONG_MAX", leaf);
		check_that(ck, leaf_slots((struct maple_leaf *)leaf, kind)[i] != NULL,
			   "NULL stored as an entry", leaf);
		next = last + 1;
	}
}

static void check_leaf(struct check *ck, struct maple_enode *e, const struct bounds *b)
{
	const struct maple_leaf *leaf = mte_leaf(e);
	enum maple_kind kind = mte_kind(e);
	unsigned int n = leaf->h.n, cap = kind == MAPLE_WIDE ? MAPLE_WIDE_CAP : MAPLE_LEAF_CAP;

	ck->found.nr_leaves++;
	ck->found.nr_entries += n;
	check_that(ck, leaf->h.kind == kind, "leaf of another kind than its pointer says", leaf);
	check_that(ck, !leaf->h.dead, "dead leaf in the tree", leaf);
	check_that(ck, leaf->h.min == b->min, "leaf's min is not its lowest key", leaf);
	check_that(ck, n >= least(ck, b, 1, MAPLE_LEAF_MIN) && n <= cap, "leaf's fill", leaf);
	check_that(ck, leaf->h.is_last == (b->max == ~0UL), "last leaf not marked so", leaf);
	if (ck->wrong)
		return;
	check_entries(ck, leaf, kind, b);
	check_that(ck, leaf_end(leaf, kind) == b->max, "leaf does not end with its range", leaf);
	for (unsigned int i = n; i < cap; i++)
		check_that(ck, kind == MAPLE_WIDE ?
				   leaf->start[i] == ~0UL && leaf->last[i] == ~0UL :
				   leaf->word[i] == MAPLE_UNUSED, "unused part not filled", leaf);
}

static u32 subtree_gap(const struct maple_enode *e)
{
	if (mte_is_leaf(e))
		return gap_code(leaf_max_gap(mte_leaf(e), mte_kind(e)));
	return inner_max_gap(mte_inner(e));
}

static void check_node(struct check *ck, struct maple_enode *e, unsigned int height,
		       const struct bounds *b);

static void check_inner(struct check *ck, struct maple_enode *e, unsigned int height,
			const struct bounds *b)
{
	const struct maple_inner *node = mte_inner(e);
	struct bounds child = {.min = b->min};
	unsigned int n = node->h.n;

	ck->found.nr_inner++;
	check_that(ck, node->h.kind == MAPLE_INNER, "inner node of another kind", node);
	check_that(ck, n >= least(ck, b, 2, MAPLE_INNER_MIN) && n <= MAPLE_INNER_CAP,
		   "inner node's fill", node);
	for (unsigned int i = n ? n - 1 : 0; i < MAPLE_INNER_CAP; i++)
		check_that(ck, node->pivot[i] == MAPLE_UNUSED, "unused pivot not filled", node);
	for (unsigned int i = 0; i < n && !ck->wrong; i++) {
		child.max = i + 1 < n ? node->pivot[i] : b->max;
		check_that(ck, child.min <= child.max && child.max <= b->max,
			   "pivots out of order or bounds", node);
		if (ck->wrong)
			return;
		check_node(ck, node->slot[i], height - 1, &child);
		if (mt_tracks_gaps(ck->mt) && !ck->wrong)
			check_that(ck, node->gap[i] == subtree_gap(node->slot[i]),
				   "gap is not the child's largest", node);
		child.min = child.max + 1;
	}
}

static void check_node(struct check *ck, struct maple_enode *e, unsigned int height,
		       const struct bounds *b)
{
	check_that(ck, mte_make(mte_node(e), mte_kind(e)) == e, "child pointer's tag", e);
	check_that(ck, mte_is_leaf(e) == (height == 1), "leaves not all on the lowest level", e);
	if (ck->wrong)
		return;
	if (mte_is_leaf(e))
		check_leaf(ck, e, b);
	else
		check_inner(ck, e, height, b);
}

static void check_tree(struct check *ck)
{
	struct maple_enode *root = ck->mt->ma_root;
	struct bounds all = {0, ~0UL, true};

	ck->found.height = mt_height(ck->mt);
	if (mt_root_is_node(root)) {
		check_that(ck, ck->found.height > 0, "height 0 and a root node", root);
		check_node(ck, root, ck->found.height, &all);
	} else {
		check_that(ck, ck->found.height == 0, "height but no root node", root);
		ck->found.nr_entries = root ? 1 : 0;
	}
	ck->found.bytes = (ck->found.nr_leaves + ck->found.nr_inner) * sizeof(struct maple_node);
}

int mt_check(struct maple_tree *mt, mt_print_fn out, void *arg)
{
	struct check ck = {.mt = mt};

	check_tree(&ck);
	if (!ck.wrong)
		return 0;
	if (out)
		out(arg, "maple tree %p: %s (node %p)\n", (void *)mt, ck.wrong, ck.where);
	return -EINVAL;
}

void mt_validate(struct maple_tree *mt)
{
	struct check ck = {.mt = mt};

	check_tree(&ck);
	BUG_ON(ck.wrong);
}

void mt_get_stats(struct maple_tree *mt, struct mt_stats *stats)
{
	struct check ck = {.mt = mt};

	check_tree(&ck);
	*stats = ck.found;
}
