/*
 * verdict.c - was what a reader saw true at some time while it ran?
 *
 * The oracle knows the pieces after each write. A value seen at a key must have been there at some
 * time of the run. No piece may be passed over that was there all the time, be it that its ends
 * moved (the same entry) or its value (the same ends).
 */
#include "tests/host/maple/points/scene.h"

#include <stdio.h>

static void *value(const struct scene *s, unsigned int version, unsigned long key)
{
	return oracle_piece(&s->at[version], key).entry;
}

/* Did @key hold @entry at some time of the run? */
static bool ever(const struct scene *s, unsigned long key, const void *entry)
{
	unsigned int v;

	for (v = s->since; v <= s->done; v++)
		if (value(s, v, key) == entry)
			return true;
	return false;
}

/* Was the piece at @key there all the time? From write to write it keeps its entry or its ends. */
static bool stayed(const struct scene *s, unsigned long key)
{
	struct piece was = oracle_piece(&s->at[s->since], key), is;
	unsigned int v;

	for (v = s->since + 1; v <= s->done && was.entry; v++) {
		is = oracle_piece(&s->at[v], key);
		if (is.entry != was.entry && (is.first != was.first || is.last != was.last))
			return false;
		was = is;
	}
	return was.entry;
}

void wrong(struct scene *s, const char *what, unsigned long key)
{
	static const char *const names[] = {"mtree_load", "mas_walk", "mas_find",     "mt_find",
					    "mas_next",	  "mt_next",  "mas_find_rev", "mas_prev",
					    "scan",	  "scan back"};
	unsigned int i;

	if (s->failed)
		return;
	s->failed = true;
	printf("# %s(%#lx) saw %p on [%#lx, %#lx]: %s %#lx\n", names[s->reader], s->key, s->seen,
	       s->index, s->last, what, key);
	for (i = 0; i < s->nr_stops; i++)
		printf("#   before load %u: writes up to %u\n", s->stops[i].point,
		       s->stops[i].upto);
	for (i = 0; i < s->done; i++)
		printf("#   write %u: [%#lx, %#lx] %s %p\n", i + 1, s->writes[i].first,
		       s->writes[i].last, s->writes[i].erase ? "erase" : "store",
		       s->writes[i].entry);
}

typedef void (*key_check)(struct scene *s, unsigned long key);

/* @check at each end of each piece of each time that lies in [@from, @to], and at these two. */
static void for_keys(struct scene *s, unsigned long from, unsigned long to, key_check check)
{
	unsigned int v;
	size_t i;

	check(s, from);
	check(s, to);
	for (v = s->since; v <= s->done; v++)
		for (i = oracle_seek(&s->at[v], from); i < s->at[v].n; i++) {
			const struct piece *p = &s->at[v].p[i];

			if (p->first > to)
				break;
			if (p->first >= from)
				check(s, p->first);
			if (p->last <= to)
				check(s, p->last);
		}
}

static void check_seen(struct scene *s, unsigned long key)
{
	if (!ever(s, key, s->seen))
		wrong(s, "that was never so at", key);
}

static void check_passed(struct scene *s, unsigned long key)
{
	if (stayed(s, key))
		wrong(s, "passed over", key);
}

unsigned long goes_on_from(const struct scene *s, unsigned long key, const void *entry, bool up)
{
	unsigned long end = key;
	unsigned int v;

	for (v = s->since; v <= s->done; v++) {
		struct piece p = oracle_piece(&s->at[v], key);

		if (!entry || p.entry == entry)
			end = up ? (p.last > end ? p.last : end) : (p.first < end ? p.first : end);
	}
	if (up)
		return end == ULONG_MAX ? end : end + 1;
	return end ? end - 1 : 0;
}

void judge_step(struct scene *s, unsigned long from, bool up)
{
	unsigned long stop = up ? s->index - 1 : s->last + 1;

	if (!s->seen)
		stop = up ? ULONG_MAX : 0;
	else if (up ? s->index == 0 : s->last == ULONG_MAX)
		return;
	if (s->seen && s->reader != R_MT_NEXT)
		for_keys(s, s->index, s->last, check_seen);
	if (s->reader == R_MT_NEXT && s->seen)
		return; /* the entry alone: where it stood is not told */
	if (up && stop >= from)
		for_keys(s, from, stop, check_passed);
	if (!up && stop <= from)
		for_keys(s, stop, from, check_passed);
}

/* mt_find tells the last key of what it found: the piece began where it did at some time. */
static void find_begin(struct scene *s)
{
	unsigned int v;

	for (v = s->since; v <= s->done && s->seen; v++) {
		struct piece p = oracle_piece(&s->at[v], s->last);

		if (p.entry == s->seen && p.first < s->index)
			s->index = p.first;
	}
	if (s->index < s->key)
		s->index = s->key;
}

void judge(struct scene *s)
{
	if (s->judged)
		return;
	if (s->reader == R_MT_FIND)
		find_begin(s);
	switch (s->reader) {
	case R_LOAD: check_seen(s, s->key); break;
	case R_WALK:
		if (s->index > s->key || s->last < s->key)
			wrong(s, "the range leaves out", s->key);
		else
			for_keys(s, s->index, s->last, check_seen);
		break;
	case R_FIND:
	case R_MT_FIND: judge_step(s, s->key, true); break;
	case R_FIND_REV: judge_step(s, s->key, false); break;
	case R_PREV: judge_step(s, goes_on_from(s, s->key, NULL, false), false); break;
	default: judge_step(s, goes_on_from(s, s->key, NULL, true), true);
	}
}

/*
 * Nothing moves: each key of the entry that was told must read as that entry. (Of a free range not
 * so much is asked: its far end may already be where the running write will put it.)
 */
static void check_agrees(struct scene *s, unsigned long key)
{
	if (mtree_load(&s->mt, key) != s->seen)
		wrong(s, "and reads otherwise at", key);
}

void judge_still(struct scene *s)
{
	bool tells_range = s->reader != R_LOAD && s->reader != R_MT_NEXT && s->reader != R_MT_FIND;

	if (tells_range && s->seen)
		for_keys(s, s->index, s->last, check_agrees);
}
