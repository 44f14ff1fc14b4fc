/*
 * bits.h - bit arithmetic on plain words; nothing here is atomic or has state.
 *
 * Atomic bit operations on shared words are in kernel/core/atomic.h.
 */
#ifndef KERNEL_BASE_BITS_H
#define KERNEL_BASE_BITS_H

#include "kernel/base/compiler.h"

#define BITS_PER_LONG 64
#define BIT(n)	      (1UL << (n))

/* Bits @low..@high set, both inclusive, @low <= @high <= 63. */
#define GENMASK(high, low) ((~0UL >> (63 - (high))) & (~0UL << (low)))

/* Index of the lowest / highest set bit; @x must not be 0. */
static inline unsigned __ffs(unsigned long x)
{
	return __builtin_ctzl(x);
}

static inline unsigned __fls(unsigned long x)
{
	return 63 - __builtin_clzl(x);
}

/* floor(log2(@x)); @x must not be 0. */
static inline unsigned ilog2(unsigned long x)
{
	return __fls(x);
}

static inline bool is_power_of_2(unsigned long x)
{
	return x != 0 && (x & (x - 1)) == 0;
}

/* The smallest power of two >= @x; @x in 1..2^63. */
static inline unsigned long roundup_pow_of_two(unsigned long x)
{
	return x <= 1 ? 1 : 2UL << __fls(x - 1);
}

/* Set bits of @x, without the popcnt instruction that the base machine lacks. */
static inline unsigned hweight64(u64 x)
{
	x -= (x >> 1) & 0x5555555555555555UL;
	x = (x & 0x3333333333333333UL) + ((x >> 2) & 0x3333333333333333UL);
	x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fUL;
	return (x * 0x0101010101010101UL) >> 56;
}

/*
 * Runs the body with @bit = each set bit of @mask, lowest first; @mask is read once, @bit declared
 * by the caller.
 */
#define for_each_set_bit(bit, mask)                                                                \
	for (u64 bits_left_ = (mask); bits_left_ && ((bit) = __ffs(bits_left_), 1);                \
	     bits_left_ &= bits_left_ - 1)

#endif
