/*
 * point.h - schedule points: the places at which another thread may run.
 *
 * Owns: what a point says, the call at a point, the one busy wait.
 * Not here: what happens at a point (sched_ops->point); the operations that have points (once.h,
 *       atomic.h, spinlock.h, and page tables, user access and the allocators above).
 * Idea: a point comes *before* the operation and describes it fully, so that the answer may be
 *       "done": a delayed store is kept by the lab, a load answered from there. Exactly one shared
 *       operation lies between two points.
 * Invariant: with points off, a point is one nop and no call.
 */
#ifndef KERNEL_CORE_POINT_H
#define KERNEL_CORE_POINT_H

#include "kernel/core/static_key.h"

enum point_kind {
	PT_LOCK,    /* obj = lock; the caller takes it next, waiting if it must */
	PT_TRYLOCK, /* obj = lock; the caller tries once */
	PT_UNLOCK,  /* obj = lock */
	PT_LOAD,    /* obj = word; result in value if performed */
	PT_STORE,   /* obj = word, value = what is stored */
	PT_RMW,     /* obj = word, value = operand; always performed by the caller */
	PT_PTE,	    /* obj = PTE, value = new PTE (or 0 for a read) */
	PT_USER,    /* obj = user address, value = 1 for a store */
	PT_IPI,	    /* value = mask of target vCPUs */
	PT_WAIT,    /* obj = what is waited on; the caller polls again after it */
	PT_WAKE,    /* obj = thread about to be woken */
	PT_PUBLISH, /* obj = pointer, value = what becomes reachable */
	PT_FREE,    /* obj = object about to be freed, value = its bytes */
	PT_DELAY,   /* obj = delay site */
	PT_NR
};

enum mem_order { MO_RELAXED, MO_ACQUIRE, MO_RELEASE, MO_ACQ_REL, MO_SEQ_CST };

struct point {
	enum point_kind kind;
	u8 size; /* bytes of the object operated on, 0 where it has no meaning */
	enum mem_order order;
	const volatile void *obj;
	u64 value;
	void *ip; /* where the operation is */
};

/* On while somebody listens: the seam (points_set) or the event counters (events_set). */
DECLARE_STATIC_KEY(points_key);
/* On while one processor carries all virtual CPUs; set by the lab. */
DECLARE_STATIC_KEY(lockstep_key);

extern const char *const point_kind_name[PT_NR];

/* A load that faults in point_slow() was wanted here. */
extern void *point_load_ip;

/* How an operation is described in one word: kind, size, order. */
#define POINT_HOW(kind, size, order) ((u32)(kind) | (u32)(size) << 8 | (u32)(order) << 16)

/*
 * point_call - the call at a point, taken only while points are on.
 *
 * point_entry (assembly) preserves every register but the result's, so that the code around a point
 * need not keep its values safe from a call that is not made: that is what makes an off point cost
 * one nop and nothing else.
 * Returns: PT_LOAD: the value loaded (performed either way). Others: 1 if the operation was
 *          performed, else 0.
 */
static __always_inline u64 point_call(u32 how, const volatile void *obj, u64 value)
{
	u64 result;

	__asm__ volatile("call point_entry"
			 : "=a"(result)
			 : "D"(how), "S"(obj), "d"(value)
			 : "memory", "cc");
	return result;
}

/* What point_entry calls; @ip is the address after the point's call. */
u64 point_slow(u32 how, const volatile void *obj, u64 value, void *ip);

/*
 * point - the schedule point before one operation on @obj.
 *
 * Context: any; the calling thread may be switched away unless preemption is off.
 * Returns: true if the operation was performed on the caller's behalf and must not be done again
 *          (PT_STORE and PT_PUBLISH only); loads go through READ_ONCE(), which fetches the answer.
 */
static __always_inline bool point(enum point_kind kind, const volatile void *obj, u8 size,
				  enum mem_order order, u64 value)
{
	if (static_branch_unlikely(&points_key))
		return point_call(POINT_HOW(kind, size, order), obj, value) != 0;
	return false;
}

/*
 * Points heard by the scheduler, on or off. Context: as static_key_set(). Returns false without
 * sched_ops.
 */
bool points_set(bool on);
bool points_enabled(void);

/*
 * points_left - so many points may be passed over before one is heard again.
 *
 * For the lab, where it knows that the running thread goes on: such a point costs a few
 * instructions, and is only counted. User accesses and busy waits are heard nevertheless.
 * points_wrote: one that was passed over was no load. Context: one CPU runs.
 */
extern u64 points_left;
extern bool points_wrote;

/* What point_entry does with a point that may be passed over; _LOAD: the load. */
enum { PASS_NEVER, PASS_OVER, PASS_LOAD };

/* Is a point before a lock is taken or released passed over? As point_entry does for the others. */
static __always_inline bool point_passed_lock(void)
{
	if (points_left == 0)
		return false;
	points_left--;
	points_wrote = true;
	return true;
}

/*
 * One turn of a busy wait on @obj. The pause ends a TCG slice: without it icount with several CPUs
 * never goes on.
 */
#define spin_wait_turn(obj) spin_wait_turn_on(obj, sizeof(*(obj)))
static __always_inline void spin_wait_turn_on(const volatile void *obj, u8 size)
{
	if (static_branch_unlikely(&points_key))
		point_call(POINT_HOW(PT_WAIT, size, MO_RELAXED), obj, 0);
	__asm__ volatile("pause" ::: "memory");
}

/* The one busy wait: until @cond holds, which some other vCPU makes true by writing @obj. */
#define spin_wait_until(obj, cond)                                                                 \
	do {                                                                                       \
		while (!(cond))                                                                    \
			spin_wait_turn(obj);                                                       \
	} while (0)

#endif
