/*
 * maple_iter.c - from piece to piece, forward and back.
 *
 * Owns: mas_next, mas_prev, mas_find and their relatives, mt_find, mt_next, mt_prev.
 * Not here: finding a key's piece (maple_walk.c).
 * Idea: inside a leaf a step is arithmetic on the place. Past its edge the next key is looked up
 *   from the root: that costs a fraction of an instruction per entry of a leaf, needs no parent
 *   pointers and always meets the tree as it is now. The same is done when the leaf has died.
 * Invariant: going forward never returns to a key at or before the last one seen, also when
 *   writers change the tree meanwhile; going back is the mirror image.
 */
#include "mm/maple_internal.h"

static void *mas_limit(struct ma_state *mas, enum maple_status status)
{
	mas->status = status;
	return NULL;
}

static void *stand_on_gap(struct ma_state *mas, unsigned int i, unsigned long first,
			  unsigned long last)
{
	mas->index = first;
	mas->last = last;
	mas->offset = PLACE_GAP(i);
	mas->status = ma_active;
	return NULL;
}

/* Last key of the piece stood on, by the leaf: the caller may have narrowed index and last. */
static inline unsigned long place_last(const struct ma_state *mas, const struct maple_leaf *leaf,
				       enum maple_kind kind)
{
	unsigned int i = mas->offset / 2;

	if (likely(mas->offset & 1))
		return leaf_last(leaf, kind, i);
	if (i < leaf->h.n)
		return leaf_first(leaf, kind, i) - 1;
	return leaf->h.is_last ? ~0UL : mas->last;
}

static inline unsigned long place_first(const struct ma_state *mas, const struct maple_leaf *leaf,
					enum maple_kind kind)
{
	unsigned int i = mas->offset / 2;

	if (likely(mas->offset & 1))
		return leaf_first(leaf, kind, i);
	return i ? leaf_last(leaf, kind, i - 1) + 1 : READ_ONCE_NOPOINT(leaf->h.min);
}

/*
 * Entry @i of the leaf, but only what lies behind @last: a writer may have given keys to it that
 * the reader has passed. Returns NULL, with the state on it, if nothing of it does.
 */
static void *stand_behind(struct ma_state *mas, unsigned int i, unsigned long last)
{
	void *entry = mas_stand(mas, mas->node, PLACE_ENTRY(i));

	mas->index = last + 1;
	if (mas->last > last)
		return entry;
	mas->last = last;
	return NULL;
}

static void *stand_before(struct ma_state *mas, unsigned int i, unsigned long first)
{
	void *entry = mas_stand(mas, mas->node, PLACE_ENTRY(i));

	mas->last = first - 1;
	if (mas->index < first)
		return entry;
	mas->index = first;
	return NULL;
}

/* What the state stands on, as its leaf has it: the entry, or NULL for a free range. */
static void *stood_on(const struct ma_state *mas)
{
	struct maple_leaf *leaf = mte_leaf(mas->node);

	return mas->offset & 1 ? leaf_entry(leaf, mte_kind(mas->node), mas->offset / 2) : NULL;
}

/*
 * Look up what lies behind @last, where the leaf ends or after it has died.
 *
 * Usually that is the next piece. But a writer may have given it keys up to @last or before, or
 * given keys behind @last to the piece stood on, @stood: no key is reported twice and only a piece
 * that is not the one stood on is a step.
 *
 * Returns: true if it is the answer; false to step on from there
 */
static bool land_behind(struct ma_state *mas, unsigned long last, const void *stood, bool skip,
			void **entry)
{
	unsigned long first;

	mas->index = last + 1;
	*entry = mas_start_walk(mas);
	if (!mas_is_active(mas))
		return true;
	first = mas->index;
	mas->index = max(first, last + 1);
	return *entry ? first > last || *entry != stood : stood && !skip;
}

static bool land_before(struct ma_state *mas, unsigned long first, const void *stood, bool skip,
			void **entry)
{
	unsigned long last;

	mas->index = first - 1;
	*entry = mas_start_walk(mas);
	if (!mas_is_active(mas))
		return true;
	last = mas->last;
	mas->last = min(last, first - 1);
	return *entry ? last < first || *entry != stood : stood && !skip;
}

/*
 * step_forward - to the next piece; with @skip, to the next entry.
 *
 * The state stands on a node. A piece that ends at or behind @max is the last one.
 */
static void *step_forward(struct ma_state *mas, unsigned long max, bool skip)
{
	for (;;) {
		struct maple_enode *e = mas->node;
		struct maple_leaf *leaf = mte_leaf(e);
		enum maple_kind kind = mte_kind(e);
		unsigned int i = (mas->offset + 1) / 2; /* the entry that comes next */
		bool dead = leaf_is_dead(e);
		unsigned long last, first;
		void *entry;

		last = dead ? mas->last : max(place_last(mas, leaf, kind), mas->last);
		if (last >= max)
			return mas_limit(mas, ma_overflow);
		if (unlikely(dead || (i >= leaf->h.n && !leaf->h.is_last))) {
			if (land_behind(mas, last, stood_on(mas), skip, &entry))
				return entry;
			continue;
		}
		if (i >= leaf->h.n) {
			stand_on_gap(mas, i, last + 1, ~0UL);
			return skip ? mas_limit(mas, ma_overflow) : NULL;
		}
		first = leaf_first(leaf, kind, i);
		if (unlikely(first > max || (!skip && first > last + 1))) {
			stand_on_gap(mas, i, last + 1, first - 1);
			return skip ? mas_limit(mas, ma_overflow) : NULL;
		}
		if (likely(first > last))
			return mas_stand(mas, e, PLACE_ENTRY(i));
		entry = stand_behind(mas, i, last);
		if (entry)
			return entry;
	}
}

/* step_back - to the previous piece; with @skip, to the previous entry. */
static void *step_back(struct ma_state *mas, unsigned long min, bool skip)
{
	for (;;) {
		struct maple_enode *e = mas->node;
		struct maple_leaf *leaf = mte_leaf(e);
		enum maple_kind kind = mte_kind(e);
		unsigned int i = mas->offset / 2; /* entries in front of the piece */
		bool dead = leaf_is_dead(e);
		unsigned long first, low;
		void *entry;

		first = dead ? mas->index : min(place_first(mas, leaf, kind), mas->index);
		if (first <= min)
			return mas_limit(mas, ma_underflow);
		if (unlikely(dead)) {
			if (land_before(mas, first, stood_on(mas), skip, &entry))
				return entry;
			continue;
		}
		low = i ? leaf_last(leaf, kind, i - 1) + 1 : READ_ONCE_NOPOINT(leaf->h.min);
		if (low < first && (low <= min || !skip)) {
			stand_on_gap(mas, i, low, first - 1);
			return skip ? mas_limit(mas, ma_underflow) : NULL;
		}
		if (unlikely(!i)) {
			/* A free range in front of the first entry is passed on the way. */
			if (land_before(mas, min(low, first), low < first ? NULL : stood_on(mas),
					skip, &entry))
				return entry;
			continue;
		}
		if (likely(low <= first))
			return mas_stand(mas, e, PLACE_ENTRY(i - 1));
		entry = stand_before(mas, i - 1, first);
		if (entry)
			return entry;
	}
}

/*
 * next_nearby - the next entry, if it can be had the short way; else NULL and nothing changed.
 *
 * The short way: same leaf, alive, of pages, and the entry next to the place begins behind the
 * position and not behind @max. Then the piece stood on ended in front of it and of @max.
 */
static __always_inline void *next_nearby(struct ma_state *mas, unsigned long max)
{
	struct maple_leaf *leaf = mte_leaf(mas->node);
	unsigned int i = (mas->offset + 1u) / 2;
	unsigned long first;
	u64 word;

	if (unlikely(mte_kind(mas->node) != MAPLE_PAGES || leaf_is_dead(mas->node) ||
		     i >= leaf->h.n))
		return NULL;
	word = READ_ONCE_NOPOINT(leaf->word[i]);
	first = word_first(word, MAPLE_PAGES);
	if (unlikely(first <= mas->last || first > max))
		return NULL;
	mas->index = first;
	mas->last = word_last(word, MAPLE_PAGES);
	mas->offset = PLACE_ENTRY(i);
	return rcu_dereference(leaf->slot[i]);
}

/* prev_nearby - the mirror image. */
static __always_inline void *prev_nearby(struct ma_state *mas, unsigned long min)
{
	struct maple_leaf *leaf = mte_leaf(mas->node);
	unsigned int i = mas->offset / 2;
	unsigned long last;
	u64 word;

	if (unlikely(mte_kind(mas->node) != MAPLE_PAGES || leaf_is_dead(mas->node) || !i))
		return NULL;
	word = READ_ONCE_NOPOINT(leaf->word[i - 1]);
	last = word_last(word, MAPLE_PAGES);
	if (unlikely(last >= mas->index || last < min))
		return NULL;
	mas->index = word_first(word, MAPLE_PAGES);
	mas->last = last;
	mas->offset = PLACE_ENTRY(i - 1);
	return rcu_dereference(leaf->slot[i - 1]);
}

/* There is nothing behind [0, 0]. *//* There is nothing behind [0, 0]. */
static void *rootless_end(struct ma_state *mas)
{
	if (mas->status == ma_root) {
		mas->index = READ_ONCE(mas->tree->ma_root) ? 1 : 0;
		mas->last = ~0UL;
		mas->status = ma_none;
	}
	return NULL;
}

static void *mas_next_piece(struct ma_state *mas, unsigned long max, bool skip)
{
	enum maple_status was = mas->status;
	unsigned long index = mas->index;
	void *entry;

	if (unlikely(was == ma_error))
		return NULL;
	if (mas->last >= max)
		return mas_limit(mas, ma_overflow);
	if (likely(was == ma_active) || (was == ma_overflow && mas->node))
		return step_forward(mas, max, skip);
	entry = mas_start_walk(mas);
	if (was == ma_underflow && entry)
		return entry;
	if (likely(mas_is_active(mas)))
		return step_forward(mas, max, skip);
	rootless_end(mas);
	if (entry && was == ma_none && !index)
		mas->index = mas->last = 0;
	return NULL;
}

void *mas_next(struct ma_state *mas, unsigned long max)
{
	void *entry;

	if (likely(mas_is_active(mas)) && mas->last < max) {
		entry = next_nearby(mas, max);
		if (likely(entry))
			return entry;
	}
	return mas_next_piece(mas, max, true);
}

void *mas_next_range(struct ma_state *mas, unsigned long max)
{
	return mas_next_piece(mas, max, false);
}

/* Coming from above, the one entry of a tree without nodes; it lies before any @min but 0. */
static void *rootless_prev(struct ma_state *mas, unsigned long min)
{
	void *root = rcu_dereference(mas->tree->ma_root);

	if (!root || mt_root_is_node(root))
		return NULL;
	if (min)
		return mas_limit(mas, ma_underflow);
	mas->index = mas->last = 0;
	mas->status = ma_root;
	return root;
}

static void *mas_prev_piece(struct ma_state *mas, unsigned long min, bool skip)
{
	enum maple_status was = mas->status;
	void *entry;

	if (unlikely(was == ma_error))
		return NULL;
	if (mas->index <= min)
		return mas_limit(mas, ma_underflow);
	if (likely(was == ma_active) || (was == ma_underflow && mas->node))
		return step_back(mas, min, skip);
	entry = mas_start_walk(mas);
	if (was == ma_overflow && entry)
		return entry;
	if (likely(mas_is_active(mas)))
		return step_back(mas, min, skip);
	return rootless_prev(mas, min);
}

void *mas_prev(struct ma_state *mas, unsigned long min)
{
	void *entry;

	if (likely(mas_is_active(mas)) && mas->index > min) {
		entry = prev_nearby(mas, min);
		if (likely(entry))
			return entry;
	}
	return mas_prev_piece(mas, min, true);
}

void *mas_prev_range(struct ma_state *mas, unsigned long min)
{
	return mas_prev_piece(mas, min, false);
}

/*
 * mas_find's beginning when the state does not stand on a piece.
 *
 * Returns: true if the answer is *@entry; false: step forward from here.
 */
static bool mas_find_setup(struct ma_state *mas, unsigned long max, void **entry)
{
	*entry = NULL;
	switch (mas->status) {
	case ma_start:
		break;
	case ma_pause:
		if (mas->last >= max)
			return true;
		mas->index = ++mas->last;
		break;
	case ma_none:
		if (mas->last >= max)
			return true;
		mas->index = mas->last;
		break;
	case ma_underflow:
		if (mas->index >= max) {
			mas->status = ma_overflow;
			return true;
		}
		break;
	case ma_overflow:
	case ma_active:
		if (mas->last >= max)
			return true;
		if (mas_is_active(mas))
			return false;
		break;
	case ma_root:
		rootless_end(mas);
		return true;
	case ma_error:
		return true;
	}
	if (mas->index > max)
		return true;
	*entry = mas_start_walk(mas);
	return *entry || !mas_is_active(mas) || mas->index == max;
}

static noinline void *mas_find_slow(struct ma_state *mas, unsigned long max)
{
	void *entry;

	if (mas_find_setup(mas, max, &entry))
		return entry;
	entry = step_forward(mas, max, true);
	/* The place is kept whether or not a limit was hit; only a tree without nodes has none. */
	if (mas->status == ma_overflow)
		mas->status = ma_active;
	return entry;
}

void *mas_find(struct ma_state *mas, unsigned long max)
{
	void *entry;

	if (likely(mas_is_active(mas)) && mas->last < max) {
		entry = next_nearby(mas, max);
		if (likely(entry))
			return entry;
	}
	return mas_find_slow(mas, max);
}

void *mas_find_range(struct ma_state *mas, unsigned long max)
{
	void *entry;

	if (mas_find_setup(mas, max, &entry))
		return entry;
	return step_forward(mas, max, false);
}

/* As mas_find_setup, for going back. */
static bool mas_find_rev_setup(struct ma_state *mas, unsigned long min, void **entry)
{
	*entry = NULL;
	switch (mas->status) {
	case ma_active:
		return mas->index < min;
	case ma_start:
		break;
	case ma_pause:
		if (mas->index <= min) {
			mas->status = ma_underflow;
			return true;
		}
		mas->last = --mas->index;
		break;
	case ma_none:
		if (mas->index <= min)
			return true;
		mas->last = mas->index;
		break;
	case ma_overflow:
	case ma_underflow:
		if (mas->index <= min) {
			mas->status = ma_underflow;
			return true;
		}
		if (mas->node)
			return false;
		mas_start_walk(mas);
		break;
	case ma_root:
		mas->status = ma_none;
		return true;
	case ma_error:
		return true;
	}
	if (mas->status == ma_active)
		return false;
	if (mas->index < min)
		return true;
	*entry = mas_start_walk(mas);
	if (!mas_is_active(mas)) {
		*entry = rootless_prev(mas, min);
		if (!*entry && mas->status == ma_none) {
			mas->index = mas->last = 0;
			mas->status = ma_root;
		}
		return true;
	}
	return *entry;
}

static noinline void *mas_find_rev_slow(struct ma_state *mas, unsigned long min)
{
	void *entry;

	if (mas_find_rev_setup(mas, min, &entry))
		return entry;
	return step_back(mas, min, true);
}

void *mas_find_rev(struct ma_state *mas, unsigned long min)
{
	void *entry;

	if (likely(mas_is_active(mas)) && mas->index > min) {
		entry = prev_nearby(mas, min);
		if (likely(entry))
			return entry;
	}
	return mas_find_rev_slow(mas, min);
}

void *mas_find_range_rev(struct ma_state *mas, unsigned long min)
{
	void *entry;

	if (mas_find_rev_setup(mas, min, &entry))
		return entry;
	return step_back(mas, min, false);
}

/* mt_find for all cases: an ordinary iteration that passes over zero entries. */
static noinline void *mt_find_slow(struct maple_tree *mt, unsigned long *index, unsigned long max)
{
	MA_STATE(mas, mt, *index, *index);
	void *entry = mas_start_walk(&mas);

	while (mas_is_active(&mas) && (!entry || xa_is_zero(entry))) {
		entry = step_forward(&mas, max, true);
		if (!entry)
			break;
	}
	if (!entry || xa_is_zero(entry))
		return NULL;
	*index = max(mas.last, *index) + 1;
	return entry;
}

/* The entry at @index or behind it in the leaf of pages @leaf; NULL: ask elsewhere. */
static __always_inline void *leaf_pages_find(struct maple_leaf *leaf, unsigned long *index,
					     unsigned long max)
{
	unsigned int i = leaf_find(leaf, MAPLE_PAGES, *index) / 2;
	void *entry;
	u64 word;

	if (i == leaf->h.n)
		return NULL;
	/* The word first: ranges grow, so the entry read after it holds all of that word's keys. */
	word = READ_ONCE_NOPOINT(leaf->word[i]);
	entry = rcu_dereference(leaf->slot[i]);
	if (xa_is_zero(entry) || word_first(word, MAPLE_PAGES) > max ||
	    word_last(word, MAPLE_PAGES) < *index)
		return NULL;
	*index = word_last(word, MAPLE_PAGES) + 1;
	return entry;
}

void *mt_find(struct maple_tree *mt, unsigned long *index, unsigned long max)
{
	struct maple_enode *e;
	void *entry = NULL;

	if (*index > max)
		return NULL;
	rcu_read_lock();
	e = rcu_dereference(mt->ma_root);
	if (likely(mt_root_is_node(e))) {
		e = mt_descend(e, *index);
		if (likely(mte_kind(e) == MAPLE_PAGES))
			entry = leaf_pages_find(mte_leaf(e), index, max);
	}
	if (unlikely(!entry))
		entry = mt_find_slow(mt, index, max);
	rcu_read_unlock();
	return entry;
}

void *mt_find_after(struct maple_tree *mt, unsigned long *index, unsigned long max)
{
	return *index ? mt_find(mt, index, max) : NULL;
}

void *mt_next(struct maple_tree *mt, unsigned long index, unsigned long max)
{
	MA_STATE(mas, mt, index, index);
	void *entry;

	rcu_read_lock();
	entry = mas_next(&mas, max);
	rcu_read_unlock();
	return entry;
}

void *mt_prev(struct maple_tree *mt, unsigned long index, unsigned long min)
{
	MA_STATE(mas, mt, index, index);
	void *entry;

	rcu_read_lock();
	entry = mas_prev(&mas, min);
	rcu_read_unlock();
	return entry;
}
