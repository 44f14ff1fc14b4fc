/*
 * oracle_root.c - the mas_* reads on a tree without nodes.
 *
 * Owns: the table "empty tree" and "only [0,0] kept in the root" of the contract.
 * Idea: there are two places, 0 and the rest. Combinations which the table does not name are
 *       marked loose: the returned entry is still predicted, the visible state is not, and the
 *       caller must set the state before going on.
 */
#include "tests/host/maple/oracle.h"

static void *root_entry(const struct oracle *o)
{
	return o->n ? o->p[0].entry : NULL;
}

static void *at_root(const struct oracle *o, struct ostate *s)
{
	s->index = 0;
	s->last = 0;
	s->status = ma_root;
	return root_entry(o);
}

/* Behind the lone entry: everything from 1, or from 0 when there is no entry. */
static void *past_root(const struct oracle *o, struct ostate *s)
{
	s->index = o->n ? 1 : 0;
	s->last = ULONG_MAX;
	s->status = ma_none;
	return NULL;
}

/* On the root of an empty tree, where only mas_find_rev leaves a state: the table says no more. */
static void open_if_nowhere(const struct oracle *o, struct ostate *s)
{
	if (s->status == ma_root && !o->n)
		s->loose = true;
}

static bool fresh(const struct ostate *s)
{
	return s->status == ma_start || s->status == ma_pause;
}

void *root_walk(const struct oracle *o, struct ostate *s)
{
	if (!fresh(s))
		s->loose = true;
	if (o->n && s->index == 0)
		return at_root(o, s);
	return past_root(o, s);
}

void *root_next(const struct oracle *o, struct ostate *s, unsigned long max)
{
	open_if_nowhere(o, s);
	if (o->n && s->status == ma_none && s->index == 0) {
		s->last = 0;
		return NULL;
	}
	if (s->status == ma_overflow || s->status == ma_underflow)
		s->loose = true;
	if (o->n && s->status == ma_underflow && s->index == 0)
		return at_root(o, s); /* re-walk: the entry there is returned */
	return past_root(o, s);
}

void *root_prev(const struct oracle *o, struct ostate *s, unsigned long min)
{
	if (!fresh(s) && s->status != ma_none)
		s->loose = true;
	if (!o->n)
		return past_root(o, s);
	if (min) {
		s->loose = true;
		return NULL;
	}
	return at_root(o, s);
}

void *root_find(const struct oracle *o, struct ostate *s, unsigned long max)
{
	open_if_nowhere(o, s);
	switch (s->status) {
	case ma_start:
		if (s->index > max)
			return NULL;
		break;
	case ma_pause:
		if (s->last >= max)
			return NULL;
		s->index = ++s->last;
		break;
	case ma_none:
		if (s->last >= max)
			return NULL;
		s->index = s->last;
		break;
	case ma_root:
		if (s->last >= max) {
			s->loose = true;
			return NULL;
		}
		return past_root(o, s);
	default:
		s->loose = true;
		if (s->status == ma_overflow && s->last >= max)
			return NULL;
		if (s->status == ma_underflow && s->index >= max)
			return NULL;
	}
	if (o->n && s->index == 0)
		return at_root(o, s);
	return past_root(o, s);
}

void *root_find_rev(const struct oracle *o, struct ostate *s, unsigned long min)
{
	open_if_nowhere(o, s);
	switch (s->status) {
	case ma_start:
		if (s->index < min)
			return NULL;
		break;
	case ma_pause:
		if (s->index <= min) {
			s->status = ma_underflow;
			return NULL;
		}
		s->last = --s->index;
		break;
	case ma_none:
		if (s->index <= min)
			return NULL;
		s->last = s->index;
		break;
	case ma_root: s->status = ma_none; return NULL;
	default:
		s->loose = true;
		if (s->index <= min)
			return NULL;
	}
	if (min) {
		s->loose = true;
		return NULL;
	}
	return at_root(o, s);
}
