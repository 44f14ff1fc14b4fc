/*
 * oracle_state.c - the state machine of the mas_* calls on a tree that has nodes.
 *
 * Owns: what each status means to each call, which limit is looked at first, where the state is
 *       left when a limit is hit.
 * Not here: trees without nodes (oracle_root.c), the list (oracle.c).
 * Idea: a state stands on the piece that holds its index. Every call is "check a limit, perhaps
 *       walk to the index, perhaps step": the switch below each name is the table of the contract.
 */
#include "tests/host/maple/oracle.h"

void os_set(struct ostate *s, unsigned long first, unsigned long last)
{
	*s = (struct ostate){.index = first, .last = last, .status = ma_start};
}

void os_reset(struct ostate *s)
{
	s->status = ma_start;
	s->walked = false;
	s->loose = false;
}

void os_pause(struct ostate *s)
{
	s->status = ma_pause;
	s->walked = false;
}

static void *stand_on(struct ostate *s, struct piece at)
{
	s->index = at.first;
	s->last = at.last;
	s->status = ma_active;
	s->walked = true;
	return at.entry;
}

static void *stop(struct ostate *s, enum maple_status status)
{
	s->status = status;
	return NULL;
}

static void *walk(const struct oracle *o, struct ostate *s)
{
	return stand_on(s, oracle_piece(o, s->index));
}

/* To the next piece that starts at or before @max; holes count only when !@skip. */
static void *step(const struct oracle *o, struct ostate *s, unsigned long max, bool skip)
{
	struct piece at = oracle_piece(o, s->index);

	do {
		if (at.last >= max)
			return stop(s, ma_overflow);
		at = oracle_piece(o, at.last + 1);
		stand_on(s, at);
	} while (skip && !at.entry);
	return at.entry;
}

/* To the piece before, as long as it ends at or after @min. */
static void *step_back(const struct oracle *o, struct ostate *s, unsigned long min, bool skip)
{
	struct piece at = oracle_piece(o, s->index);

	do {
		if (at.first <= min)
			return stop(s, ma_underflow);
		at = oracle_piece(o, at.first - 1);
		stand_on(s, at);
	} while (skip && !at.entry);
	return at.entry;
}

void *os_walk(const struct oracle *o, struct ostate *s)
{
	if (s->status == ma_error)
		return NULL;
	return o->rooted ? root_walk(o, s) : walk(o, s);
}

void *os_next(const struct oracle *o, struct ostate *s, unsigned long max, bool skip)
{
	void *entry;

	if (s->status == ma_error)
		return NULL;
	if (s->last >= max)
		return stop(s, ma_overflow);
	if (o->rooted)
		return root_next(o, s, max);

	switch (s->status) {
	case ma_underflow:
		entry = walk(o, s);
		if (entry)
			return entry;
		break;
	case ma_overflow:
		if (!s->walked)
			walk(o, s);
		break;
	case ma_active: break;
	default: walk(o, s);
	}
	return step(o, s, max, skip);
}

void *os_prev(const struct oracle *o, struct ostate *s, unsigned long min, bool skip)
{
	void *entry;

	if (s->status == ma_error)
		return NULL;
	if (s->index <= min)
		return stop(s, ma_underflow);
	if (o->rooted)
		return root_prev(o, s, min);

	switch (s->status) {
	case ma_overflow:
		entry = walk(o, s);
		if (entry)
			return entry;
		break;
	case ma_underflow:
		if (!s->walked)
			walk(o, s);
		break;
	case ma_active: break;
	default: walk(o, s);
	}
	return step_back(o, s, min, skip);
}

/*
 * What mas_find does before it steps forward. True: the answer is *@entry, no step.
 */
static bool find_setup(const struct oracle *o, struct ostate *s, unsigned long max, void **entry)
{
	*entry = NULL;
	switch (s->status) {
	case ma_active: return s->last >= max;
	case ma_overflow:
		if (s->last >= max)
			return true;
		*entry = walk(o, s);
		return *entry;
	case ma_underflow:
		if (s->index >= max) {
			s->status = ma_overflow;
			return true;
		}
		*entry = walk(o, s);
		return *entry;
	case ma_pause:
		if (s->last >= max)
			return true;
		s->index = ++s->last;
		break;
	case ma_none:
		if (s->last >= max)
			return true;
		s->index = s->last;
		break;
	default:
		if (s->index > max)
			return true;
	}
	*entry = walk(o, s);
	return *entry || s->index == max;
}

void *os_find(const struct oracle *o, struct ostate *s, unsigned long max, bool skip)
{
	void *entry;

	if (s->status == ma_error)
		return NULL;
	if (o->rooted)
		return root_find(o, s, max);
	if (find_setup(o, s, max, &entry))
		return entry;
	entry = step(o, s, max, skip);
	if (skip)
		s->status = ma_active;
	return entry;
}

static bool find_rev_setup(const struct oracle *o, struct ostate *s, unsigned long min,
			   void **entry)
{
	*entry = NULL;
	switch (s->status) {
	case ma_active: return s->index < min;
	case ma_overflow:
		if (s->index <= min) {
			s->status = ma_underflow;
			return true;
		}
		if (!s->walked)
			walk(o, s);
		return false;
	case ma_underflow:
		if (s->index <= min)
			return true;
		if (!s->walked)
			walk(o, s);
		return false;
	case ma_pause:
		if (s->index <= min) {
			s->status = ma_underflow;
			return true;
		}
		s->last = --s->index;
		break;
	case ma_none:
		if (s->index <= min)
			return true;
		s->last = s->index;
		break;
	default:
		if (s->index < min)
			return true;
	}
	*entry = walk(o, s);
	return *entry;
}

void *os_find_rev(const struct oracle *o, struct ostate *s, unsigned long min, bool skip)
{
	void *entry;

	if (s->status == ma_error)
		return NULL;
	if (o->rooted)
		return root_find_rev(o, s, min);
	if (find_rev_setup(o, s, min, &entry))
		return entry;
	return step_back(o, s, min, skip);
}

/*
 * After a store the state stands on what is now the piece. A store that leaves no node, or
 * replaces the root pointer, leaves the state open.
 */
static void after_store(const struct oracle *o, struct ostate *s)
{
	stand_on(s, oracle_piece(o, s->index));
	s->loose = o->rooted;
}

void os_store(struct oracle *o, struct ostate *s, void *entry)
{
	oracle_store(o, s->index, s->last, entry);
	after_store(o, s);
}

void *os_erase(struct oracle *o, struct ostate *s)
{
	bool rooted = o->rooted;
	void *entry = oracle_erase(o, s->index);

	after_store(o, s);
	s->loose |= rooted;
	return entry;
}
