/*
 * random.h - repeatable random numbers.
 *
 * Owns: one small generator (splitmix64). Every user has a struct rng of its own with a seed it
 *       prints: no shared
 * state, so that one user's draws never change another's. Pure; builds on the host.
 */
#ifndef KERNEL_CORE_RANDOM_H
#define KERNEL_CORE_RANDOM_H

#include "kernel/base/types.h"

struct rng {
	u64 state;
};

static inline void rng_init(struct rng *rng, u64 seed)
{
	rng->state = seed;
}

/* A bijection that scatters @x over all 64 bits. */
static inline u64 rng_mix(u64 x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9UL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebUL;
	return x ^ (x >> 31);
}

static inline u64 rng_next(struct rng *rng)
{
	rng->state += 0x9e3779b97f4a7c15UL;
	return rng_mix(rng->state);
}

/*
 * Uniform in [0, @bound), @bound > 0: high half of a 128-bit product; the bias is below @bound /
 * 2^64.
 */
static inline u64 rng_below(struct rng *rng, u64 bound)
{
	return (u64)(((unsigned __int128)rng_next(rng) * bound) >> 64);
}

/* Uniform in [@low, @high]. */
static inline u64 rng_range(struct rng *rng, u64 low, u64 high)
{
	return low + rng_below(rng, high - low + 1);
}

/* True in @percent of 100 draws. */
static inline bool rng_chance(struct rng *rng, unsigned percent)
{
	return rng_below(rng, 100) < percent;
}

#endif
