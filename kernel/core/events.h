/*
 * events.h - counts of what the machine did, beside any clock.
 *
 * Owns: the list of events and one counter of each per vCPU. Off: one nop per place. Atomics, locks
 *       and points need
 * no call of their own: they are counted at their schedule points, which listen while events are
 * on.
 */
#ifndef KERNEL_CORE_EVENTS_H
#define KERNEL_CORE_EVENTS_H

#include "kernel/core/static_key.h"
#include "kernel/x86/percpu.h"

/* X(name in C, name in records, what is counted) */
#define EVENTS(X)                                         \
	X(PTE, "pte", "page table entries written")       \
	X(TABLE_PAGE, "table_page", "page tables made or freed") \
	X(NODE, "node", "tree nodes made or freed")       \
	X(ATOMIC, "atomic", "atomic read-modify-writes")  \
	X(LOCK, "lock", "locks taken")                    \
	X(LOCK_WAIT, "lock_wait", "locks waited for")     \
	X(FLUSH, "flush", "TLB flush operations")         \
	X(FLUSH_PAGE, "flush_page", "single pages flushed") \
	X(IPI, "ipi", "inter-processor requests sent")    \
	X(FRAME, "frame", "frames allocated or freed")    \
	X(SLAB, "slab", "slab objects allocated or freed") \
	X(SWITCH, "switch", "thread switches")            \
	X(FAULT, "fault", "user page faults")             \
	X(COPY_PAGE, "copy_page", "pages copied or cleared") \
	X(RCU_CALLBACK, "rcu_callback", "RCU callbacks run") \
	X(POINT, "point", "schedule points passed")

enum event {
#define X(id, name, what) EV_##id,
	EVENTS(X)
#undef X
	EV_NR
};

extern const char *const event_name[EV_NR];
extern const char *const event_what[EV_NR];

struct event_counts {
	u64 n[EV_NR];
};

DECLARE_STATIC_KEY(events_key);
DECLARE_PER_CPU(struct event_counts, event_counters);

/* @ev a constant. Any context. */
static __always_inline void event_count(enum event ev, u64 n)
{
	if (static_branch_unlikely(&events_key))
		this_cpu_add(event_counters.n[ev], n);
}

/* Counting on or off. Context: as static_key_set(). */
void events_set(bool on);

/* Sums over all vCPUs; exact when none of them counts meanwhile. */
void events_read(struct event_counts *out);
void events_clear(void);

#endif
