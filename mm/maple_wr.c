/*
 * maple_wr.c - one store: find out what it takes, then do it.
 *
 * Owns: where a write cuts the old ranges, the choice of the way to do it, the cheap ways.
 * Not here: memory and the public calls (maple_store.c), more than one leaf (maple_rebuild.c).
 * Idea: planning changes nothing and counts the nodes; running cannot fail. In between the caller
 *   gets the nodes. Ways in order of cost: nothing; one word in place; one new leaf; a rebuild.
 */
#include "mm/maple_internal.h"

/* A tree without nodes: all it can hold is an entry at [0, 0]. */
static void plan_rootless(struct maple_wr *wr)
{
	void *root = wr->mas->tree->ma_root;

	wr->how = WR_ROOT;
	wr->old = wr->first ? NULL : root;
	wr->overlaps = wr->old;
	wr->nr_nodes = wr->entry && (wr->last || mt_root_is_node(wr->entry));
	if (!wr->entry && !wr->old)
		wr->how = WR_NOTHING;
}

/* Find the right edge: the last entry the write touches, and what stays behind it. */
static unsigned int plan_right(struct maple_wr *wr, unsigned int place)
{
	struct maple_leaf *leaf = mte_leaf(wr->l.leaf);

	wr->spans = false;
	if (wr->last == wr->first)
		return place;
	if (wr->last <= leaf_end(leaf, mte_kind(wr->l.leaf)))
		return leaf_find(leaf, mte_kind(wr->l.leaf), wr->last);

	path_walk(&wr->r, wr->mas->tree, wr->last);
	leaf = mte_leaf(wr->r.leaf);
	place = leaf_find(leaf, mte_kind(wr->r.leaf), wr->last);
	if (place == PLACE_GAP(0)) {
		/* It ends before that leaf's first entry: that leaf is not touched. */
		path_step_left(&wr->r, 0);
		leaf = mte_leaf(wr->r.leaf);
		place = PLACE_GAP(leaf->h.n);
	}
	wr->spans = wr->r.leaf != wr->l.leaf;
	return place;
}

static void plan_mid(struct maple_wr *wr, unsigned int left_place, unsigned int right_place)
{
	struct maple_enode *right_e = wr->spans ? wr->r.leaf : wr->l.leaf;
	struct maple_leaf *left = mte_leaf(wr->l.leaf), *right = mte_leaf(right_e);
	enum maple_kind left_kind = mte_kind(wr->l.leaf), right_kind = mte_kind(right_e);
	unsigned int n = 0;

	wr->a = left_place / 2;
	wr->b = (right_place + 1) / 2;
	wr->overlaps = wr->spans || wr->a != wr->b;
	if (left_place & 1) {
		unsigned long first = leaf_first(left, left_kind, wr->a);

		if (first < wr->first)
			wr->mid[n++] = (struct maple_range){first, wr->first - 1, wr->old};
	}
	wr->new_at = n;
	if (wr->entry)
		wr->mid[n++] = (struct maple_range){wr->first, wr->last, wr->entry};
	if (right_place & 1) {
		unsigned long last = leaf_last(right, right_kind, wr->b - 1);

		if (last > wr->last)
			wr->mid[n++] = (struct maple_range){
				wr->last + 1, last, leaf_slots(right, right_kind)[wr->b - 1]};
	}
	wr->nr_mid = n;
}

/* Exactly entry a becomes mid[0]. Can that be one store to the published leaf? */
static bool plan_in_place(struct maple_wr *wr)
{
	struct maple_leaf *leaf = mte_leaf(wr->l.leaf);
	enum maple_kind kind = mte_kind(wr->l.leaf);
	unsigned long first = leaf_first(leaf, kind, wr->a), last = leaf_last(leaf, kind, wr->a);
	const struct maple_range *mid = &wr->mid[0];
	bool same_first = first == mid->first, same_last = last == mid->last;

	if (same_first && same_last) {
		wr->how = WR_ENTRY;
		return true;
	}
	if (mid->entry != leaf_slots(leaf, kind)[wr->a])
		return false;
	if (kind == MAPLE_WIDE ? !same_first && !same_last :
				 !word_fits(mid->first, mid->last, kind))
		return false;
	wr->how = WR_RANGE;
	return true;
}

static void leaf_run(const struct maple_wr *wr, struct maple_run *run)
{
	*run = (struct maple_run){.range = wr->mid};
	run_add(run, wr->l.leaf, 0, wr->a, 0);
	run_add(run, NULL, 0, wr->nr_mid, 0);
	run_add(run, wr->l.leaf, wr->b, mte_leaf(wr->l.leaf)->h.n, 0);
}

/* Does one leaf take it all? Sets the form of that leaf. */
static bool plan_one_leaf(struct maple_wr *wr)
{
	enum maple_kind kind = mte_kind(wr->l.leaf);
	unsigned int total = mte_leaf(wr->l.leaf)->h.n - (wr->b - wr->a) + wr->nr_mid;
	struct maple_run run;
	bool fits = kind != MAPLE_WIDE;

	if (wr->spans || !total || total > MAPLE_LEAF_CAP ||
	    (total < MAPLE_LEAF_MIN && wr->l.levels))
		return false;
	for (unsigned int i = 0; i < wr->nr_mid; i++)
		fits = fits && word_fits(wr->mid[i].first, wr->mid[i].last, kind);
	if (!fits) {
		leaf_run(wr, &run);
		kind = run_kind(&run, total);
	}
	wr->kind = kind;
	return kind != MAPLE_WIDE || total <= MAPLE_WIDE_CAP;
}

static void plan(struct maple_wr *wr, bool erase)
{
	struct maple_tree *mt = wr->mas->tree;
	struct maple_leaf *leaf;
	enum maple_kind kind;
	unsigned int place;

	if (unlikely(!mt_root_is_node(mt->ma_root))) {
		plan_rootless(wr);
		return;
	}
	path_walk(&wr->l, mt, wr->first);
	leaf = mte_leaf(wr->l.leaf);
	kind = mte_kind(wr->l.leaf);
	place = leaf_find(leaf, kind, wr->first);
	wr->old = place & 1 ? leaf_slots(leaf, kind)[place / 2] : NULL;
	if (erase && wr->old) {
		wr->first = leaf_first(leaf, kind, place / 2);
		wr->last = leaf_last(leaf, kind, place / 2);
		wr->spans = false;
		plan_mid(wr, place, place);
	} else {
		plan_mid(wr, place, plan_right(wr, place));
	}

	wr->nr_nodes = 0;
	if (!wr->overlaps && !wr->entry) {
		wr->how = WR_NOTHING;
	} else if (!wr->spans && wr->b - wr->a == 1 && wr->nr_mid == 1 && plan_in_place(wr)) {
		return;
	} else if (plan_one_leaf(wr)) {
		wr->how = WR_LEAF;
		wr->nr_nodes = 1;
	} else {
		wr->how = WR_REBUILD;
		wr->nr_nodes = mas_wr_rebuild(wr, false);
	}
}

/* mas_wr_plan - what storing @entry over [mas->index, mas->last] takes. Changes nothing. */
void mas_wr_plan(struct maple_wr *wr, struct ma_state *mas, void *entry)
{
	wr->mas = mas;
	wr->entry = entry;
	wr->first = mas->index;
	wr->last = mas->last;
	plan(wr, false);
}

/* mas_wr_plan_erase - what freeing the piece at mas->index takes; wr->old is NULL if it is free. */
void mas_wr_plan_erase(struct maple_wr *wr, struct ma_state *mas)
{
	wr->mas = mas;
	wr->entry = NULL;
	wr->first = wr->last = mas->index;
	plan(wr, true);
}

static void run_rootless(struct maple_wr *wr)
{
	struct maple_tree *mt = wr->mas->tree;
	struct maple_range own[2] = {{0, 0, mt->ma_root}, {wr->first, wr->last, wr->entry}};
	unsigned int from = wr->first && mt->ma_root ? 0 : 1;
	struct maple_run run = {.range = own};
	struct maple_node *node;
	enum maple_kind kind;

	if (!wr->nr_nodes) {
		mt_set_root(mt, wr->entry, 0);
		return;
	}
	run_add(&run, NULL, from, 2, 0);
	kind = run_kind(&run, 2 - from);
	node = mas_take_node(wr->mas);
	run_take_leaf(&run, node, kind, 2 - from);
	leaf_finish(&node->leaf, kind, 2 - from, 0, true);
	mt_set_root(mt, mte_make(node, kind), 1);
}

static void run_entry(struct maple_wr *wr)
{
	void **slots = leaf_slots(mte_leaf(wr->l.leaf), mte_kind(wr->l.leaf));

	rcu_assign_pointer(slots[wr->a], wr->entry);
}

static void set_range(struct maple_wr *wr)
{
	struct maple_leaf *leaf = mte_leaf(wr->l.leaf);
	enum maple_kind kind = mte_kind(wr->l.leaf);

	if (kind == MAPLE_WIDE) {
		WRITE_ONCE_NOPOINT(leaf->start[wr->a], wr->mid[0].first);
		WRITE_ONCE_NOPOINT(leaf->last[wr->a], wr->mid[0].last);
	} else {
		WRITE_ONCE(leaf->word[wr->a], word_make(wr->mid[0].first, wr->mid[0].last, kind));
	}
}

/* Move one end of entry a; if the leaf ends with it, the leaf's end moves too. */
static void run_range(struct maple_wr *wr)
{
	struct maple_tree *mt = wr->mas->tree;
	struct maple_leaf *leaf = mte_leaf(wr->l.leaf);
	enum maple_kind kind = mte_kind(wr->l.leaf);
	unsigned long old_end = leaf_end(leaf, kind), end = old_end;

	if (wr->a + 1 == leaf->h.n && !leaf->h.is_last)
		end = wr->mid[0].last;
	/* Keys change leaves while they are free: before they are stored, after they are freed. */
	if (unlikely(end > old_end)) {
		path_move_end(&wr->l, 0, end);
		mt_fix_next(mt, end + 1, end + 1);
	}
	set_range(wr);
	if (unlikely(end < old_end)) {
		mt_fix_next(mt, old_end + 1, end + 1);
		path_move_end(&wr->l, 0, end);
	}
	if (mt_tracks_gaps(mt))
		path_set_gap(&wr->l, 0, gap_code(leaf_max_gap(leaf, kind)));
}

static struct maple_enode *run_leaf(struct maple_wr *wr)
{
	struct maple_tree *mt = wr->mas->tree;
	struct maple_enode *old = wr->l.leaf;
	struct maple_node *node = mas_take_node(wr->mas);
	struct maple_child child;
	struct maple_run run;

	leaf_run(wr, &run);
	run_take_leaf(&run, node, wr->kind, run.total);
	leaf_finish(&node->leaf, wr->kind, run.total, mte_leaf(old)->h.min,
		    mte_leaf(old)->h.is_last);
	child.node = mte_make(node, wr->kind);
	if (wr->l.levels) {
		child.end = leaf_end(&node->leaf, wr->kind);
		child.gap = mt_tracks_gaps(mt) ? gap_code(leaf_max_gap(&node->leaf, wr->kind)) : 0;
		mt_publish_child(mt, &wr->l, 0, &child);
	} else {
		mt_set_root(mt, child.node, 1);
	}
	mt_retire_node(mt, old);
	return child.node;
}

/*
 * mas_wr_run - do the planned write; the state holds the nodes it counted.
 *
 * The state then stands on what is now the piece at wr->first.
 */
void mas_wr_run(struct maple_wr *wr)
{
	struct ma_state *mas = wr->mas;
	struct maple_enode *leaf = NULL;
	unsigned int at;

	switch (wr->how) {
	case WR_NOTHING: break;
	case WR_ROOT: run_rootless(wr); break;
	case WR_ENTRY:
		run_entry(wr);
		leaf = wr->l.leaf;
		break;
	case WR_RANGE:
		run_range(wr);
		leaf = wr->l.leaf;
		break;
	case WR_LEAF: leaf = run_leaf(wr); break;
	case WR_REBUILD: mas_wr_rebuild(wr, true); break;
	}

	mas->index = wr->first;
	at = wr->a + wr->new_at;
	if (leaf && wr->entry)
		mas_stand(mas, leaf, PLACE_ENTRY(at));
	else if (leaf && at < mte_leaf(leaf)->h.n)
		mas_stand(mas, leaf, PLACE_GAP(at));
	else
		mas_start_walk(mas);
}
