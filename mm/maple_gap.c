/*
 * maple_gap.c - find free room of a given size, lowest or highest first.
 *
 * Owns: mas_empty_area and mas_empty_area_rev.
 * Not here: keeping the gap numbers right (maple_path.c, maple_run.c).
 * Idea: look at the leaf at the near end of the window, then go from leaf to leaf, but only to
 *   those below which a gap is long enough. Rounding of the numbers may send the search to a
 *   leaf in vain, never past one.
 */
#include "mm/maple_internal.h"

struct window {
	unsigned long min, max;
	unsigned long span; /* size - 1: a size can be 2^64 - 1, a window's length 2^64 */
	u32 code;
};

/* Does free range i of the leaf, cut to the window, have room? Reports it in [*first, *last]. */
static bool gap_in_window(const struct maple_leaf *leaf, enum maple_kind kind, unsigned int i,
			  const struct window *win, unsigned long *first, unsigned long *last)
{
	unsigned long lo = i ? leaf_last(leaf, kind, i - 1) + 1 : leaf->h.min;
	unsigned long hi = leaf_first(leaf, kind, i) - 1;

	if (hi + 1 == lo)
		return false;
	*first = max(lo, win->min);
	*last = min(hi, win->max);
	return *first <= *last && *last - *first >= win->span;
}

/* The same for the range behind the last entry, which only the last leaf has. */
static bool tail_in_window(const struct maple_leaf *leaf, enum maple_kind kind,
			   const struct window *win, unsigned long *first, unsigned long *last)
{
	unsigned long end = leaf_last(leaf, kind, leaf->h.n - 1);

	if (!leaf->h.is_last || end == ~0UL)
		return false;
	*first = max(end + 1, win->min);
	*last = win->max;
	return *first <= *last && *last - *first >= win->span;
}

/*
 * Number of the first free range at or behind @i, in a leaf of pages, that is long enough by
 * itself; n if none. Windows are looked at only there.
 */
static unsigned int long_enough_up(const struct maple_leaf *leaf, unsigned int i,
				   const struct window *win)
{
	unsigned int n = leaf->h.n;
	u64 end = i ? word_last(leaf->word[i - 1], MAPLE_PAGES) + 1 : leaf->h.min;

	for (; i < n; i++) {
		u64 word = leaf->word[i];
		u64 gap = word_first(word, MAPLE_PAGES) - end;

		if (gap > win->span)
			break;
		end = word_last(word, MAPLE_PAGES) + 1;
	}
	return i;
}

/* The same downwards; -1 if none. */
static int long_enough_down(const struct maple_leaf *leaf, int i, const struct window *win)
{
	u64 first = word_first(leaf->word[i], MAPLE_PAGES);

	for (; i > 0; i--) {
		u64 word = leaf->word[i - 1];

		if (first - word_last(word, MAPLE_PAGES) - 1 > win->span)
			return i;
		first = word_first(word, MAPLE_PAGES);
	}
	return first - leaf->h.min > win->span ? 0 : -1;
}

/* Lowest free range with room in @e, from number @i on. Returns its number, -1 if none. */
static int leaf_lowest(struct maple_enode *e, unsigned int i, const struct window *win,
		       unsigned long *first, unsigned long *last)
{
	struct maple_leaf *leaf = mte_leaf(e);
	enum maple_kind kind = mte_kind(e);

	for (; i < leaf->h.n; i++) {
		if (kind == MAPLE_PAGES) {
			i = long_enough_up(leaf, i, win);
			if (i == leaf->h.n)
				break;
		}
		if (gap_in_window(leaf, kind, i, win, first, last))
			return i;
	}
	return tail_in_window(leaf, kind, win, first, last) ? (int)i : -1;
}

/* Highest free range with room in @e, from number @i down. */
static int leaf_highest(struct maple_enode *e, unsigned int i, const struct window *win,
			unsigned long *first, unsigned long *last)
{
	struct maple_leaf *leaf = mte_leaf(e);
	enum maple_kind kind = mte_kind(e);
	int at = i;

	if (i == leaf->h.n) {
		if (tail_in_window(leaf, kind, win, first, last))
			return at;
		at--;
	}
	for (; at >= 0; at--) {
		if (kind == MAPLE_PAGES) {
			at = long_enough_down(leaf, at, win);
			if (at < 0)
				break;
		}
		if (gap_in_window(leaf, kind, at, win, first, last))
			return at;
	}
	return -1;
}

/* First child of @node at or behind @slot with a gap of @code; n if none. */
static unsigned int child_up(const struct maple_inner *node, unsigned int slot, u32 code)
{
	while (slot < node->h.n && node->gap[slot] < code)
		slot++;
	return slot;
}

/* Last child of @node in front of @slot with a gap of @code, plus one; 0 if none. */
static unsigned int child_down(const struct maple_inner *node, unsigned int slot, u32 code)
{
	while (slot && node->gap[slot - 1] < code)
		slot--;
	return slot;
}

/* Move the path to the next leaf with a gap of @code. */
static bool path_next_gap(struct maple_path *path, u32 code)
{
	unsigned int level, slot = 0;

	for (level = 0; level < path->levels; level++) {
		slot = child_up(path->node[level], path->slot[level] + 1, code);
		if (slot < path->node[level]->h.n)
			break;
	}
	if (level == path->levels)
		return false;
	for (path->slot[level] = slot; level--; path->slot[level] = slot) {
		path->node[level] = mte_inner(path->node[level + 1]->slot[slot]);
		slot = child_up(path->node[level], 0, code);
	}
	path->leaf = path->node[0]->slot[slot];
	return true;
}

static bool path_prev_gap(struct maple_path *path, u32 code)
{
	unsigned int level, slot = 0;

	for (level = 0; level < path->levels; level++) {
		slot = child_down(path->node[level], path->slot[level], code);
		if (slot)
			break;
	}
	if (level == path->levels)
		return false;
	for (path->slot[level] = --slot; level--; path->slot[level] = slot) {
		path->node[level] = mte_inner(path->node[level + 1]->slot[slot]);
		slot = child_down(path->node[level], path->node[level]->h.n, code) - 1;
	}
	path->leaf = path->node[0]->slot[slot];
	return true;
}

static bool worth_a_look(const struct maple_path *path, u32 code)
{
	return !path->levels || path->node[0]->gap[path->slot[0]] >= code;
}

static int find_lowest(struct ma_state *mas, const struct window *win)
{
	struct maple_path path;
	unsigned long first, last;
	unsigned int from;
	int i = -1;

	path_walk(&path, mas->tree, win->min);
	from = leaf_find(mte_leaf(path.leaf), mte_kind(path.leaf), win->min) / 2;
	if (worth_a_look(&path, win->code))
		i = leaf_lowest(path.leaf, from, win, &first, &last);
	while (i < 0) {
		if (!path_next_gap(&path, win->code) || mte_leaf(path.leaf)->h.min > win->max)
			return -EBUSY;
		i = leaf_lowest(path.leaf, 0, win, &first, &last);
	}
	mas->index = first;
	mas->last = first + win->span;
	mas->node = path.leaf;
	mas->offset = PLACE_GAP(i);
	mas->status = ma_active;
	return 0;
}

static int find_highest(struct ma_state *mas, const struct window *win)
{
	struct maple_path path;
	unsigned long first, last;
	unsigned int from;
	int i = -1;

	path_walk(&path, mas->tree, win->max);
	from = leaf_find(mte_leaf(path.leaf), mte_kind(path.leaf), win->max) / 2;
	if (worth_a_look(&path, win->code))
		i = leaf_highest(path.leaf, from, win, &first, &last);
	while (i < 0) {
		if (mte_leaf(path.leaf)->h.min <= win->min || !path_prev_gap(&path, win->code))
			return -EBUSY;
		i = leaf_highest(path.leaf, mte_leaf(path.leaf)->h.n - 1, win, &first, &last);
	}
	mas->index = last - win->span;
	mas->last = last;
	mas->node = path.leaf;
	mas->offset = PLACE_GAP(i);
	mas->status = ma_active;
	return 0;
}

/* A tree without nodes: all is free but perhaps [0, 0]. */
static int find_rootless(struct ma_state *mas, struct window *win, bool highest)
{
	bool full = mas->tree->ma_root;

	if (full && !win->min)
		win->min = 1;
	if (win->min > win->max || win->max - win->min < win->span)
		return -EBUSY;
	mas->index = highest ? win->max - win->span : win->min;
	mas->last = mas->index + win->span;
	mas->node = NULL;
	mas->status = full ? ma_root : ma_none;
	return 0;
}

/* An active state stands on a place that was turned down: the next one begins (ends) beyond. */
static bool window_go_on(const struct ma_state *mas, struct window *win, bool highest)
{
	if (!mas_is_active(mas))
		return true;
	if (!highest && mas->index >= win->min) {
		if (mas->index == ~0UL)
			return false;
		win->min = mas->index + 1;
	}
	if (highest && mas->last <= win->max) {
		if (!mas->last)
			return false;
		win->max = mas->last - 1;
	}
	return win->min <= win->max && win->max - win->min >= win->span;
}

static int empty_area(struct ma_state *mas, unsigned long min, unsigned long max,
		      unsigned long size, bool highest)
{
	struct window win = {min, max, size - 1, gap_code(size)};
	int err = -EBUSY;

	if (min > max || !size || max - min < size - 1)
		return -EINVAL;
	if (mas_is_err(mas))
		return xa_err(mas->node);
	if (window_go_on(mas, &win, highest)) {
		if (!mt_root_is_node(mas->tree->ma_root))
			err = find_rootless(mas, &win, highest);
		else
			err = highest ? find_highest(mas, &win) : find_lowest(mas, &win);
	}
	if (err)
		mas_set_err(mas, err);
	return err;
}

int mas_empty_area(struct ma_state *mas, unsigned long min, unsigned long max, unsigned long size)
{
	return empty_area(mas, min, max, size, false);
}

int mas_empty_area_rev(struct ma_state *mas, unsigned long min, unsigned long max,
		       unsigned long size)
{
	return empty_area(mas, min, max, size, true);
}
