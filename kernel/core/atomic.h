/*
 * atomic.h - words that several vCPUs change: counters, flags, compare-and-exchange.
 *
 * Owns: atomic_t (32 bits), atomic_long_t (64 bits), atomic bits in unsigned long, cmpxchg and xchg
 *       on plain words.
 * Idea: x86 orders every read-modify-write fully, so there is one form of each; each is one
 *       schedule point (PT_RMW, PT_LOAD, PT_STORE) followed by one instruction. cmpxchg loops have
 *       a point per turn.
 */
#ifndef KERNEL_CORE_ATOMIC_H
#define KERNEL_CORE_ATOMIC_H

#include "kernel/base/bits.h"
#include "kernel/core/once.h"
#include "kernel/core/point.h"

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	long counter;
} atomic_long_t;

#define ATOMIC_INIT(i)	    { (i) }
#define ATOMIC_LONG_INIT(i) { (i) }

static __always_inline void rmw_point(const volatile void *obj, u8 size, u64 operand)
{
	point(PT_RMW, obj, size, MO_SEQ_CST, operand);
}

/* Both on a plain scalar lvalue's address; cmpxchg returns what was there. */
#define xchg(p, v)                                                                                 \
	(rmw_point(p, sizeof(*(p)), (u64)(v)), __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST))
#define cmpxchg(p, old, fresh)                                                                     \
	(rmw_point(p, sizeof(*(p)), (u64)(fresh)), __sync_val_compare_and_swap(p, old, fresh))

/* One set of functions for each width; the names are Linux's. */
#define ATOMIC_OPS(prefix, atype, type)                                                            \
	static __always_inline type prefix##_read(const atype *v)                                  \
	{                                                                                          \
		return READ_ONCE(v->counter);                                                      \
	}                                                                                          \
	static __always_inline type prefix##_read_nopoint(const atype *v)                          \
	{                                                                                          \
		return READ_ONCE_NOPOINT(v->counter);                                              \
	}                                                                                          \
	static __always_inline void prefix##_set(atype *v, type i)                                 \
	{                                                                                          \
		WRITE_ONCE(v->counter, i);                                                         \
	}                                                                                          \
	static __always_inline void prefix##_add(type i, atype *v)                                 \
	{                                                                                          \
		rmw_point(v, sizeof(type), i);                                                     \
		__atomic_fetch_add(&v->counter, i, __ATOMIC_SEQ_CST);                              \
	}                                                                                          \
	static __always_inline void prefix##_sub(type i, atype *v)                                 \
	{                                                                                          \
		rmw_point(v, sizeof(type), -i);                                                    \
		__atomic_fetch_sub(&v->counter, i, __ATOMIC_SEQ_CST);                              \
	}                                                                                          \
	static __always_inline void prefix##_inc(atype *v)                                         \
	{                                                                                          \
		prefix##_add(1, v);                                                                \
	}                                                                                          \
	static __always_inline void prefix##_dec(atype *v)                                         \
	{                                                                                          \
		prefix##_sub(1, v);                                                                \
	}                                                                                          \
	static __always_inline type prefix##_add_return(type i, atype *v)                          \
	{                                                                                          \
		rmw_point(v, sizeof(type), i);                                                     \
		return __atomic_add_fetch(&v->counter, i, __ATOMIC_SEQ_CST);                       \
	}                                                                                          \
	static __always_inline type prefix##_sub_return(type i, atype *v)                          \
	{                                                                                          \
		return prefix##_add_return(-i, v);                                                 \
	}                                                                                          \
	static __always_inline type prefix##_inc_return(atype *v)                                  \
	{                                                                                          \
		return prefix##_add_return(1, v);                                                  \
	}                                                                                          \
	static __always_inline type prefix##_dec_return(atype *v)                                  \
	{                                                                                          \
		return prefix##_add_return(-1, v);                                                 \
	}                                                                                          \
	static __always_inline type prefix##_fetch_add(type i, atype *v)                           \
	{                                                                                          \
		rmw_point(v, sizeof(type), i);                                                     \
		return __atomic_fetch_add(&v->counter, i, __ATOMIC_SEQ_CST);                       \
	}                                                                                          \
	/* True when the result is 0: the caller held the last one. */                             \
	static __always_inline bool prefix##_sub_and_test(type i, atype *v)                        \
	{                                                                                          \
		rmw_point(v, sizeof(type), -i);                                                    \
		return __atomic_sub_fetch(&v->counter, i, __ATOMIC_SEQ_CST) == 0;                  \
	}                                                                                          \
	static __always_inline bool prefix##_dec_and_test(atype *v)                                \
	{                                                                                          \
		return prefix##_sub_and_test(1, v);                                                \
	}                                                                                          \
	static __always_inline bool prefix##_inc_and_test(atype *v)                                \
	{                                                                                          \
		return prefix##_add_return(1, v) == 0;                                             \
	}                                                                                          \
	static __always_inline type prefix##_fetch_or(type i, atype *v)                            \
	{                                                                                          \
		rmw_point(v, sizeof(type), i);                                                     \
		return __atomic_fetch_or(&v->counter, i, __ATOMIC_SEQ_CST);                        \
	}                                                                                          \
	static __always_inline type prefix##_fetch_and(type i, atype *v)                           \
	{                                                                                          \
		rmw_point(v, sizeof(type), i);                                                     \
		return __atomic_fetch_and(&v->counter, i, __ATOMIC_SEQ_CST);                       \
	}                                                                                          \
	static __always_inline type prefix##_xchg(atype *v, type i)                                \
	{                                                                                          \
		return xchg(&v->counter, i);                                                       \
	}                                                                                          \
	static __always_inline type prefix##_cmpxchg(atype *v, type old, type fresh)               \
	{                                                                                          \
		return cmpxchg(&v->counter, old, fresh);                                           \
	}                                                                                          \
	/* *@old becomes what was there when this fails. */                                        \
	static __always_inline bool prefix##_try_cmpxchg(atype *v, type *old, type fresh)          \
	{                                                                                          \
		rmw_point(v, sizeof(type), fresh);                                                 \
		return __atomic_compare_exchange_n(&v->counter, old, fresh, false,                 \
						   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);            \
	}                                                                                          \
	/* Adds @i unless the value is @unless; returns whether it did. */                         \
	static __always_inline bool prefix##_add_unless(atype *v, type i, type unless)             \
	{                                                                                          \
		for (type seen = prefix##_read(v); seen != unless;) {                              \
			if (prefix##_try_cmpxchg(v, &seen, seen + i))                              \
				return true;                                                       \
		}                                                                                  \
		return false;                                                                      \
	}                                                                                          \
	static __always_inline bool prefix##_inc_not_zero(atype *v)                                \
	{                                                                                          \
		return prefix##_add_unless(v, 1, 0);                                               \
	}

ATOMIC_OPS(atomic, atomic_t, int)
ATOMIC_OPS(atomic_long, atomic_long_t, long)

/* Bit @nr of the array of words at @addr. */
static __always_inline unsigned long *bit_word(unsigned long nr, unsigned long *addr)
{
	return addr + nr / BITS_PER_LONG;
}

static __always_inline bool test_bit(unsigned long nr, const unsigned long *addr)
{
	return READ_ONCE(addr[nr / BITS_PER_LONG]) >> (nr % BITS_PER_LONG) & 1;
}

static __always_inline void set_bit(unsigned long nr, unsigned long *addr)
{
	rmw_point(bit_word(nr, addr), sizeof(long), BIT(nr % BITS_PER_LONG));
	__atomic_fetch_or(bit_word(nr, addr), BIT(nr % BITS_PER_LONG), __ATOMIC_SEQ_CST);
}

static __always_inline void clear_bit(unsigned long nr, unsigned long *addr)
{
	rmw_point(bit_word(nr, addr), sizeof(long), ~BIT(nr % BITS_PER_LONG));
	__atomic_fetch_and(bit_word(nr, addr), ~BIT(nr % BITS_PER_LONG), __ATOMIC_SEQ_CST);
}

/* Both return the bit as it was. */
static __always_inline bool test_and_set_bit(unsigned long nr, unsigned long *addr)
{
	unsigned long mask = BIT(nr % BITS_PER_LONG);

	rmw_point(bit_word(nr, addr), sizeof(long), mask);
	return (__atomic_fetch_or(bit_word(nr, addr), mask, __ATOMIC_SEQ_CST) & mask) != 0;
}

static __always_inline bool test_and_clear_bit(unsigned long nr, unsigned long *addr)
{
	unsigned long mask = BIT(nr % BITS_PER_LONG);

	rmw_point(bit_word(nr, addr), sizeof(long), ~mask);
	return (__atomic_fetch_and(bit_word(nr, addr), ~mask, __ATOMIC_SEQ_CST) & mask) != 0;
}

#endif
