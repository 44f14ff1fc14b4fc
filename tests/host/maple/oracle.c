/*
 * oracle.c - the piece list, and every call that needs no state.
 *
 * Owns: cutting and joining pieces, point and range queries, brute-force gap search.
 * Not here: the state machine of the mas_* reads (oracle_state.c, oracle_root.c).
 * Invariant: p[0..n) is sorted and disjoint and holds no NULL, so holes are what lies between:
 *            touching NULLs are one piece by construction, equal neighbours stay two.
 */
#include "tests/host/maple/oracle.h"

void oracle_init(struct oracle *o, struct piece *array, size_t cap, unsigned int flags)
{
	o->p = array;
	o->n = 0;
	o->cap = cap;
	o->rooted = true;
	o->gaps = flags & MT_FLAGS_ALLOC_RANGE;
	o->wrapped = false;
}

/* Number of the first stored piece that ends at or after @index; n when there is none. */
size_t oracle_seek(const struct oracle *o, unsigned long index)
{
	size_t lo = 0, hi = o->n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (o->p[mid].last < index)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* The piece, stored or hole, that holds @index. */
struct piece oracle_piece(const struct oracle *o, unsigned long index)
{
	size_t i = oracle_seek(o, index);
	struct piece hole = {
		.first = i ? o->p[i - 1].last + 1 : 0,
		.last = i < o->n ? o->p[i].first - 1 : ULONG_MAX,
	};

	return i < o->n && o->p[i].first <= index ? o->p[i] : hole;
}

bool oracle_blocked(const struct oracle *o, unsigned long first, unsigned long last)
{
	size_t i = oracle_seek(o, first);

	return i < o->n && o->p[i].first <= last;
}

static void move_pieces(struct piece *to, const struct piece *from, size_t n)
{
	__builtin_memmove(to, from, n * sizeof(*to));
}

/* [first, last] becomes @entry; what stood there is cut at both ends. Room for two is needed. */
void oracle_store(struct oracle *o, unsigned long first, unsigned long last, void *entry)
{
	size_t a = oracle_seek(o, first), b = oracle_seek(o, last), k = 0;
	struct piece with[3];

	if (a < o->n && o->p[a].first < first)
		with[k++] = (struct piece){o->p[a].first, first - 1, o->p[a].entry};
	if (entry)
		with[k++] = (struct piece){first, last, entry};
	if (b < o->n && o->p[b].first <= last) {
		if (o->p[b].last > last)
			with[k++] = (struct piece){last + 1, o->p[b].last, o->p[b].entry};
		b++;
	}
	move_pieces(&o->p[a + k], &o->p[b], o->n - b);
	o->n = o->n + k - (b - a);
	while (k--)
		o->p[a + k] = with[k];

	if (!o->n)
		o->rooted = true;
	else if (o->n > 1 || o->p[0].last || oracle_is_internal(o->p[0].entry))
		o->rooted = false;
}

void *oracle_load(const struct oracle *o, unsigned long index)
{
	void *entry = oracle_piece(o, index).entry;

	return oracle_is_zero(entry) ? NULL : entry;
}

/* Moves *@index behind what was found; leaves it when there is nothing. */
void *oracle_find(const struct oracle *o, unsigned long *index, unsigned long max)
{
	size_t i;

	if (*index > max)
		return NULL;
	for (i = oracle_seek(o, *index); i < o->n; i++) {
		if (o->p[i].first > max)
			return NULL;
		if (oracle_is_zero(o->p[i].entry))
			continue;
		*index = o->p[i].last + 1;
		return o->p[i].entry;
	}
	return NULL;
}

void *oracle_find_after(const struct oracle *o, unsigned long *index, unsigned long max)
{
	return *index ? oracle_find(o, index, max) : NULL;
}

void *oracle_next(const struct oracle *o, unsigned long index, unsigned long max)
{
	struct ostate s = {.index = index, .last = index, .status = ma_start};

	return os_next(o, &s, max, true);
}

void *oracle_prev(const struct oracle *o, unsigned long index, unsigned long min)
{
	struct ostate s = {.index = index, .last = index, .status = ma_start};

	return os_prev(o, &s, min, true);
}

/* What the mtree_store and mtree_insert family refuses before it looks at the tree. */
int oracle_check_store(unsigned long first, unsigned long last, const void *entry)
{
	if (oracle_is_internal(entry) && (unsigned long)entry <= 1026)
		return -EINVAL;
	return first > last ? -EINVAL : 0;
}

int oracle_insert(struct oracle *o, unsigned long first, unsigned long last, void *entry)
{
	if (oracle_check_store(first, last, entry))
		return -EINVAL;
	if (oracle_blocked(o, first, last))
		return -EEXIST;
	oracle_store(o, first, last, entry);
	return 0;
}

void *oracle_erase(struct oracle *o, unsigned long index)
{
	struct piece at = oracle_piece(o, index);

	if (at.entry)
		oracle_store(o, at.first, at.last, NULL);
	return at.entry;
}

static int check_window(unsigned long min, unsigned long max, unsigned long size)
{
	if (min > max || !size || max - min < size - 1)
		return -EINVAL;
	return 0;
}

/* Lowest a with [a, a + size - 1] free inside [min, max]. */
int oracle_gap(const struct oracle *o, unsigned long min, unsigned long max, unsigned long size,
	       unsigned long *at)
{
	unsigned long from = min;
	size_t i;

	if (check_window(min, max, size))
		return -EINVAL;
	for (i = oracle_seek(o, min); i < o->n && o->p[i].first <= max; i++) {
		if (o->p[i].first > from && o->p[i].first - from >= size)
			break;
		if (o->p[i].last >= max)
			return -EBUSY;
		from = o->p[i].last + 1;
	}
	if (max - from < size - 1)
		return -EBUSY;
	*at = from;
	return 0;
}

/* Highest such place. */
int oracle_gap_rev(const struct oracle *o, unsigned long min, unsigned long max, unsigned long size,
		   unsigned long *at)
{
	unsigned long to = max;
	size_t i;

	if (check_window(min, max, size))
		return -EINVAL;
	i = oracle_seek(o, max);
	if (i < o->n && o->p[i].first <= max)
		i++;
	while (i-- > 0 && o->p[i].last >= min) {
		if (o->p[i].last < to && to - o->p[i].last >= size)
			break;
		if (o->p[i].first <= min)
			return -EBUSY;
		to = o->p[i].first - 1;
	}
	if (to - min < size - 1)
		return -EBUSY;
	*at = to - (size - 1);
	return 0;
}

static bool is_reserved(const void *entry)
{
	return oracle_is_internal(entry) && (unsigned long)entry < 4096;
}

int oracle_alloc(struct oracle *o, unsigned long *startp, void *entry, unsigned long size,
		 unsigned long min, unsigned long max, bool rev)
{
	unsigned long at = 0;
	int err;

	if (!o->gaps || is_reserved(entry))
		return -EINVAL;
	err = rev ? oracle_gap_rev(o, min, max, size, &at) : oracle_gap(o, min, max, size, &at);
	if (err)
		return err;
	oracle_store(o, at, at + size - 1, entry);
	*startp = at;
	return 0;
}

/* From *@next up to @hi, then from @lo; 1 says that the search began again at the bottom. */
int oracle_alloc_cyclic(struct oracle *o, unsigned long *startp, void *entry, unsigned long lo,
			unsigned long hi, unsigned long *next)
{
	unsigned long from = *next > lo ? *next : lo, at = 0;
	int err, wrapped = 0;

	if (!o->gaps || is_reserved(entry))
		return -EINVAL;
	err = oracle_gap(o, from, hi, 1, &at);
	if (err && from > lo) {
		err = oracle_gap(o, lo, hi, 1, &at);
		wrapped = 1;
	}
	if (err)
		return err;
	oracle_store(o, at, at, entry);
	*startp = at;
	*next = at + 1;
	wrapped |= o->wrapped;
	o->wrapped = !*next;
	return wrapped;
}
