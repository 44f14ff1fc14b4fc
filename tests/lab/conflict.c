/*
 * conflict.c - the learned conflict set: an open hash of eight-byte granules.
 *
 * Pure: compiles on the host.
 */
#include "tests/lab/conflict.h"

#include <string.h>

void conflict_reset(struct conflict_set *set)
{
	memset(set->slot, 0, CONFLICT_SLOTS * sizeof(*set->slot));
	set->used = 0;
	set->grown = false;
	set->overflow = false;
}

static struct conflict_slot *slot_of(const struct conflict_set *set, u64 granule)
{
	u64 key = granule + 1;
	unsigned at = (unsigned)((granule * 0x9e3779b97f4a7c15ull) >> 32);

	for (;; at++) {
		struct conflict_slot *s = &set->slot[at & (CONFLICT_SLOTS - 1)];

		if (s->key == key || s->key == 0)
			return s;
	}
}

static bool conflicting(const struct conflict_slot *s)
{
	return s->toucher == CONFLICT_MANY && s->writer != CONFLICT_NOBODY;
}

static u16 join(u16 have, u16 who)
{
	if (have == CONFLICT_NOBODY || have == who)
		return who;
	return CONFLICT_MANY;
}

static void touch_granule(struct conflict_set *set, u64 granule, u16 who, bool write)
{
	struct conflict_slot *s = slot_of(set, granule);
	bool before;

	if (s->key == 0) {
		if (set->used >= CONFLICT_SLOTS / 2) {
			set->overflow = true;
			return;
		}
		set->used++;
		*s = (struct conflict_slot){granule + 1, CONFLICT_NOBODY, CONFLICT_NOBODY};
	}
	before = conflicting(s);
	s->toucher = join(s->toucher, who);
	if (write)
		s->writer = join(s->writer, who);
	set->grown |= conflicting(s) && !before;
}

void conflict_touch(struct conflict_set *set, u64 addr, unsigned size, u16 who, bool write)
{
	u64 last = (addr + max(size, 1u) - 1) >> 3;

	for (u64 g = addr >> 3; g <= last; g++)
		touch_granule(set, g, who, write);
}

static bool granule_meets(const struct conflict_set *set, u64 granule, u16 who, bool write)
{
	const struct conflict_slot *s = slot_of(set, granule);

	if (s->key == 0 || s->toucher == CONFLICT_NOBODY)
		return false;
	if (s->toucher == who)
		return false;
	if (write)
		return true;
	return s->writer != CONFLICT_NOBODY && s->writer != who;
}

bool conflict_meets(const struct conflict_set *set, u64 addr, unsigned size, u16 who, bool write)
{
	u64 last = (addr + max(size, 1u) - 1) >> 3;

	if (set->overflow)
		return true;
	for (u64 g = addr >> 3; g <= last; g++)
		if (granule_meets(set, g, who, write))
			return true;
	return false;
}
