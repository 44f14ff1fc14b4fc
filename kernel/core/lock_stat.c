/*
 * lock_stat.c - waiting and holding per lock class and actor.
 *
 * Idea: sums and maxima per class and actor, added with plain atomic instructions and without a
 *       schedule point: the counters are nobody's shared state but their own. While statistics are
 *       off nothing is read or written.
 */
#include "kernel/core/lock_internal.h"

#include <string.h>
#include "kernel/core/events.h"
#include "kernel/core/thread_base.h"
#include "kernel/x86/cpu.h"

static struct lock_stat stats[LOCK_ACTORS][LC_NR];
static char actor_name[LOCK_ACTORS][24] = {"others"};
static unsigned nr_actors = 1;

u64 (*lock_stat_clock)(void);
void (*lock_stat_tell)(enum lock_told what, enum lock_class class, const void *lock, u64 ticks);

u64 lock_stat_now(void)
{
	return lock_stat_clock ? lock_stat_clock() : rdtsc();
}

/* ---- actors ---- */

unsigned lock_stat_actor(const char *name)
{
	for (unsigned i = 1; i < nr_actors; i++) {
		if (!strncmp(actor_name[i], name, sizeof(actor_name[i]) - 1))
			return i;
	}
	if (nr_actors == LOCK_ACTORS)
		return 0;
	strlcpy(actor_name[nr_actors], name, sizeof(actor_name[0]));
	return nr_actors++;
}

const char *lock_stat_actor_name(unsigned actor)
{
	return actor < nr_actors ? actor_name[actor] : NULL;
}

static struct lock_stat *stat_here(enum lock_class class)
{
	const struct thread_base *thread = current_base();

	return &stats[thread && !in_irq() ? thread->lock_actor : 0][class];
}

/* ---- counting ---- */

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
	add(&stat_here(class)->acquired, 1);
	return lock_stat_now();
}

void lock_stat_held(const struct held_lock *gone)
{
	u64 ticks = lock_stat_now() - gone->since;
	struct lock_stat *s = stat_here(gone->class);

	add(&s->hold, ticks);
	raise_max(&s->hold_max, ticks);
	if (lock_stat_tell)
		lock_stat_tell(LOCK_HELD, gone->class, gone->lock, ticks);
}

void lock_stat_waited(enum lock_class class, u64 ticks)
{
	struct lock_stat *s = stat_here(class);

	event_count(EV_LOCK_WAIT, 1);
	if (!static_key_enabled(&lockstat_key))
		return;
	add(&s->contended, 1);
	add(&s->wait, ticks);
	raise_max(&s->wait_max, ticks);
	if (lock_stat_tell)
		lock_stat_tell(LOCK_WAITED, class, NULL, ticks);
}

/* ---- reading ---- */

void lock_stat_read_actor(unsigned actor, enum lock_class class, struct lock_stat *out)
{
	*out = stats[actor][class];
}

void lock_stat_read(enum lock_class class, struct lock_stat *out)
{
	*out = stats[0][class];
	for (unsigned i = 1; i < nr_actors; i++) {
		const struct lock_stat *s = &stats[i][class];

		out->acquired += s->acquired;
		out->contended += s->contended;
		out->wait += s->wait;
		out->hold += s->hold;
		out->wait_max = max(out->wait_max, s->wait_max);
		out->hold_max = max(out->hold_max, s->hold_max);
	}
}

void lock_stat_clear(void)
{
	memset(stats, 0, sizeof(stats));
	nr_actors = 1;
}
