/*
 * conflict.h - which objects more than one entity has touched: learned over all runs of a scenario.
 *
 * Keyed by world-relative address in granules of eight bytes. Two touches conflict when they are
 * by different entities and at least one may write. The set only grows, and is asked before a
 * touch ("would another entity meet me here?"), so that the bounded search preempts only there.
 */
#ifndef TESTS_LAB_CONFLICT_H
#define TESTS_LAB_CONFLICT_H

#include "kernel/base/compiler.h"
#include "kernel/base/types.h"

#define CONFLICT_SLOTS	16384 /* a power of two; a scenario touches a few hundred granules */
#define CONFLICT_NOBODY 0xffff
#define CONFLICT_MANY	0xfffe

struct conflict_slot {
	u64 key;     /* granule + 1; 0 = free */
	u16 writer;  /* the only entity that wrote, or NOBODY, or MANY */
	u16 toucher; /* the only entity that touched, or MANY */
};

struct conflict_set {
	struct conflict_slot *slot; /* CONFLICT_SLOTS of them, zeroed by conflict_reset */
	unsigned used;
	bool grown;    /* a granule became conflicting since conflict_mark_seen */
	bool overflow; /* full: from now on every touch counts as conflicting (sound, slower) */
};

/* Forget everything. Memory of @set->slot stays the caller's. */
void conflict_reset(struct conflict_set *set);

/* Entity @who is about to touch [addr, addr + size), writing or not. */
void conflict_touch(struct conflict_set *set, u64 addr, unsigned size, u16 who, bool write);

/* Would a touch by @who meet somebody else's? What was learned so far decides. */
bool conflict_meets(const struct conflict_set *set, u64 addr, unsigned size, u16 who, bool write);

#endif
