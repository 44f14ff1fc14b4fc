/*
 * lock_stat.c - waiting and holding per lock class.
 *
 * Idea: sums and maxima per class in TSC ticks, added with plain atomic instructions and without a
 *       schedule point: the counters are nobody's shared state but their own. While statistics are
 *       off nothing is read or written.
 */
#include "kernel/core/lock_internal.h"

#include <string.h>
#include "kernel/core/events.h"
#include "kernel/x86/cpu.h"

static struct lock_stat stats[LC_NR];

static void add(u64 *sum, u64 n)
{
	__atomic_fetch_add(sum, n, __ATOMIC_RELAXED);
}

static void raise_max(u64 *most, u64 n)
{
	u64 seen = __atomic_load_n(most, __ATOMIC_RELAXED);

	while (n > seen && !__atomic_compare_exchange_n(most, &seen, n, false, __ATOMIC_RELAXED,
							__ATOMIC_RELAXED))
		;
}

u64 lock_stat_count(enum lock_class class)
{
	add(&stats[class].acquired, 1);
	return rdtsc();
}

void lock_stat_held(const struct held_lock *gone)
{
	u64 ticks = rdtsc() - gone->since;

	add(&stats[gone->class].hold, ticks);
	raise_max(&stats[gone->class].hold_max, ticks);
}

void lock_stat_waited(enum lock_class class, u64 ticks)
{
	event_count(EV_LOCK_WAIT, 1);
	if (!static_key_enabled(&lockstat_key))
		return;
	add(&stats[class].contended, 1);
	add(&stats[class].wait, ticks);
	raise_max(&stats[class].wait_max, ticks);
}

void lock_stat_read(enum lock_class class, struct lock_stat *out)
{
	*out = stats[class];
}

void lock_stat_clear(void)
{
	memset(stats, 0, sizeof(stats));
}
