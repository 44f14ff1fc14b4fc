/*
 * witness.h - which values a key held, and when: the judge of readers beside writers.
 *
 * Owns: stamps, the per-cell record of writes begun and done, the verdict on what a reader saw.
 * Not here: threads and what they call (test_threads.c).
 * Idea: writers are serialised by the tree's lock. Each store takes the next stamp, announces it
 *       for every cell it covers, stores (its own stamp as a value, NULL, or once more an entry
 *       that is already there: a range grows), and confirms it. A reader notes the confirmed stamp
 *       before its read and the announced one after: what it saw must be the entry of a stamp in
 *       between, and NULL only if a NULL was in between.
 * Stamps of NULL stores are odd, so the record tells what a cell held.
 */
#ifndef TESTS_HOST_MAPLE_WITNESS_H
#define TESTS_HOST_MAPLE_WITNESS_H

#include <limits.h>
#include "mm/maple_tree.h"

#define CELLS	  2048
#define CELL_SIZE 0x1000ul
#define CELL_BASE 0x10000000ul

struct stamp {
	unsigned int first, last;     /* cells the store covers */
	unsigned int id;	      /* stamp whose value is stored; 0: NULL */
	unsigned int lowest, highest; /* of a value: cells it ever stood in */
};

struct witness {
	unsigned long begun[CELLS];	 /* latest stamp announced */
	unsigned long done[CELLS];	 /* latest stamp confirmed */
	unsigned long null_begun[CELLS]; /* latest NULL stamp announced */
	unsigned long next_stamp;	 /* [writer's lock] */
	unsigned long max_stamp;
	struct stamp *stamps;
};

static inline unsigned long cell_first(unsigned int cell)
{
	return CELL_BASE + cell * CELL_SIZE;
}

static inline unsigned long cell_last(unsigned int cell)
{
	return cell_first(cell) + CELL_SIZE - 1;
}

static inline unsigned int cell_of(unsigned long index)
{
	return (index - CELL_BASE) / CELL_SIZE;
}

/* @stamps: @max_stamp of them, the caller's. */
void witness_init(struct witness *w, struct stamp *stamps, unsigned long max_stamp);

/*
 * Under the writers' lock: announce a store over cells [@a, @b] of a new value, of NULL, or of
 * @again, an entry of before.
 */
unsigned long witness_begin(struct witness *w, unsigned int a, unsigned int b, bool null,
			    void *again);
void witness_done(struct witness *w, unsigned long stamp);

/* What the store of @stamp has to store. */
void *witness_entry(const struct witness *w, unsigned long stamp);

/* Before reading cell @cell; pass the result to witness_legal() with what was read. */
unsigned long witness_before(const struct witness *w, unsigned int cell);
bool witness_legal(const struct witness *w, unsigned int cell, unsigned long before,
		   const void *seen);

/* An entry that stood in @cell at some time: what a pass over the tree may hold. */
bool witness_plausible(const struct witness *w, unsigned int cell, const void *seen);

#endif
