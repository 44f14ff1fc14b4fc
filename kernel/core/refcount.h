/*
 * refcount.h - counts of references that tell of misuse instead of wrapping.
 *
 * Owns: refcount_t. Invariant: a live object's count is 1..INT_MAX. Anything else - an increment
 *       from 0, a decrement
 * below 0, an overflow - is reported once per place as a warning and pins the count at
 * REFCOUNT_SATURATED: the object leaks, but nobody uses it after it is freed.
 */
#ifndef KERNEL_CORE_REFCOUNT_H
#define KERNEL_CORE_REFCOUNT_H

#include "kernel/core/atomic.h"

typedef struct {
	atomic_t refs;
} refcount_t;

#define REFCOUNT_INIT(n)   { ATOMIC_INIT(n) }
#define REFCOUNT_SATURATED (-0x40000000)

/* Reports @what on @r and saturates it. */
void refcount_misused(refcount_t *r, const char *what);

static __always_inline void refcount_set(refcount_t *r, int n)
{
	atomic_set(&r->refs, n);
}

static __always_inline int refcount_read(const refcount_t *r)
{
	return atomic_read(&r->refs);
}

/* The caller already holds a reference. */
static __always_inline void refcount_inc(refcount_t *r)
{
	int old = atomic_fetch_add(1, &r->refs);

	if (unlikely(old <= 0 || old + 1 < 0))
		refcount_misused(r, old == 0 ? "incremented from 0" : "overflow");
}

/* Takes a reference unless the object is already dying; returns whether it did. */
static __always_inline bool __must_check refcount_inc_not_zero(refcount_t *r)
{
	int old = atomic_read(&r->refs);

	do {
		if (old == 0)
			return false;
	} while (!atomic_try_cmpxchg(&r->refs, &old, old + 1));
	if (unlikely(old < 0 || old + 1 < 0))
		refcount_misused(r, "overflow");
	return true;
}

/* Gives one back; true = it was the last, the caller frees the object. */
static __always_inline bool __must_check refcount_dec_and_test(refcount_t *r)
{
	int old = atomic_fetch_add(-1, &r->refs);

	if (old == 1)
		return true;
	if (unlikely(old <= 0))
		refcount_misused(r, "underflow");
	return false;
}

/* Gives one back that cannot be the last. */
static __always_inline void refcount_dec(refcount_t *r)
{
	if (unlikely(atomic_fetch_add(-1, &r->refs) <= 1))
		refcount_misused(r, "decremented to 0");
}

#endif
