/*
 * fault.c - sites under load: who asks, what is armed, what is told.
 *
 * Idea: decisions of one site are made one at a time under a bare lock word, so that occurrences
 *       are numbered without gaps; an armed site is a test, not a fast path.
 */
#include "kernel/core/fault.h"

#include "kernel/core/backtrace.h"
#include "kernel/core/clock.h"
#include "kernel/core/trail.h"
#include "kernel/core/log.h"
#include "kernel/core/preempt.h"
#include "kernel/core/thread_base.h"

struct static_key faults_key;

bool (*fault_hog)(struct fault_site *site, bool begin);

static u32 nth_armed; /* threads with an armed counter or one that fired and was not disarmed */
static u32 holds;     /* fault_hold() minus fault_release() */
static u32 decide_lock;

static unsigned long decide_begin(void)
{
	unsigned long flags;

	local_irq_save(flags);
	spin_until(!__atomic_exchange_n(&decide_lock, 1, __ATOMIC_ACQUIRE));
	return flags;
}

static void decide_end(unsigned long flags)
{
	__atomic_store_n(&decide_lock, 0, __ATOMIC_RELEASE);
	local_irq_restore(flags);
}

static void print(const char *line)
{
	pr_info("%s", line);
}

static void tell(const struct fault_site *site, u64 occurrence)
{
	const struct thread_base *thread = current_base();

	if (!site->attr.verbose)
		return;
	pr_info("fault: %s, occurrence %lu, in %s", site->name, occurrence,
		thread ? thread->name : "boot");
	if (site->attr.verbose > 1)
		backtrace_print(print);
}

bool fault_should_fail_slow(struct fault_site *site, size_t size)
{
	struct thread_base *thread = current_base();
	bool in_thread = thread && !in_irq();
	bool filter_passed = in_thread && (thread->flags & TF_MAKE_FAIL);
	unsigned long flags;
	bool fail;
	u64 occurrence;

	flags = decide_begin();
	occurrence = site->attr.calls;
	if (in_thread && thread->nth.armed) {
		site->attr.calls++;
		fail = fault_nth_decide(&thread->nth);
		site->attr.fired += fail;
	} else {
		fail = fault_decide(&site->attr, site->name, size, filter_passed);
	}
	decide_end(flags);
	if (fail) {
		trail_note();
		tell(site, occurrence);
	}
	return fail;
}

bool fault_site_fires_slow(struct fault_site *site)
{
	const struct thread_base *thread = current_base();
	unsigned long flags = decide_begin();
	u64 occurrence = site->attr.calls;
	bool fire = fault_decide(&site->attr, site->name, 0, thread->flags & TF_MAKE_FAIL);

	decide_end(flags);
	if (fire)
		tell(site, occurrence);
	return fire;
}

bool fault_site_begin_slow(struct fault_site *site)
{
	struct fault_nth *nth = &current_base()->nth;

	if (nth->armed || !fault_site_fires_slow(site))
		return false;
	if (fault_hog) {
		fault_hog(site, true);
		return true;
	}
	*nth = (struct fault_nth){ .armed = true };
	return true;
}

void fault_site_end(struct fault_site *site)
{
	struct fault_nth *nth = &current_base()->nth;
	bool failed = fault_hog ? fault_hog(site, false) : nth->fired;
	unsigned long flags;

	if (!failed) {
		flags = decide_begin();
		site->attr.fired--;
		decide_end(flags);
	}
	*nth = (struct fault_nth){ 0 };
}

void delay_slow(struct delay_site *site)
{
	u64 until;

	__atomic_fetch_add(&site->passed, 1, __ATOMIC_RELAXED);
	if (!site->delay_ns)
		return;
	until = clock_ns() + site->delay_ns;
	spin_until(clock_ns() >= until);
}

/* The key follows what is armed. */
static void key_update(void)
{
	struct fault_site *site;
	struct delay_site *delay;
	bool armed = __atomic_load_n(&nth_armed, __ATOMIC_RELAXED) ||
		     __atomic_load_n(&holds, __ATOMIC_RELAXED);

	for_each_registered(fault_site, site)
		armed |= fault_attr_armed(&site->attr);
	for_each_registered(delay_site, delay)
		armed |= delay->delay_ns != 0;
	static_key_set(&faults_key, armed);
}

void fault_site_set(struct fault_site *site, const struct fault_attr *attr)
{
	unsigned long flags = decide_begin();

	site->attr = *attr;
	site->attr.calls = 0;
	site->attr.fired = 0;
	site->attr.interval_seen = 0;
	decide_end(flags);
	key_update();
}

struct fault_site *fault_site_find(const char *name)
{
	return registry_find(fault_site, name);
}

void delay_site_set(struct delay_site *site, u64 delay_ns)
{
	site->delay_ns = delay_ns;
	site->passed = 0;
	key_update();
}

struct delay_site *delay_site_find(const char *name)
{
	return registry_find(delay_site, name);
}

void fault_nth_arm(u64 n)
{
	struct fault_nth *nth = &current_base()->nth;

	if (!nth->armed && !nth->fired)
		__atomic_fetch_add(&nth_armed, 1, __ATOMIC_RELAXED);
	*nth = (struct fault_nth){ .left = n, .armed = true };
	key_update();
}

bool fault_nth_fired(void)
{
	return current_base()->nth.fired;
}

void fault_nth_disarm(void)
{
	struct fault_nth *nth = &current_base()->nth;

	if (nth->armed || nth->fired)
		__atomic_fetch_sub(&nth_armed, 1, __ATOMIC_RELAXED);
	*nth = (struct fault_nth){ 0 };
	key_update();
}

void fault_hold(void)
{
	__atomic_fetch_add(&holds, 1, __ATOMIC_RELAXED);
	key_update();
}

void fault_release(void)
{
	__atomic_fetch_sub(&holds, 1, __ATOMIC_RELAXED);
	key_update();
}

void fault_reset(void)
{
	static const struct fault_attr off = FAULT_ATTR_OFF;
	struct fault_site *site;
	struct delay_site *delay;

	for_each_registered(fault_site, site)
		site->attr = off;
	for_each_registered(delay_site, delay) {
		delay->delay_ns = 0;
		delay->passed = 0;
	}
	key_update();
}
