/*
 * maple_wr.c - do one store as planned.
 *
 * Owns: the ways that need no more than one leaf, and where the state stands afterwards.
 * Not here: choosing the way (maple_plan.c), memory and the public calls (maple_store.c), more
 *   than one leaf (maple_rebuild.c).
 * Ways in order of cost: nothing; one word in place; one new leaf; a rebuild. None can fail.
 */
#include "mm/maple_write.h"

static void run_rootless(struct maple_wr *wr)
{
	struct maple_tree *mt = wr->mas->tree;
	struct maple_range own[2] = {{0, 0, mt->ma_root}, {wr->first, wr->last, wr->entry}};
	unsigned int from = wr->first && mt->ma_root ? 0 : 1;
	struct maple_run run;
	struct maple_node *node;
	enum maple_kind kind;

	if (!wr->nr_nodes) {
		mt_set_root(mt, wr->entry, 0);
		return;
	}
	run_start(&run);
	run.range = own;
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

/* Largest of the free stretches between @lo, the @n words, and @end (no part of it). */
static __always_inline unsigned long gaps_between(const u64 *word, unsigned int n, unsigned long lo,
						  unsigned long end)
{
	unsigned long most = 0;

	for (unsigned int i = 0; i < n; i++) {
		most = max(most, word_start(word[i]) - lo);
		lo = word_stop(word[i]) + 1;
	}
	return max(most, end - lo);
}

/*
 * What will the leaf's largest gap be, in coded form? To be asked before the write.
 *
 * The write changes free ranges only between entries a - 1 and b. What the parent says of the leaf
 * as it is often settles it: if the longest new one is as long as the longest old one there,
 * nothing changes; if it is at least as long as the leaf's longest, it is that; if no old one
 * there was that long, that one is elsewhere and stays. All in units of the leaf.
 *
 * Returns: false if the leaf must be looked through after the write
 */
static __always_inline bool foresee_gap(const struct maple_wr *wr, u32 *code, enum maple_kind kind)
{
	const struct maple_leaf *leaf = mte_leaf(wr->l.leaf);
	unsigned int a = wr->a, b = wr->b, n = wr->nr_mid, shift = kind_shift(kind);
	u32 before = wr->l.node[0]->gap[wr->l.slot[0]];
	unsigned long lo, end, old_end, is, was;

	if (!wr->packed || (!a && leaf->h.min & ((1UL << shift) - 1)))
		return false;
	lo = a ? word_stop(leaf->word[a - 1]) + 1 : leaf->h.min >> shift;
	if (b < leaf->h.n) {
		end = old_end = word_start(leaf->word[b]);
	} else {
		/* What lies behind the last entry is no gap of this leaf's. */
		end = n ? word_stop(wr->word[n - 1]) + 1 : lo;
		old_end = a < b ? word_stop(leaf->word[b - 1]) + 1 : lo;
	}
	is = gaps_between(wr->word, n, lo, end);
	was = gaps_between(&leaf->word[a], b - a, lo, old_end);
	*code = before;
	if (is == was)
		return true;
	if (gap_code(is << shift) >= before) {
		*code = gap_code(is << shift);
		return true;
	}
	return gap_code(was << shift) < before;
}

/* The gap above @leaf, which is or takes the place of the path's, after the write. */
static void settle_gap(struct maple_wr *wr, const struct maple_enode *leaf, bool known, u32 code)
{
	if (!known)
		code = gap_code(leaf_max_gap(mte_leaf(leaf), mte_kind(leaf)));
	path_set_gap(&wr->l, 0, code);
}

static bool foresee(const struct maple_wr *wr, u32 *code)
{
	if (likely(mte_kind(wr->l.leaf) == MAPLE_PAGES))
		return foresee_gap(wr, code, MAPLE_PAGES);
	return foresee_gap(wr, code, mte_kind(wr->l.leaf));
}

/*
 * Store the one word, and move the leaf's end with it.
 *
 * Keys change leaves while they are free: before they are stored, after they are freed.
 */
static void set_word_and_end(struct maple_wr *wr, u64 *word, enum maple_kind kind)
{
	struct maple_tree *mt = wr->mas->tree;
	unsigned long old_end = word_last(*word, kind), end = word_last(wr->word[0], kind);

	if (end > old_end) {
		path_move_end(&wr->l, 0, end);
		mt_fix_next(mt, end + 1, end + 1);
	}
	WRITE_ONCE(*word, wr->word[0]);
	if (end < old_end) {
		mt_fix_next(mt, old_end + 1, end + 1);
		path_move_end(&wr->l, 0, end);
	}
}

/* Entry a keeps its pointer and gets another range. */
static void run_range(struct maple_wr *wr)
{
	struct maple_leaf *leaf = mte_leaf(wr->l.leaf);
	bool gaps = wr->l.levels && mt_tracks_gaps(wr->mas->tree), known = false;
	u32 code = 0;

	if (gaps)
		known = foresee(wr, &code);
	if (wr->b < leaf->h.n || leaf->h.is_last)
		WRITE_ONCE(leaf->word[wr->a], wr->word[0]);
	else
		set_word_and_end(wr, &leaf->word[wr->a], mte_kind(wr->l.leaf));
	if (gaps)
		settle_gap(wr, wr->l.leaf, known, code);
}

/* Fill the new leaf: entries [a, b) of the old one give way to what the write has. */
static void build_leaf(const struct maple_wr *wr, struct maple_node *node)
{
	struct maple_leaf *old = mte_leaf(wr->l.leaf);
	struct maple_run run;

	if (likely(wr->packed)) {
		leaf_splice(&node->leaf, old, wr);
		return;
	}
	run_of_leaf(&run, wr);
	leaf_finish(&node->leaf, wr->kind, run.total, old->h.min, old->h.is_last);
	run_take_leaf(&run, node, wr->kind, run.total);
}

/* An entry gets another in its middle: what was free still is, and nothing else. */
static __always_inline bool keeps_gaps(const struct maple_wr *wr)
{
	return wr->nr_mid == 3 && wr->b - wr->a == 1;
}

static struct maple_enode *run_leaf(struct maple_wr *wr)
{
	struct maple_tree *mt = wr->mas->tree;
	struct maple_enode *old = wr->l.leaf;
	struct maple_node *node = mas_take_node(wr->mas);
	struct maple_enode *new = mte_make(node, wr->kind);
	bool gaps = wr->l.levels && mt_tracks_gaps(mt) && likely(!keeps_gaps(wr)), known = false;
	u32 code = 0;

	build_leaf(wr, node);
	if (gaps)
		known = foresee(wr, &code);
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

static inline void stand_on_new(struct maple_wr *wr, struct maple_enode *leaf, unsigned int place)
{
	struct ma_state *mas = wr->mas;

	mas->last = wr->last;
	mas->node = leaf;
	mas->offset = place;
	mas->status = ma_active;
}

/* Stand on free range @i of @leaf, which is not the one behind its last entry. */
static __always_inline void stand_on_free(struct ma_state *mas, struct maple_enode *e,
					  unsigned int i, enum maple_kind kind)
{
	struct maple_leaf *leaf = mte_leaf(e);

	mas->index = i ? leaf_last(leaf, kind, i - 1) + 1 : leaf->h.min;
	mas->last = leaf_first(leaf, kind, i) - 1;
	mas->node = e;
	mas->offset = PLACE_GAP(i);
	mas->status = ma_active;
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

	mas->tree->ma_writes++;
	mas->mas_flags &= ~MA_STATE_PLANNED;
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

	if (MAPLE_CHECK_WRITES)
		mt_validate(mas->tree);

	mas->index = wr->first;
	at = wr->a + wr->new_at;
	if (leaf && wr->entry)
		stand_on_new(wr, leaf, PLACE_ENTRY(at));
	else if (leaf && at < mte_leaf(leaf)->h.n && mte_kind(leaf) == MAPLE_PAGES)
		stand_on_free(mas, leaf, at, MAPLE_PAGES);
	else if (leaf && at < mte_leaf(leaf)->h.n)
		stand_on_free(mas, leaf, at, mte_kind(leaf));
	else if (wr->how == WR_REBUILD && wr->entry)
		stand_on_new(wr, wr->new_leaf, wr->new_place);
	else
		mas_start_walk(mas);
}
