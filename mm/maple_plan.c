/*
 * maple_plan.c - what one store takes.
 *
 * Owns: where a write cuts the old ranges, the choice of the way to do it, the count of nodes.
 * Not here: doing it (maple_wr.c, maple_rebuild.c).
 * Idea: planning changes nothing. Most writes meet one leaf of words and ranges that fit words:
 *   these are planned in units of the leaf, on words (plan_packed). What that cannot do, any
 *   kind of leaf, several of them, splits and joins, is planned on ranges of keys (plan_any).
 */
#include "mm/maple_write.h"

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

static inline void plan_entry(struct maple_wr *wr)
{
	wr->how = WR_ENTRY;
	wr->overlaps = true;
	wr->new_at = 0;
	wr->nr_nodes = 0;
}

/* ---- on words ---- */

/* Is anything stored beyond this leaf, which ends before the write does, but within the write? */
static noinline bool touches_next_leaf(const struct maple_wr *wr, unsigned long leaf_end)
{
	struct maple_path path;
	struct maple_leaf *leaf;

	path_walk(&path, wr->mas->tree, wr->last);
	leaf = mte_leaf(path.leaf);
	return leaf->h.min != leaf_end + 1 ||
	       leaf_find(leaf, mte_kind(path.leaf), wr->last) != PLACE_GAP(0);
}

/*
 * May the published word @old become @new? Beside readers ranges only grow: who found a key in a
 * word and comes for the entry later must not meet one that was stored after the key had left.
 */
static __always_inline bool word_may_change(const struct maple_tree *mt, u64 old, u64 new)
{
	return (word_start(new) <= word_start(old) && word_stop(new) >= word_stop(old)) ||
	       !mt_in_rcu(mt);
}

/* One leaf does not do: from here on the pieces are ranges of keys. */
static noinline void packed_rebuild(struct maple_wr *wr, enum maple_kind kind)
{
	struct maple_range range[3];

	for (unsigned int i = 0; i < wr->nr_mid; i++)
		range[i] = (struct maple_range){word_first(wr->word[i], kind),
						word_last(wr->word[i], kind), wr->slot[i]};
	for (unsigned int i = 0; i < wr->nr_mid; i++)
		wr->mid[i] = range[i];
	wr->packed = false;
	wr->how = WR_REBUILD;
	wr->nr_nodes = mas_wr_rebuild(wr, false);
}

/* Entries [a, b) give way to nr_mid words: how is that done? */
static __always_inline void packed_choose(struct maple_wr *wr, const struct maple_leaf *leaf,
					  enum maple_kind kind, unsigned int total)
{
	unsigned int gone = wr->b - wr->a;

	wr->overlaps = gone;
	wr->nr_nodes = 0;
	wr->packed = true;
	wr->spans = false;
	if (!gone && !wr->entry) {
		wr->how = WR_NOTHING;
	} else if (gone == 1 && wr->nr_mid == 1 && wr->slot[0] == leaf->slot[wr->a] &&
		   word_may_change(wr->mas->tree, leaf->word[wr->a], wr->word[0])) {
		wr->how = WR_RANGE;
	} else if (likely(total <= MAPLE_LEAF_CAP &&
			  (total >= MAPLE_LEAF_MIN || (!wr->l.levels && total)))) {
		wr->how = WR_LEAF;
		wr->kind = kind;
		wr->nr_nodes = 1;
	} else {
		packed_rebuild(wr, kind);
	}
}

static __always_inline void packed_erase(struct maple_wr *wr, const struct maple_leaf *leaf,
					 enum maple_kind kind)
{
	unsigned int place = leaf_find(leaf, kind, wr->first), i = place / 2;

	wr->old = NULL;
	wr->a = wr->b = i;
	wr->nr_mid = wr->new_at = 0;
	if (place & 1) {
		wr->old = leaf->slot[i];
		wr->first = word_first(leaf->word[i], kind);
		wr->last = word_last(leaf->word[i], kind);
		wr->b++;
	}
	packed_choose(wr, leaf, kind, leaf->h.n - 1);
}

/* Returns: false if a range does not fit a word or another leaf is touched. */
static __always_inline bool packed_store(struct maple_wr *wr, const struct maple_leaf *leaf,
					 enum maple_kind kind)
{
	unsigned int a, b, n = leaf->h.n, mid = 0, shift = kind_shift(kind);
	unsigned long first = wr->first >> shift, last = wr->last >> shift, stop;
	u64 word = 0, limit;
	bool cuts = false;

	if (unlikely(!word_fits(wr->first, wr->last, kind)))
		return false;
	a = leaf_count(leaf->word, (first + 1) << MAPLE_LEN_BITS);
	if (a) {
		word = leaf->word[a - 1];
		cuts = first - word_start(word) <= word_len(word);
	}
	wr->old = NULL;
	if (cuts) {
		wr->old = leaf->slot[--a];
		wr->a = a;
		if (word_start(word) < first) {
			wr->word[0] = word - word_len(word) + (first - word_start(word) - 1);
			wr->slot[0] = wr->old;
			mid = 1;
		} else if (word_stop(word) == last && wr->entry) {
			plan_entry(wr);
			return true;
		}
	}
	wr->new_at = mid;
	if (wr->entry) {
		wr->word[mid] = first << MAPLE_LEN_BITS | (last - first);
		wr->slot[mid++] = wr->entry;
	}

	limit = (min(last, MAPLE_START_MAX) + 1) << MAPLE_LEN_BITS;
	for (b = a; b < n && leaf->word[b] < limit; b++)
		;
	if (a != b) {
		stop = word_stop(leaf->word[b - 1]);
		if (stop > last) {
			if (unlikely(last >= MAPLE_START_MAX))
				return false;
			wr->word[mid] = (last + 1) << MAPLE_LEN_BITS | (stop - last - 1);
			wr->slot[mid++] = leaf->slot[b - 1];
		} else if (b == n && stop < last && !leaf->h.is_last &&
			   touches_next_leaf(wr, ((stop + 1) << shift) - 1)) {
			return false;
		}
	}
	wr->a = a;
	wr->b = b;
	wr->nr_mid = mid;
	packed_choose(wr, leaf, kind, n - (b - a) + mid);
	return true;
}

static __always_inline bool plan_packed(struct maple_wr *wr, bool erase, enum maple_kind kind)
{
	const struct maple_leaf *leaf = mte_leaf(wr->l.leaf);

	if (!erase)
		return packed_store(wr, leaf, kind);
	packed_erase(wr, leaf, kind);
	return true;
}

/* ---- on ranges ---- */

/* The right edge: b, and r if it is in another leaf. Returns the place where the write ends. */
static unsigned int any_right(struct maple_wr *wr)
{
	struct maple_leaf *leaf = mte_leaf(wr->l.leaf);
	enum maple_kind kind = mte_kind(wr->l.leaf);
	unsigned int place;

	wr->spans = false;
	if (wr->last <= leaf_end(leaf, kind))
		return leaf_find(leaf, kind, wr->last);

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

static void any_mid(struct maple_wr *wr, unsigned int left_place, unsigned int right_place)
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

/* Does one leaf take it all? Sets the form of that leaf. */
static bool any_one_leaf(struct maple_wr *wr)
{
	unsigned int total = mte_leaf(wr->l.leaf)->h.n - (wr->b - wr->a) + wr->nr_mid;
	struct maple_run run;

	if (wr->spans || !total || total > MAPLE_LEAF_CAP ||
	    (total < MAPLE_LEAF_MIN && wr->l.levels))
		return false;
	run_of_leaf(&run, wr);
	wr->kind = run_kind(&run, total);
	return wr->kind != MAPLE_WIDE || total <= MAPLE_WIDE_CAP;
}

static noinline void plan_any(struct maple_wr *wr, bool erase)
{
	struct maple_leaf *leaf = mte_leaf(wr->l.leaf);
	enum maple_kind kind = mte_kind(wr->l.leaf);
	unsigned int place = leaf_find(leaf, kind, wr->first);

	wr->old = place & 1 ? leaf_slots(leaf, kind)[place / 2] : NULL;
	if (erase && wr->old) {
		wr->first = leaf_first(leaf, kind, place / 2);
		wr->last = leaf_last(leaf, kind, place / 2);
	}
	any_mid(wr, place, any_right(wr));
	wr->packed = false;
	wr->nr_nodes = 0;
	if (!wr->overlaps && !wr->entry) {
		wr->how = WR_NOTHING;
	} else if (wr->old && wr->entry && leaf_first(leaf, kind, wr->a) == wr->first &&
		   leaf_last(leaf, kind, wr->a) == wr->last) {
		plan_entry(wr);
	} else if (any_one_leaf(wr)) {
		wr->how = WR_LEAF;
		wr->nr_nodes = 1;
	} else {
		wr->how = WR_REBUILD;
		wr->nr_nodes = mas_wr_rebuild(wr, false);
	}
}

/* ---- both ---- */

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
	plan_entry(wr);
	return true;
}

static __always_inline void plan(struct maple_wr *wr, bool erase)
{
	struct maple_tree *mt = wr->mas->tree;
	enum maple_kind kind;

	if (wr->entry && mas_is_active(wr->mas) && plan_here(wr))
		return;
	if (unlikely(!mt_root_is_node(mt->ma_root))) {
		plan_rootless(wr);
		return;
	}
	path_walk_inline(&wr->l, mt, wr->first);
	kind = mte_kind(wr->l.leaf);
	if (likely(kind == MAPLE_PAGES)) {
		if (likely(plan_packed(wr, erase, MAPLE_PAGES)))
			return;
	} else if (kind == MAPLE_UNITS) {
		if (plan_packed(wr, erase, MAPLE_UNITS))
			return;
	}
	plan_any(wr, erase);
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

/* What a plan on words is, but for its path. */
static inline void plan_copy(struct maple_wr *dst, const struct maple_wr *src)
{
	const size_t from = offsetof(struct maple_wr, entry);
	const size_t to = offsetof(struct maple_wr, slot) + sizeof(src->slot);

	memcpy(&dst->entry, &src->entry, to - from);
	path_copy(&dst->l, &src->l);
}

/* mas_wr_put_by - keep the plan of a write to one leaf of words, if there is a node for it. */
void mas_wr_put_by(const struct maple_wr *wr)
{
	struct ma_state *mas = wr->mas;
	struct maple_put_by *by = (struct maple_put_by *)mas->alloc;

	if (!by || (wr->how != WR_LEAF && wr->how != WR_RANGE) || !wr->packed)
		return;
	by->writes = mas->tree->ma_writes;
	plan_copy(&by->wr, wr);
	mas->mas_flags |= MA_STATE_PLANNED;
}

/*
 * mas_wr_take_up - the plan put by, with @entry for the one it was made with.
 *
 * Returns: false if there is none, or the tree or the range have changed
 */
bool mas_wr_take_up(struct maple_wr *wr, struct ma_state *mas, void *entry)
{
	const struct maple_put_by *by = (const struct maple_put_by *)mas->alloc;

	if (!(mas->mas_flags & MA_STATE_PLANNED) || by->writes != mas->tree->ma_writes ||
	    by->wr.first != mas->index || by->wr.last != mas->last ||
	    (by->wr.entry != entry && (by->wr.how == WR_RANGE || !by->wr.entry || !entry)))
		return false;
	plan_copy(wr, &by->wr);
	wr->mas = mas;
	wr->entry = entry;
	if (entry)
		wr->slot[wr->new_at] = entry;
	return true;
}
