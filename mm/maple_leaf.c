/*
 * maple_leaf.c - writing the contents of a leaf that nobody can see yet.
 *
 * Owns: the three leaf formats' encoding, the scan for a leaf's largest gap.
 * Not here: searching and reading one (maple_internal.h).
 */
#include "mm/maple_write.h"

void leaf_put(struct maple_leaf *l, enum maple_kind kind, unsigned int i,
	      const struct maple_range *range)
{
	if (kind == MAPLE_WIDE) {
		l->start[i] = range->first;
		l->last[i] = range->last;
		l->wide_slot[i] = range->entry;
		return;
	}
	l->word[i] = word_make(range->first, range->last, kind);
	l->slot[i] = range->entry;
}

/* leaf_copy - entries [from, from + n) of @src become entries [at, at + n) of @dst. */
void leaf_copy(struct maple_leaf *dst, enum maple_kind dkind, unsigned int at,
	       struct maple_leaf *src, enum maple_kind skind, unsigned int from, unsigned int n)
{
	if (likely(dkind == skind && dkind != MAPLE_WIDE)) {
		copy_words(&dst->word[at], &src->word[from], n);
		copy_words(&dst->slot[at], &src->slot[from], n);
		return;
	}
	for (unsigned int i = 0; i < n; i++) {
		struct maple_range range = {
			.first = leaf_first(src, skind, from + i),
			.last = leaf_last(src, skind, from + i),
			.entry = leaf_slots(src, skind)[from + i],
		};

		leaf_put(dst, dkind, at + i, &range);
	}
}

/* leaf_finish - make the leaf whose @n entries are written a complete node. */
void leaf_finish(struct maple_leaf *l, enum maple_kind kind, unsigned int n, unsigned long min,
		 bool is_last)
{
	if (kind == MAPLE_WIDE) {
		for (unsigned int i = n; i < MAPLE_WIDE_CAP; i++)
			l->start[i] = l->last[i] = MAPLE_UNUSED;
	} else {
		for (unsigned int i = n; i < MAPLE_LEAF_CAP; i++)
			l->word[i] = MAPLE_UNUSED;
	}
	l->h.min = min;
	l->h.n = n;
	l->h.is_last = is_last;
	l->h.dead = 0;
	l->h.kind = kind;
}

/*
 * leaf_splice - @dst becomes a copy of @src with what the packed write @wr does to it.
 *
 * Copying all of @src brings the header and the unused words along; then only what lies behind
 * entry a moves.
 */
void leaf_splice(struct maple_leaf *dst, const struct maple_leaf *src, const struct maple_wr *wr)
{
	unsigned int to = wr->a + wr->nr_mid, rest = src->h.n - wr->b, n = to + rest;

	node_copy(dst, src);
	if (to != wr->b) {
		copy_words(&dst->word[to], &src->word[wr->b], rest);
		copy_words(&dst->slot[to], &src->slot[wr->b], rest);
		for (unsigned int i = n; i < src->h.n; i++)
			dst->word[i] = MAPLE_UNUSED;
		dst->h.n = n;
	}
	for (unsigned int i = 0; i < wr->nr_mid; i++) {
		dst->word[wr->a + i] = wr->word[i];
		dst->slot[wr->a + i] = wr->slot[i];
	}
}

static unsigned long packed_max_gap(const struct maple_leaf *l, unsigned int shift)
{
	unsigned long most = 0, end = l->word[0] >> MAPLE_LEN_BITS;
	const u64 *w = l->word, *stop = w + l->h.n;

	for (; w < stop; w++) {
		unsigned long first = *w >> MAPLE_LEN_BITS;

		most = max(most, first - end);
		end = first + (*w & MAPLE_LEN_MASK) + 1;
	}
	return most << shift;
}

static unsigned long wide_max_gap(const struct maple_leaf *l)
{
	unsigned long most = 0;

	for (unsigned int i = 1; i < l->h.n; i++)
		most = max(most, l->start[i] - l->last[i - 1] - 1);
	return most;
}

/* leaf_max_gap - length of the largest free range in front of an entry of @l. */
unsigned long leaf_max_gap(const struct maple_leaf *l, enum maple_kind kind)
{
	unsigned long front = leaf_first(l, kind, 0) - l->h.min;

	return max(front, kind == MAPLE_WIDE ? wide_max_gap(l) :
					       packed_max_gap(l, kind_shift(kind)));
}
