/*
 * fixture.h - a tree and its oracle for the tests that are written by hand.
 *
 * Owns: storing in both at once, comparing both, the fault and grace-period hooks of the host.
 * Idea: a hand-written test says what it does; what should come of it the oracle knows. So each
 *       step of each test is compared whole, and a test cannot forget to look.
 */
#ifndef TESTS_HOST_MAPLE_FIXTURE_H
#define TESTS_HOST_MAPLE_FIXTURE_H

#include "tests/host/htest.h"
#include "tests/host/maple/oracle.h"

#define FX_CAP 20000

struct fixture {
	struct maple_tree mt;
	struct oracle o;
	struct piece array[FX_CAP];
	bool quiet;   /* compare only when asked: for building large trees */
	bool reading; /* the test is inside a read section: no grace period may end */
};

/* Trees used by all tests: plain, and as Linux's VMA store has it. */
#define FX_PLAIN 0u
#define FX_VMA	 (MT_FLAGS_ALLOC_RANGE | MT_FLAGS_USE_RCU)

/* Entry number @nr: distinct, never internal. */
static inline void *fx_entry(unsigned long nr)
{
	return (void *)(0x100000 + (nr << 4));
}

struct fixture *fx_new(unsigned int flags);
void fx_free(struct fixture *fx);

/* @n pieces of @width keys, each followed by a hole of @hole keys, the first at @base. */
void fx_fill(struct fixture *fx, unsigned long base, size_t n, unsigned long width,
	     unsigned long hole);

/* Through the tree's calls and the oracle's; compares unless quiet. */
void fx_store(struct fixture *fx, unsigned long first, unsigned long last, void *entry);
void fx_erase(struct fixture *fx, unsigned long index);

/* Everything: validator, forward, backward, loads. False and a failed check when they differ. */
bool fx_same(struct fixture *fx);

/* The pieces within @around pieces of @index only, and the validator. */
bool fx_same_near(struct fixture *fx, unsigned long index, size_t around);

/* Move the contents of @from, which must be of equal flags, into @fx (empty) by mtree_dup. */
void fx_copy(struct fixture *fx, struct fixture *from);

#endif
