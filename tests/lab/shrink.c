/*
 * shrink.c - see shrink.h. Pure: compiles on the host.
 */
#include "tests/lab/shrink.h"

#include <string.h>

static u64 choices(const struct lab_schedule *s)
{
	u64 nr = 0;

	for (unsigned i = 0; i < s->nr; i++)
		nr += s->seg[i].count;
	return nr;
}

static bool shorter(const struct lab_schedule *a, const struct lab_schedule *b)
{
	return a->nr < b->nr || (a->nr == b->nr && choices(a) < choices(b));
}

/* Run the wish; true if it shows the same and what ran is shorter than the best. */
static bool try_wish(struct shrink *s)
{
	const struct lab_schedule *ran;

	s->ended |= !s->goes_on(s);
	if (s->ended)
		return false;
	s->runs++;
	ran = s->shows(s);
	if (!ran || ran->overflow || !shorter(ran, &s->best))
		return false;
	schedule_copy(&s->best, ran);
	return true;
}

/* The wish: the best without [@from, @from + @nr). */
static void wish_without(struct shrink *s, unsigned from, unsigned nr)
{
	unsigned rest = s->best.nr - from - nr;

	memcpy(s->wish.seg, s->best.seg, from * sizeof(*s->wish.seg));
	memcpy(s->wish.seg + from, s->best.seg + from + nr, rest * sizeof(*s->wish.seg));
	s->wish.nr = from + rest;
}

/* Leave out every @nr segments in turn, the last ones first. */
static bool drop(struct shrink *s, unsigned nr)
{
	unsigned end = s->best.nr;
	bool any = false;

	while (end > 0 && !s->ended) {
		unsigned from = end > nr ? end - nr : 0;

		wish_without(s, from, end - from);
		if (try_wish(s))
			any = true;
		/* Where it was gained the rest is another; go on before it either way. */
		end = from < s->best.nr ? from : s->best.nr;
	}
	return any;
}

/* The next segment after @i + 1 of the same choice; best.nr: there is none. */
static unsigned next_alike(const struct lab_schedule *s, unsigned i)
{
	unsigned j = i + 2;

	while (j < s->nr &&
	       (s->seg[j].entity != s->seg[i].entity || s->seg[j].irq != s->seg[i].irq))
		j++;
	return j < s->nr ? j : s->nr;
}

/* The wish: segment @gone of the best happens at @stays instead. */
static void wish_joined(struct shrink *s, unsigned stays, unsigned gone)
{
	wish_without(s, gone, 1);
	s->wish.seg[stays < gone ? stays : stays - 1].count += s->best.seg[gone].count;
}

/* Join each segment with the next one alike, at the place of either. */
static bool join(struct shrink *s)
{
	bool any = false;

	for (unsigned i = 0; i < s->best.nr && !s->ended; i++) {
		unsigned next = next_alike(&s->best, i);

		if (next == s->best.nr)
			continue;
		wish_joined(s, i, next);
		if (!try_wish(s)) {
			wish_joined(s, next, i);
			if (!try_wish(s))
				continue;
		}
		any = true;
	}
	return any;
}

/* Let the choice of each segment go on for as long as it can, before the rest. */
static bool stretch(struct shrink *s)
{
	bool any = false;

	for (unsigned i = 0; i < s->best.nr && !s->ended; i++) {
		schedule_copy(&s->wish, &s->best);
		s->wish.seg[i].count = UINT32_MAX;
		any |= try_wish(s);
	}
	return any;
}

void shrink_schedule(struct shrink *s)
{
	bool any = true;

	for (unsigned nr = s->best.nr / 2; nr > 1; nr /= 2)
		drop(s, nr);
	while (any && !s->ended) {
		any = drop(s, 1);
		any |= join(s);
		any |= stretch(s);
	}
}
