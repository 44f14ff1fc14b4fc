/*
 * race.h - which accesses are ordered, and which two that are not meet in one byte.
 *
 * Owns: vector clocks of entities and of synchronisation objects, the shadow of recent accesses.
 * Not here: where events come from (race_hooks.c: compiler calls and schedule points).
 *
 * Idea: every entity has a clock; acquiring an object takes over the clocks of all who released it.
 *       An access is compared with the last few accesses to its eight bytes: if one of another
 *       entity overlaps, one of the two writes, one of the two is plain (not an annotated access,
 *       which is a schedule point), and it is not ordered before this one, that is a race.
 * Limit: four remembered accesses for each eight bytes; the oldest is forgotten. A race can be
 * missed
 *        in one run because of it, never invented.
 * Pure: compiles on the host; memory is the caller's.
 */
#ifndef TESTS_LAB_RACE_H
#define TESTS_LAB_RACE_H

#include "tests/lab/strategy.h"

#define RACE_CELLS    65536 /* granules of eight bytes remembered; a power of two */
#define RACE_SYNCS    4096  /* synchronisation objects remembered; a power of two */
#define RACE_ENTITIES 32    /* entities a race-checked world may have */
#define RACE_RECENT   4

struct race_entry {
	u32 clock;
	u32 ip; /* low half: kernel text lies in the top 2 GiB */
	u8 entity;
	u8 mask; /* bytes of the granule; 0 = free */
	bool write, marked;
};

struct race_cell {
	u64 granule;
	u32 run; /* entries of an older run are as good as free */
	u32 next;
	struct race_entry recent[RACE_RECENT];
};

struct race_sync {
	u64 obj;
	u32 run;
	u32 clock[RACE_ENTITIES];
};

struct race {
	struct race_cell *cell; /* RACE_CELLS, zeroed once by the owner */
	struct race_sync *sync; /* RACE_SYNCS, zeroed once by the owner */
	u32 clock[RACE_ENTITIES][RACE_ENTITIES];
	u32 run;
	u64 lost; /* accesses not remembered because a table was full */
};

struct race_access {
	u64 addr;
	unsigned size;
	u16 entity;
	bool write;
	bool marked; /* an annotated access: two of these never race */
	u64 ip;
};

/* The other half of a race. */
struct race_report {
	u16 entity;
	bool write, marked;
	u64 ip;
};

/* A new run: everything seen before is forgotten, in constant time but for the entities' clocks. */
void race_begin(struct race *r);

/* @e takes over what was released to @obj / hands what it did so far to @obj. */
void race_acquire(struct race *r, u16 e, u64 obj);
void race_release(struct race *r, u16 e, u64 obj);

/* Note an access. True, and *@out filled, when it races with a remembered one. */
bool race_access(struct race *r, const struct race_access *a, struct race_report *out);

#endif
