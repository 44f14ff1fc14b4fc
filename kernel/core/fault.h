/*
 * fault.h - named places where a call can be made to fail, or a thread be delayed.
 *
 * Owns: sites, their knobs (Linux's names), the order in which knobs are asked, what fired.
 * Idea: a site *is* the failing call: where an allocation, lock or I/O could fail it asks, and
 *       returns its error. Knobs are asked in Linux's order: the thread's nth counter, then task
 *       filter, times, space, interval, probability. A decision depends on (seed, site, occurrence)
 *       only, never on time or on other sites.
 * Invariant: with nothing armed a site costs one nop.
 */
#ifndef KERNEL_CORE_FAULT_H
#define KERNEL_CORE_FAULT_H

#include "kernel/core/fault_nth.h"
#include "kernel/core/point.h"
#include "kernel/core/registry.h"

/* Knobs and counters of one site. Plain data: fault_decide.c works on it, on the host too. */
struct fault_attr {
	u32 probability; /* percent; 0 = never by knobs */
	u64 interval;	 /* > 1: only every interval-th call that got so far */
	s64 times;	 /* failures still allowed; -1 = unlimited */
	u64 space;	 /* bytes that must be asked for before failures begin */
	u32 verbose;	 /* 0 silent, 1 a line, 2 with backtrace */
	bool task_filter; /* only threads with TF_MAKE_FAIL */
	s64 at;		 /* fail exactly this occurrence, counted from 0; -1 = off */
	u64 seed;	 /* of the probability decisions */
	/* Counters. */
	u64 calls; /* occurrences seen while armed */
	u64 fired;
	u64 interval_seen;
};

#define FAULT_ATTR_OFF { .times = -1, .at = -1, .seed = 1 }

struct fault_site {
	const char *name;
	const char *what;
	struct fault_attr attr;
};

/* Defines the site `name` of this file; use as &fault_site_NAME. */
#define FAULT_SITE(site, what_)                                                                    \
	static struct fault_site fault_site_##site __host_data = {                                 \
		.name = #site,                                                                     \
		.what = what_,                                                                     \
		.attr = FAULT_ATTR_OFF,                                                            \
	};                                                                                         \
	REGISTER(fault_site, &fault_site_##site)

/* On while any site or thread is armed. */
DECLARE_STATIC_KEY(faults_key);

bool fault_site_fires_slow(struct fault_site *site);

/*
 * fault_site_fires - does something happen here, which is no failure of a call (a signal comes)?
 *
 * By the site's own knobs; a thread's nth counter does not count it. Context: thread
 */
static __always_inline bool fault_site_fires(struct fault_site *site)
{
	return static_branch_unlikely(&faults_key) && fault_site_fires_slow(site);
}

bool fault_site_begin_slow(struct fault_site *site);
void fault_site_end(struct fault_site *site);

/*
 * fault_hog - if set, a FAULT_SITE_CALL that is to fail does so because nothing is left.
 *
 * Called before the call (@begin) to take what there is, and behind it to give it back; the second
 * call says whether anything was refused in between. Context: as the call's; may sleep.
 */
extern bool (*fault_hog)(struct fault_site *site, bool begin);

/*
 * FAULT_SITE_CALL - @call, in which the next allocation fails if site @site says so.
 *
 * For a place that allocates through others: the allocator itself returns the error, inside the
 * real path. A call that then allocated nothing does not count as a failure of the site. A thread
 * whose own nth counter is armed is not asked here, since the allocator will ask it.
 */
#define FAULT_SITE_CALL(site, call)                                                                \
	({                                                                                         \
		bool site_##site##_ = static_branch_unlikely(&faults_key) &&                       \
				      fault_site_begin_slow(&fault_site_##site);                   \
		__auto_type result_##site##_ = (call);                                             \
		if (unlikely(site_##site##_))                                                      \
			fault_site_end(&fault_site_##site);                                        \
		result_##site##_;                                                                  \
	})

bool fault_should_fail_slow(struct fault_site *site, size_t size);

/*
 * fault_should_fail - must this call fail now?
 *
 * @size:    bytes asked for, 0 where it has no meaning
 * Context:  any. True: the caller returns its error, having changed nothing
 */
static __always_inline bool fault_should_fail(struct fault_site *site, size_t size)
{
	if (static_branch_unlikely(&faults_key))
		return fault_should_fail_slow(site, size);
	return false;
}

/*
 * fault_decide - the pure rule, without the nth counter and without a printed line.
 *
 * @filter_passed: the thread carries TF_MAKE_FAIL
 * Counts the call, and the failure if it is one.
 */
bool fault_decide(struct fault_attr *attr, const char *name, size_t size, bool filter_passed);

/* The n-th eligible call decides: true when it must fail. */
bool fault_nth_decide(struct fault_nth *nth);

/* Is any knob of @attr set so that it may fail a call? */
bool fault_attr_armed(const struct fault_attr *attr);

/*
 * fault_site_set - give @site the knobs of @attr; its counters start at 0.
 *
 * Context: as static_key_set()
 */
void fault_site_set(struct fault_site *site, const struct fault_attr *attr);
struct fault_site *fault_site_find(const char *name);

/*
 * Fail the @n-th (from 0) eligible call of the running thread, over all sites. Context: as
 * static_key_set().
 */
void fault_nth_arm(u64 n);
bool fault_nth_fired(void);
void fault_nth_disarm(void);

/*
 * Between the two, sites ask even while nothing is armed. For sweeps: arming and disarming inside
 * do not patch text, which stops all processors. Nests. Context: as static_key_set().
 */
void fault_hold(void);
void fault_release(void);

/* All sites off, counters 0. Context: as static_key_set(). */
void fault_reset(void);

/* A place where a thread can be held up: window boundaries, publication points. */
struct delay_site {
	const char *name;
	const char *what;
	u64 delay_ns; /* spins that long in `parallel`; 0 = off */
	u64 passed;   /* while any fault or delay is armed */
};

#define DELAY_SITE(site, what_)                                                                    \
	static struct delay_site delay_site_##site __host_data = {                                 \
		.name = #site,                                                                     \
		.what = what_,                                                                     \
	};                                                                                         \
	REGISTER(delay_site, &delay_site_##site)

void delay_slow(struct delay_site *site);
void delay_site_set(struct delay_site *site, u64 delay_ns);
struct delay_site *delay_site_find(const char *name);

/* The delay alone, where what comes next is a schedule point anyway. Context: any. */
static __always_inline void delay_here(struct delay_site *site)
{
	if (static_branch_unlikely(&faults_key))
		delay_slow(site);
}

/* A schedule point of kind PT_DELAY, and the delay if one is set. Context: any. */
static __always_inline void delay_point(struct delay_site *site)
{
	point(PT_DELAY, site, 0, MO_RELAXED, 0);
	delay_here(site);
}

#endif
