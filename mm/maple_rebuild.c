/*
 * maple_rebuild.c - replace any stretch of leaves, and as many levels above as that takes.
 *
 * Owns: splitting, joining, writes across leaves, growing and shrinking in height.
 * Not here: writes that one new leaf settles (maple_wr.c).
 * Idea: on each level from the leaves up, what changes is one stretch of elements between a left
 *   and a right edge. Elements outside the stretch in the two edge nodes stay, the stretch
 *   becomes the new nodes of the level below (or the write's own ranges), and all is dealt out
 *   to new nodes. Too few elements for a node: the nearest neighbour of the level, sibling or
 *   cousin, joins in. As soon as exactly one node takes the place of one node, a single store
 *   links the new subtree and nothing above changes.
 * The same code counts the nodes first and builds them then, so the count is exact.
 */
#include "mm/maple_write.h"

/*
 * The analyser knows neither that a path with a neighbour on a level has a node there, nor that
 * nr_out nodes were made when building.
 */
/* NOLINTBEGIN(clang-analyzer-core.*) */

struct rebuild {
	struct maple_wr *wr;
	struct maple_tree *mt;
	bool build;
	unsigned int used;	   /* new nodes so far */
	unsigned int height;	   /* levels that will be there below the one at work */
	struct maple_path l, r;	   /* the edges; those above the level at work are valid */
	struct maple_child out[4]; /* new nodes of the last level done */
	struct maple_child below[4]; /* those of the level below, while out is filled */
	unsigned int nr_out;
	bool edge;	       /* nothing kept to the right of the stretch so far */
	unsigned long old_end; /* end of the replaced leaves, before and after */
	unsigned long new_end;
};

/*
 * One more node of @level joins the stretch.
 *
 * Returns: -1 the left neighbour, 1 the right one, 0 there is none. The path was moved to it.
 */
static int rebuild_widen(struct rebuild *rb, unsigned int level)
{
	bool left = path_has_left(&rb->l, level);
	bool right = path_has_right(&rb->r, level);

	if (left && right && !rb->l.slot[level] &&
	    rb->r.slot[level] + 1 < rb->r.node[level]->h.n)
		left = false; /* a sibling is better than a cousin */
	if (left) {
		path_step_left(&rb->l, level);
		return -1;
	}
	if (right) {
		path_step_right(&rb->r, level);
		return 1;
	}
	return 0;
}

/*
 * How many of @total elements go to the i-th of @nr nodes: as even as can be. But where a node is
 * split by what came at its end, the next is likely to come there too: @lean says at which end,
 * -1 the left, 1 the right, and that half gets @min only.
 */
static unsigned int share(unsigned int total, unsigned int nr, unsigned int i, int lean,
			  unsigned int min)
{
	if (nr == 2 && lean)
		return (lean > 0) == (i == 0) ? total - min : min;
	return total / nr + (i < total % nr);
}

static void rebuild_take_leaves(struct rebuild *rb, struct maple_run *run, unsigned int new_at,
				int lean)
{
	unsigned long min = mte_leaf(rb->l.leaf)->h.min;
	bool last_leaf = mte_leaf(rb->r.leaf)->h.is_last;

	for (unsigned int i = 0; i < rb->nr_out; i++) {
		struct maple_node *node = mas_take_node(rb->wr->mas);
		unsigned int n = share(run->total, rb->nr_out, i, lean, MAPLE_LEAF_MIN);
		enum maple_kind kind = rb->wr->kind;

		if (kind == MAPLE_WIDE)
			kind = run_kind(run, n);
		run_take_leaf(run, node, kind, n);
		leaf_finish(&node->leaf, kind, n, min, last_leaf && i + 1 == rb->nr_out);
		rb->out[i].node = mte_make(node, kind);
		if (new_at < n) {
			rb->wr->new_leaf = rb->out[i].node;
			rb->wr->new_place = PLACE_ENTRY(new_at);
		}
		new_at -= n; /* wraps once it is found, and then stays large */
		rb->out[i].end = leaf_end(&node->leaf, kind);
		min = rb->out[i].end + 1;
		rb->new_end = rb->out[i].end;
	}
}

/*
 * The packed form that all leaves of the stretch have and the write's own ranges fit.
 *
 * Returns: that form; MAPLE_WIDE if there is none. A wide leaf never agrees with anything, not
 * even with itself: what is left of it may fit words again.
 */
static enum maple_kind rebuild_kind(const struct rebuild *rb, const struct maple_enode *left,
				    const struct maple_enode *right)
{
	const struct maple_wr *wr = rb->wr;
	enum maple_kind kind = mte_kind(left);

	if (kind == MAPLE_WIDE || mte_kind(right) != kind || mte_kind(rb->l.leaf) != kind ||
	    mte_kind(rb->r.leaf) != kind)
		return MAPLE_WIDE;
	for (unsigned int i = 0; i < wr->nr_mid; i++) {
		if (!word_fits(wr->mid[i].first, wr->mid[i].last, kind))
			return MAPLE_WIDE;
	}
	return kind;
}

/*
 * A leaf is too full. Before it becomes two, see whether a sibling takes part of it: that costs as
 * many new nodes, and leaves fill up that nobody stores to any more. Some room must remain, or the
 * next store is here again.
 *
 * Returns: as rebuild_widen
 */
static int rebuild_push(struct rebuild *rb, unsigned int total)
{
	const unsigned int most = MAPLE_LEAF_CAP + 1 + (MAPLE_LEAF_CAP + 2) / 2;
	struct maple_inner *parent = rb->l.node[0];
	unsigned int slot = rb->l.slot[0];
	struct maple_enode *beside;

	beside = slot ? parent->slot[slot - 1] : NULL;
	if (beside && mte_kind(beside) == rb->wr->kind && mte_leaf(beside)->h.n + total <= most) {
		path_step_left(&rb->l, 0);
		return -1;
	}
	beside = slot + 1 < parent->h.n ? parent->slot[slot + 1] : NULL;
	if (beside && mte_kind(beside) == rb->wr->kind && mte_leaf(beside)->h.n + total <= most) {
		path_step_right(&rb->r, 0);
		return 1;
	}
	return 0;
}

static void rebuild_leaves(struct rebuild *rb)
{
	struct maple_wr *wr = rb->wr;
	struct maple_enode *left = rb->l.leaf, *right = rb->r.leaf;
	unsigned int right_n = mte_leaf(right)->h.n, cap, total, new_at;
	struct maple_run run;
	int side = 0, lean = 0;

	total = wr->a + wr->nr_mid + right_n - wr->b;
	if (total < MAPLE_LEAF_MIN)
		side = rebuild_widen(rb, 0);
	if (!rb->build)
		wr->kind = rebuild_kind(rb, left, right);
	if (total > MAPLE_LEAF_CAP && left == right && wr->l.levels && wr->kind != MAPLE_WIDE)
		side = rebuild_push(rb, total);
	if (!side && left == right && wr->nr_mid == 1)
		lean = wr->a + 1 == total ? 1 : wr->a ? 0 : -1;
	if (side)
		total += mte_leaf(side < 0 ? rb->l.leaf : rb->r.leaf)->h.n;
	cap = wr->kind != MAPLE_WIDE ? MAPLE_LEAF_CAP : MAPLE_WIDE_CAP;
	rb->nr_out = (total + cap - 1) / cap;
	rb->used += rb->nr_out;
	rb->height = 1;
	if (!rb->build || !total)
		return;

	run_start(&run);
	run.range = wr->mid;
	if (side < 0)
		run_add(&run, rb->l.leaf, 0, mte_leaf(rb->l.leaf)->h.n, 0);
	run_add(&run, left, 0, wr->a, 0);
	run_add(&run, NULL, 0, wr->nr_mid, 0);
	run_add(&run, right, wr->b, right_n, 0);
	if (side > 0)
		run_add(&run, rb->r.leaf, 0, mte_leaf(rb->r.leaf)->h.n, 0);
	rb->old_end = leaf_end(mte_leaf(rb->r.leaf), mte_kind(rb->r.leaf));
	new_at = wr->a + wr->new_at + (side < 0 ? mte_leaf(rb->l.leaf)->h.n : 0);
	rebuild_take_leaves(rb, &run, new_at, lean);
	/* The next leaf's lower bound goes down before the pivot in front of it does. */
	if (rb->new_end < rb->old_end)
		mt_fix_next(rb->mt, rb->old_end + 1, rb->new_end + 1);
}

/* The new leaves get parents that want to know their gaps. A leaf that is the root has none. */
static void rebuild_leaf_gaps(struct rebuild *rb)
{
	for (unsigned int i = 0; i < rb->nr_out; i++) {
		const struct maple_enode *leaf = rb->out[i].node;

		rb->out[i].gap = mt_tracks_gaps(rb->mt) ?
					 gap_code(leaf_max_gap(mte_leaf(leaf), mte_kind(leaf))) : 0;
	}
}

/* Make the new nodes of this level from the run. */
static void rebuild_take_inner(struct rebuild *rb, struct maple_run *run, unsigned int nr,
			       int lean)
{
	if (rb->nr_out && mte_is_leaf(rb->out[0].node))
		rebuild_leaf_gaps(rb);
	for (unsigned int i = 0; i < rb->nr_out; i++)
		rb->below[i] = rb->out[i];
	run->child = rb->below;
	for (unsigned int i = 0; i < nr; i++)
		run_take_inner(run, mas_take_node(rb->wr->mas),
			       share(run->total, nr, i, lean, MAPLE_INNER_MIN), &rb->out[i]);
}

/* The nodes of @level > 0. Returns true if one node takes the place of one: link it, all done. */
static bool rebuild_inner(struct rebuild *rb, unsigned int level)
{
	struct maple_inner *left = rb->l.node[level - 1], *right = rb->r.node[level - 1];
	unsigned int a = rb->l.slot[level - 1], b = rb->r.slot[level - 1] + 1;
	unsigned int total = a + rb->nr_out + right->h.n - b, nr;
	struct maple_inner *beside = NULL;
	unsigned long right_end;
	struct maple_run run;
	int side = 0, lean;

	if (left == right && b == a + 1 && rb->nr_out == 1)
		return true;
	right_end = path_end(&rb->r, level);
	if (total < MAPLE_INNER_MIN)
		side = rebuild_widen(rb, level);
	if (side) {
		beside = side < 0 ? rb->l.node[level - 1] : rb->r.node[level - 1];
		total += beside->h.n;
	}
	if (total == 1)
		return false; /* the only node of its level: it needs none above */
	nr = (total + MAPLE_INNER_CAP - 1) / MAPLE_INNER_CAP;
	rb->edge = rb->edge && b == right->h.n && side <= 0;
	rb->used += nr;
	rb->height++;
	if (rb->build) {
		run_start(&run);
		if (side < 0)
			run_add(&run, mte_make(beside, MAPLE_INNER), 0, beside->h.n,
				path_end(&rb->l, level));
		run_add(&run, mte_make(left, MAPLE_INNER), 0, a, 0);
		run_add(&run, NULL, 0, rb->nr_out, 0);
		run_add(&run, mte_make(right, MAPLE_INNER), b, right->h.n, right_end);
		if (side > 0)
			run_add(&run, mte_make(beside, MAPLE_INNER), 0, beside->h.n,
				path_end(&rb->r, level));
		lean = side || left != right ? 0 : b == right->h.n ? 1 : a ? 0 : -1;
		rebuild_take_inner(rb, &run, nr, lean);
	}
	rb->nr_out = nr;
	return false;
}

/* Nothing of the old root's level is left: what was built becomes the tree. */
static void rebuild_root(struct rebuild *rb)
{
	struct maple_run run;

	if (rb->nr_out > 1) {
		rb->used++;
		rb->height++;
		if (rb->build) {
			run_start(&run);
			run_add(&run, NULL, 0, rb->nr_out, 0);
			rebuild_take_inner(rb, &run, 1, 0);
		}
	}
	if (rb->build)
		mt_set_root(rb->mt, rb->nr_out ? rb->out[0].node : NULL,
			    rb->nr_out ? rb->height : 0);
}

/* Retire what was replaced from @e down, but not the children that the new nodes took over. */
static void retire_replaced(struct maple_tree *mt, struct maple_enode *e)
{
	if (!mte_is_leaf(e)) {
		struct maple_inner *node = mte_inner(e);

		for (unsigned int i = 0; i < node->h.n; i++) {
			if (node->gap[i] != MAPLE_GAP_KEPT)
				retire_replaced(mt, node->slot[i]);
		}
	}
	mt_retire_node(mt, e);
}

static void rebuild_start(struct rebuild *rb, struct maple_wr *wr, bool build)
{
	rb->wr = wr;
	rb->mt = wr->mas->tree;
	rb->build = build;
	rb->used = 0;
	rb->edge = true;
	rb->old_end = rb->new_end = 0;
	path_copy(&rb->l, &wr->l);
	path_copy(&rb->r, wr->spans ? &wr->r : &wr->l);
}

/*
 * mas_wr_rebuild - count (@build false) or do the write.
 *
 * @wr:      planned; its state holds the nodes counted, if @build
 * Returns:  new nodes it takes
 */
unsigned int mas_wr_rebuild(struct maple_wr *wr, bool build)
{
	unsigned int level, levels = wr->l.levels;
	struct maple_enode *replaced;
	struct rebuild rb;

	rebuild_start(&rb, wr, build);
	replaced = rb.mt->ma_root;
	rebuild_leaves(&rb);
	for (level = 1; level <= levels; level++) {
		if (rebuild_inner(&rb, level))
			break;
	}
	if (level > levels) {
		rebuild_root(&rb);
	} else if (build) {
		replaced = rb.l.node[level - 1]->slot[rb.l.slot[level - 1]];
		mt_publish_child(rb.mt, &rb.l, level - 1, rb.out[0].node, rb.out[0].end);
		if (level == 1)
			rebuild_leaf_gaps(&rb);
		if (mt_tracks_gaps(rb.mt))
			path_set_gap(&rb.l, level - 1, rb.out[0].gap);
	}
	if (!build)
		return rb.used;
	if (rb.new_end > rb.old_end && !(rb.edge && level <= levels))
		mt_fix_next(rb.mt, rb.new_end + 1, rb.new_end + 1);
	retire_replaced(rb.mt, replaced);
	return rb.used;
}

/* NOLINTEND(clang-analyzer-core.*) */
