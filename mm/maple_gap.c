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
	u64 word_step; /* see perhaps() */
};

/* A free range found, cut to the window. */
struct room {
	unsigned long first, last;
};

/* Does the free range [@lo, @hi], cut to the window, have room? */
static __always_inline bool has_room(unsigned long lo, unsigned long hi, const struct window *win,
				     struct room *room)
{
	room->first = max(lo, win->min);
	room->last = min(hi, win->max);
	return room->first <= room->last && room->last - room->first >= win->span;
}

/* The free range in front of entry @i. */
static __always_inline bool gap_has_room(const struct maple_leaf *leaf, enum maple_kind kind,
					 unsigned int i, const struct window *win,
					 struct room *room)
{
	unsigned long lo = i ? leaf_last(leaf, kind, i - 1) + 1 : leaf->h.min;
	unsigned long first = leaf_first(leaf, kind, i);

	return first != lo && has_room(lo, first - 1, win, room);
}

/* The free range behind the last entry, which only the last leaf has. */
static bool tail_has_room(const struct maple_enode *e, const struct window *win, struct room *room)
{
	const struct maple_leaf *leaf = mte_leaf(e);
	unsigned long end = leaf_last(leaf, mte_kind(e), leaf->h.n - 1);

	return leaf->h.is_last && end != ~0UL && has_room(end + 1, ~0UL, win, room);
}

/*
 * A quick no for the free range between two words of pages: with room for n pages the words
 * differ by more than n << 28, since the front one's own length comes on top.
 */
static __always_inline bool perhaps(u64 front, u64 behind, u64 step)
{
	return behind - front >= step;
}

/* Lowest number at or behind @i of a free range with room, in a leaf of pages; -1 if none. */
static int pages_lowest(const struct maple_leaf *leaf, unsigned int i, const struct window *win,
			struct room *room)
{
	const u64 *w = leaf->word + i, *stop = leaf->word + leaf->h.n;
	u64 step = win->word_step;

	if (!i) {
		if (gap_has_room(leaf, MAPLE_PAGES, 0, win, room))
			return 0;
		w++;
	}
	for (; w < stop; w++) {
		if (perhaps(w[-1], w[0], step) &&
		    gap_has_room(leaf, MAPLE_PAGES, w - leaf->word, win, room))
			return w - leaf->word;
	}
	return -1;
}

/* The same downwards. */
static int pages_highest(const struct maple_leaf *leaf, unsigned int i, const struct window *win,
			 struct room *room)
{
	const u64 *w = leaf->word + i;
	u64 step = win->word_step;

	for (; w > leaf->word; w--) {
		if (perhaps(w[-1], w[0], step) &&
		    gap_has_room(leaf, MAPLE_PAGES, w - leaf->word, win, room))
			return w - leaf->word;
	}
	return gap_has_room(leaf, MAPLE_PAGES, 0, win, room) ? 0 : -1;
}

/* Lowest free range with room in front of an entry of @e, from number @i on; -1 if none. */
static int leaf_lowest(struct maple_enode *e, unsigned int i, const struct window *win,
		       struct room *room)
{
	struct maple_leaf *leaf = mte_leaf(e);
	enum maple_kind kind = mte_kind(e);

	if (likely(kind == MAPLE_PAGES))
		return pages_lowest(leaf, i, win, room);
	for (; i < leaf->h.n; i++) {
		if (gap_has_room(leaf, kind, i, win, room))
			return i;
	}
	return -1;
}

/* Highest free range with room in front of an entry of @e, from number @i down. */
static int leaf_highest(struct maple_enode *e, int i, const struct window *win, struct room *room)
{
	struct maple_leaf *leaf = mte_leaf(e);
	enum maple_kind kind = mte_kind(e);

	if (likely(kind == MAPLE_PAGES))
		return pages_highest(leaf, i, win, room);
	for (; i >= 0; i--) {
		if (gap_has_room(leaf, kind, i, win, room))
			return i;
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

static int take_place(struct ma_state *mas, const struct maple_path *path, int i,
		      unsigned long first, unsigned long span)
{
	mas->index = first;
	mas->last = first + span;
	mas->node = path->leaf;
	mas->offset = PLACE_GAP(i);
	mas->status = ma_active;
	return 0;
}

static int find_lowest(struct ma_state *mas, const struct window *win)
{
	struct maple_path path;
	struct room room;
	unsigned int from;
	int i = -1;

	path_walk(&path, mas->tree, win->min);
	if (worth_a_look(&path, win->code)) {
		from = leaf_find(mte_leaf(path.leaf), mte_kind(path.leaf), win->min) / 2;
		i = leaf_lowest(path.leaf, from, win, &room);
	}
	while (i < 0 && path_next_gap(&path, win->code) && mte_leaf(path.leaf)->h.min <= win->max)
		i = leaf_lowest(path.leaf, 0, win, &room);
	if (i < 0) {
		path_walk(&path, mas->tree, win->max);
		if (!tail_has_room(path.leaf, win, &room))
			return -EBUSY;
		i = mte_leaf(path.leaf)->h.n;
	}
	return take_place(mas, &path, i, room.first, win->span);
}

static int find_highest(struct ma_state *mas, const struct window *win)
{
	struct maple_path path;
	struct room room;
	int from, i = -1;

	path_walk(&path, mas->tree, win->max);
	from = leaf_find(mte_leaf(path.leaf), mte_kind(path.leaf), win->max) / 2;
	if (from == mte_leaf(path.leaf)->h.n) {
		if (tail_has_room(path.leaf, win, &room))
			return take_place(mas, &path, from, room.last - win->span, win->span);
		from--;
	}
	if (worth_a_look(&path, win->code))
		i = leaf_highest(path.leaf, from, win, &room);
	while (i < 0) {
		if (mte_leaf(path.leaf)->h.min <= win->min || !path_prev_gap(&path, win->code))
			return -EBUSY;
		i = leaf_highest(path.leaf, mte_leaf(path.leaf)->h.n - 1, win, &room);
	}
	return take_place(mas, &path, i, room.last - win->span, win->span);
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
	struct window win = {min, max, size - 1, gap_code(size), 0};
	int err = -EBUSY;

	if (min > max || !size || max - min < size - 1)
		return -EINVAL;
	if (mas_is_err(mas))
		return xa_err(mas->node);
	win.word_step = min((win.span >> MAPLE_PAGE_SHIFT) + 1, MAPLE_START_MAX) << MAPLE_LEN_BITS;
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
