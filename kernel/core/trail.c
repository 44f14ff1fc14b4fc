/*
 * trail.c - a set of return addresses that only grows.
 */
#include "kernel/core/trail.h"

#include "kernel/core/backtrace.h"
#include "kernel/core/log.h"

/* From the decision to the caller of what failed, and its caller where that is a wrapper. */
#define DEPTH 7
#define SLOTS 2048u /* a power of two; several times what one run of all tests fills */

/* The low halves of addresses, which tell kernel text apart; 0: empty. */
static u32 slot[SLOTS] __host_data;

static void put(u32 ip)
{
	u32 i = ip * 2654435761u;

	for (unsigned tries = 0; tries < SLOTS; tries++, i++) {
		u32 *s = &slot[i % SLOTS], seen = 0;

		if (__atomic_compare_exchange_n(s, &seen, ip, false, __ATOMIC_RELAXED,
						__ATOMIC_RELAXED) ||
		    seen == ip)
			return;
	}
	pr_warn("no room for more failed calls");
}

void trail_note(void)
{
	void *ip[DEPTH];
	unsigned nr = backtrace_from((unsigned long)__builtin_frame_address(0), ip, DEPTH);

	for (unsigned i = 0; i < nr; i++)
		put((u32)(unsigned long)ip[i]);
}

void trail_each(void (*fn)(const void *ip))
{
	for (unsigned i = 0; i < SLOTS; i++) {
		u32 low = __atomic_load_n(&slot[i], __ATOMIC_RELAXED);

		if (low)
			fn((const void *)(0xffffffff00000000ul | low));
	}
}
