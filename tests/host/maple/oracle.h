/*
 * oracle.h - what a range tree must answer, said with a sorted array.
 *
 * Owns: the piece list, the predicted visible state, one predictor per call of the API.
 * Not here: calling the tree and comparing (model.c), choosing what to do (model_gen.c).
 * Idea: the contract is a function of the list of stored ranges alone, so an array and a binary
 *       search predict every result. Nothing here knows that nodes exist; the one bit that shows
 *       through the API is whether a lone [0,0] entry lives in the root pointer (@rooted).
 * Builds in the kernel and on the host; allocates nothing, the caller lends the array.
 */
#ifndef TESTS_HOST_MAPLE_ORACLE_H
#define TESTS_HOST_MAPLE_ORACLE_H

#include <limits.h>
#include "mm/maple_tree.h"

struct piece {
	unsigned long first;
	unsigned long last; /* inclusive */
	void *entry;	    /* NULL only in pieces returned for a hole */
};

struct oracle {
	struct piece *p; /* stored pieces, ascending, disjoint, none NULL */
	size_t n;
	size_t cap;
	bool rooted;  /* no nodes: empty, or one plain entry at [0,0] */
	bool gaps;    /* MT_FLAGS_ALLOC_RANGE */
	bool wrapped; /* the cyclic allocator handed out ULONG_MAX */
};

/*
 * What the caller of the tree sees of a state. @walked tells whether the state ever reached a
 * piece since it was set; @loose that the contract leaves status and range open until the next
 * mas_set() or mas_reset().
 */
struct ostate {
	unsigned long index;
	unsigned long last;
	enum maple_status status;
	bool walked;
	bool loose;
};

/* the list */
void oracle_init(struct oracle *o, struct piece *array, size_t cap, unsigned int flags);
size_t oracle_seek(const struct oracle *o, unsigned long index);
struct piece oracle_piece(const struct oracle *o, unsigned long index);
void oracle_store(struct oracle *o, unsigned long first, unsigned long last, void *entry);
bool oracle_blocked(const struct oracle *o, unsigned long first, unsigned long last);

/* calls without a state */
void *oracle_load(const struct oracle *o, unsigned long index);
void *oracle_find(const struct oracle *o, unsigned long *index, unsigned long max);
void *oracle_find_after(const struct oracle *o, unsigned long *index, unsigned long max);
void *oracle_next(const struct oracle *o, unsigned long index, unsigned long max);
void *oracle_prev(const struct oracle *o, unsigned long index, unsigned long min);
int oracle_check_store(unsigned long first, unsigned long last, const void *entry);
int oracle_insert(struct oracle *o, unsigned long first, unsigned long last, void *entry);
void *oracle_erase(struct oracle *o, unsigned long index);
int oracle_gap(const struct oracle *o, unsigned long min, unsigned long max, unsigned long size,
	       unsigned long *at);
int oracle_gap_rev(const struct oracle *o, unsigned long min, unsigned long max, unsigned long size,
		   unsigned long *at);
int oracle_alloc(struct oracle *o, unsigned long *startp, void *entry, unsigned long size,
		 unsigned long min, unsigned long max, bool rev);
int oracle_alloc_cyclic(struct oracle *o, unsigned long *startp, void *entry, unsigned long lo,
			unsigned long hi, unsigned long *next);

/* calls with a state; each returns what the tree's call returns and updates @s */
void *os_walk(const struct oracle *o, struct ostate *s);
void *os_next(const struct oracle *o, struct ostate *s, unsigned long max, bool skip);
void *os_prev(const struct oracle *o, struct ostate *s, unsigned long min, bool skip);
void *os_find(const struct oracle *o, struct ostate *s, unsigned long max, bool skip);
void *os_find_rev(const struct oracle *o, struct ostate *s, unsigned long min, bool skip);
void os_set(struct ostate *s, unsigned long first, unsigned long last);
void os_reset(struct ostate *s);
void os_pause(struct ostate *s);
void os_store(struct oracle *o, struct ostate *s, void *entry);
void *os_erase(struct oracle *o, struct ostate *s);

/* the same four moves for trees without nodes (oracle_root.c) */
void *root_walk(const struct oracle *o, struct ostate *s);
void *root_next(const struct oracle *o, struct ostate *s, unsigned long max);
void *root_prev(const struct oracle *o, struct ostate *s, unsigned long min);
void *root_find(const struct oracle *o, struct ostate *s, unsigned long max);
void *root_find_rev(const struct oracle *o, struct ostate *s, unsigned long min);

static inline bool oracle_is_zero(const void *entry)
{
	return entry == XA_ZERO_ENTRY;
}

/* Low bits 10: never kept in the root pointer, where a node pointer has the same bits. */
static inline bool oracle_is_internal(const void *entry)
{
	return ((unsigned long)entry & 3) == 2;
}

#endif
