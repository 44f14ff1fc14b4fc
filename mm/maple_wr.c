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

/* Does the write end in another leaf than it begins in? Sets r if so. */
static void plan_far_right(struct maple_wr *wr)
{
	struct maple_leaf *leaf;
	unsigned int place;

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
	wr->b = (place + 1) / 2;
}

/* Entries [a, b) give way. What is left of the outer two, and the new entry between? */
static __always_inline void plan_mid(struct maple_wr *wr, bool cuts, enum maple_kind kind)
{
	struct maple_leaf *leaf = mte_leaf(wr->l.leaf);
	unsigned int n = 0;

	wr->overlaps = wr->spans || wr->a != wr->b;
	if (cuts && leaf_first(leaf, kind, wr->a) < wr->first)
		wr->mid[n++] = (struct maple_range){leaf_first(leaf, kind, wr->a), wr->first - 1,
						    wr->old};
	wr->new_at = n;
	if (wr->entry)
		wr->mid[n++] = (struct maple_range){wr->first, wr->last, wr->entry};
	if (wr->overlaps && wr->b) {
		unsigned long last;

		if (unlikely(wr->spans)) {
			leaf = mte_leaf(wr->r.leaf);
			kind = mte_kind(wr->r.leaf);
		}
		last = leaf_last(leaf, kind, wr->b - 1);
		if (last > wr->last)
			wr->mid[n++] = (struct maple_range){wr->last + 1, last,
							    leaf_slots(leaf, kind)[wr->b - 1]};
	}
	wr->nr_mid = n;
}

/* Exactly entry a becomes mid[0]. Can that be one store to the published leaf? */
static __always_inline bool plan_in_place(struct maple_wr *wr, enum maple_kind kind)
{
	struct maple_leaf *leaf = mte_leaf(wr->l.leaf);
	const struct maple_range *mid = &wr->mid[0];

	if (mid->entry != leaf_slots(leaf, kind)[wr->a])
		return false;
	if (kind == MAPLE_WIDE ? leaf->start[wr->a] != mid->first && leaf->last[wr->a] != mid->last :
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
static __always_inline bool plan_one_leaf(struct maple_wr *wr, enum maple_kind kind)
{
	unsigned int total = mte_leaf(wr->l.leaf)->h.n - (wr->b - wr->a) + wr->nr_mid;
	struct maple_run run;
	bool fits = kind != MAPLE_WIDE;

	if (wr->spans || !total || total > MAPLE_LEAF_CAP ||
	    (total < MAPLE_LEAF_MIN && wr->l.levels))
		return false;
	for (unsigned int i = 0; i < wr->nr_mid; i++)
		fits = fits && word_fits(wr->mid[i].first, wr->mid[i].last, kind);
	if (unlikely(!fits)) {
		leaf_run(wr, &run);
		kind = run_kind(&run, total);
	}
	wr->kind = kind;
	return kind != MAPLE_WIDE || total <= MAPLE_WIDE_CAP;
}

/* The plan, once the leaf is known. Made twice: for the common kind of leaf, and for any. */
static __always_inline void plan_leaf(struct maple_wr *wr, bool erase, enum maple_kind kind)
{
	struct maple_leaf *leaf = mte_leaf(wr->l.leaf);
	unsigned int place = leaf_find(leaf, kind, wr->first);
	unsigned int n = leaf->h.n;
	bool cuts = place & 1;

	wr->a = wr->b = place / 2;
	wr->old = NULL;
	wr->spans = false;
	wr->nr_nodes = 0;
	if (cuts) {
		wr->old = leaf_slots(leaf, kind)[wr->a];
		if (erase) {
			wr->first = leaf_first(leaf, kind, wr->a);
			wr->last = leaf_last(leaf, kind, wr->a);
		} else if (wr->entry && wr->first == leaf_first(leaf, kind, wr->a) &&
			   wr->last == leaf_last(leaf, kind, wr->a)) {
			wr->overlaps = true;
			wr->new_at = 0;
			wr->how = WR_ENTRY;
			return;
		}
	}
	while (wr->b < n && leaf_first(leaf, kind, wr->b) <= wr->last)
		wr->b++;
	if (wr->b == n && !leaf->h.is_last && wr->last > leaf_last(leaf, kind, n - 1))
		plan_far_right(wr);
	plan_mid(wr, cuts, kind);

	if (!wr->overlaps && !wr->entry) {
		wr->how = WR_NOTHING;
	} else if (!wr->spans && wr->b - wr->a == 1 && wr->nr_mid == 1 && plan_in_place(wr, kind)) {
		return;
	} else if (plan_one_leaf(wr, kind)) {
		wr->how = WR_LEAF;
		wr->nr_nodes = 1;
	} else {
		wr->how = WR_REBUILD;
		wr->nr_nodes = mas_wr_rebuild(wr, false);
	}
}

/* A state that stands on the very range to be stored needs no walk. */
static bool plan_here(struct maple_wr *wr)
{
	struct ma_state *mas = wr->mas;
	enum maple_kind kind = mte_kind(mas->node);
	struct maple_leaf *leaf = mte_leaf(mas->node);
	unsigned int i = mas->offset / 2;

	if (!(mas->offset & 1) || leaf_is_dead(mas->node) ||
	    leaf_first(leaf, kind, i) != wr->first || leaf_last(leaf, kind, i) != wr->last)
		return false;
	wr->l.leaf = mas->node;
	wr->a = i;
	wr->old = leaf_slots(leaf, kind)[i];
	wr->overlaps = true;
	wr->new_at = 0;
	wr->nr_nodes = 0;
	wr->how = WR_ENTRY;
	return true;
}

static __always_inline void plan(struct maple_wr *wr, bool erase)
{
	struct maple_tree *mt = wr->mas->tree;

	if (wr->entry && mas_is_active(wr->mas) && plan_here(wr))
		return;
	if (unlikely(!mt_root_is_node(mt->ma_root))) {
		plan_rootless(wr);
		return;
	}
	path_walk(&wr->l, mt, wr->first);
	if (likely(mte_kind(wr->l.leaf) == MAPLE_PAGES))
		plan_leaf(wr, erase, MAPLE_PAGES);
	else
		plan_leaf(wr, erase, mte_kind(wr->l.leaf));
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

/* Largest of the free ranges between @lo, the @n ranges given, and @end, which is no part. */
static unsigned long gaps_between(const struct maple_range *range, unsigned int n,
				  unsigned long lo, unsigned long end)
{
	unsigned long most = 0;

	for (unsigned int i = 0; i < n; i++) {
		most = max(most, range[i].first - lo);
		lo = range[i].last + 1;
	}
	return max(most, end - lo);
}

/*
 * What will the leaf's largest gap be, in coded form? To be asked before the write.
 *
 * The write changes free ranges only between entries a - 1 and b. What the parent says of the leaf
 * as it is often settles it: if a new one is at least that long it is the longest; if no old one
 * there is that long, that one is elsewhere and stays.
 *
 * Returns: false if the leaf must be looked through after the write
 */
static __always_inline bool foresee_gap(const struct maple_wr *wr, u32 *code, enum maple_kind kind)
{
	const struct maple_leaf *leaf = mte_leaf(wr->l.leaf);
	u32 before = wr->l.node[0]->gap[wr->l.slot[0]];
	unsigned long lo = wr->a ? leaf_last(leaf, kind, wr->a - 1) + 1 : leaf->h.min;
	unsigned long end = 0, was = 0; /* the last leaf ends at 2^64, which is 0 */
	bool open = wr->b < leaf->h.n || leaf->h.is_last;

	if (wr->b < leaf->h.n)
		end = leaf_first(leaf, kind, wr->b);
	else if (!open)
		end = wr->nr_mid ? wr->mid[wr->nr_mid - 1].last + 1 : lo;
	*code = gap_code(gaps_between(wr->mid, wr->nr_mid, lo, end));
	if (*code >= before)
		return true;
	for (unsigned int i = wr->a; i < wr->b; i++) {
		was = max(was, leaf_first(leaf, kind, i) - lo);
		lo = leaf_last(leaf, kind, i) + 1;
	}
	if (open)
		was = max(was, end - lo);
	*code = before;
	return gap_code(was) < before;
}

/* The gap above @leaf, which is or takes the place of the path's, after the write. */
static void settle_gap(struct maple_wr *wr, const struct maple_enode *leaf, bool known, u32 code)
{
	if (!known)
		code = gap_code(leaf_max_gap(mte_leaf(leaf), mte_kind(leaf)));
	path_set_gap(&wr->l, 0, code);
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

/*
 * Store the range, and move the leaf's end with it.
 *
 * Keys change leaves while they are free: before they are stored, after they are freed.
 */
static void set_range_and_end(struct maple_wr *wr, unsigned long old_end)
{
	struct maple_tree *mt = wr->mas->tree;
	unsigned long end = wr->mid[0].last;

	if (end > old_end) {
		path_move_end(&wr->l, 0, end);
		mt_fix_next(mt, end + 1, end + 1);
	}
	set_range(wr);
	if (end < old_end) {
		mt_fix_next(mt, old_end + 1, end + 1);
		path_move_end(&wr->l, 0, end);
	}
}

/* Move one end of entry a. */
static void run_range(struct maple_wr *wr)
{
	struct maple_leaf *leaf = mte_leaf(wr->l.leaf);
	enum maple_kind kind = mte_kind(wr->l.leaf);
	bool gaps = wr->l.levels && mt_tracks_gaps(wr->mas->tree), known = false;
	u32 code = 0;

	if (gaps)
		known = foresee_gap(wr, &code, kind);
	if (wr->b < leaf->h.n || leaf->h.is_last)
		set_range(wr);
	else
		set_range_and_end(wr, leaf_end(leaf, kind));
	if (gaps)
		settle_gap(wr, wr->l.leaf, known, code);
}

/* Fill the new leaf: entries [a, b) of the old one give way to mid. */
static void build_leaf(const struct maple_wr *wr, struct maple_node *node)
{
	struct maple_leaf *old = mte_leaf(wr->l.leaf);
	unsigned int n = old->h.n - (wr->b - wr->a) + wr->nr_mid;
	struct maple_run run;

	if (likely(wr->kind == mte_kind(wr->l.leaf) && wr->kind != MAPLE_WIDE)) {
		leaf_splice(&node->leaf, old, wr->kind, wr->a, wr->b, wr->mid, wr->nr_mid);
		return;
	}
	leaf_run(wr, &run);
	run_take_leaf(&run, node, wr->kind, n);
	leaf_finish(&node->leaf, wr->kind, n, old->h.min, old->h.is_last);
}

static struct maple_enode *run_leaf(struct maple_wr *wr)
{
	struct maple_tree *mt = wr->mas->tree;
	struct maple_enode *old = wr->l.leaf;
	struct maple_node *node = mas_take_node(wr->mas);
	struct maple_enode *new = mte_make(node, wr->kind);
	bool gaps = wr->l.levels && mt_tracks_gaps(mt), known = false;
	u32 code = 0;

	build_leaf(wr, node);
	if (gaps)
		known = foresee_gap(wr, &code, mte_kind(old));
	if (!wr->l.levels)
		rcu_assign_pointer(mt->ma_root, new);
	else if (wr->b < mte_leaf(old)->h.n || mte_leaf(old)->h.is_last)
		rcu_assign_pointer(wr->l.node[0]->slot[wr->l.slot[0]], new);
	else
		mt_publish_child(mt, &wr->l, 0, new, leaf_end(&node->leaf, wr->kind));
	if (gaps)
		settle_gap(wr, new, known, code);
	mt_retire_node(mt, old);
	return new;
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
	if (leaf && wr->entry) {
		mas->last = wr->last;
		mas->node = leaf;
		mas->offset = PLACE_ENTRY(at);
		mas->status = ma_active;
	} else if (leaf && at < mte_leaf(leaf)->h.n) {
		mas_stand(mas, leaf, PLACE_GAP(at));
	} else {
		mas_start_walk(mas);
	}
}
