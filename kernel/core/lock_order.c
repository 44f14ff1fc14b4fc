/*
 * lock_order.c - the record of held locks and the rule about the next one.
 *
 * Here: recording, the checks, forced release. Not here: statistics (lock_stat.c), reports' text
 *       (lock_report.c), the locks.
 * Idea: records of a thread are touched by that thread only, those of a vCPU only by interrupt
 *       handlers on it, so no lock is needed to know about locks.
 */
#include "kernel/core/lock_order.h"

#include "kernel/core/bug.h"
#include "kernel/core/events.h"
#include "kernel/core/lock_internal.h"
#include "kernel/core/preempt.h"
#include "kernel/core/setting.h"
#include "kernel/core/stop.h"
#include "kernel/core/thread_base.h"
#include "kernel/x86/cpu.h"

struct static_key checks_key;
struct static_key lockstat_key;
struct static_key lock_slow_key;

const char *const lock_class_name[LC_NR] = {
#define X(name, what) #name,
	SLEEPING_LOCK_CLASSES(X)
	SPINNING_LOCK_CLASSES(X)
#undef X
};

const char *const lock_class_what[LC_NR] = {
#define X(name, what) what,
	SLEEPING_LOCK_CLASSES(X)
	SPINNING_LOCK_CLASSES(X)
#undef X
};

/* What interrupt handlers hold, and boot code before there is a thread. */
DEFINE_PER_CPU(struct held_locks, irq_held);

u8 lock_class_usage[LC_NR];

_Static_assert(LC_NR < 64, "a mask holds all classes, and can be shifted past each");

static void (*release_fn[LK_NR])(void *lock);
u32 lock_record_epoch = 1;

bool lock_recording(void)
{
	return static_key_enabled(&checks_key) || static_key_enabled(&lockstat_key);
}

void lock_slow_update(void)
{
	static_key_set(&lock_slow_key, static_key_enabled(&points_key) ||
					       static_key_enabled(&checks_key) ||
					       static_key_enabled(&lockstat_key) ||
					       static_key_enabled(&events_key));
}

void lock_usage_forget(void)
{
	for (unsigned i = 0; i < LC_NR; i++)
		lock_class_usage[i] = 0;
}

/* A new epoch: what was recorded under the old rule is void. */
static void recording_set(struct static_key *key, bool on)
{
	cpus_park();
	lock_record_epoch++;
	lock_usage_forget();
	static_key_set(key, on);
	lock_slow_update();
	cpus_release();
}

void checks_set(bool on)
{
	if (on != static_key_enabled(&checks_key))
		recording_set(&checks_key, on);
}

void lockstat_set(bool on)
{
	if (on != static_key_enabled(&lockstat_key))
		recording_set(&lockstat_key, on);
}

struct held_locks *held_locks_current(void)
{
	return held_locks_here();
}

const struct held_lock *held_lock_find(const struct held_locks *held, const void *lock)
{
	for (unsigned i = held->nr; i-- > 0;) {
		if (held->lock[i].lock == lock)
			return &held->lock[i];
	}
	return NULL;
}

/* The newest lock held whose class must not be held when @class is taken. */
static const struct held_lock *find_violation(const struct held_locks *held, enum lock_class class,
					      unsigned flags)
{
	unsigned lowest_bad = lock_lowest_bad(class, flags);

	if ((held->mask >> lowest_bad) == 0)
		return NULL;
	for (unsigned i = held->nr; i-- > 0;) {
		if (held->lock[i].class >= lowest_bad)
			return &held->lock[i];
	}
	return NULL;
}

static void check_usage(enum lock_class class, const void *lock, void *ip)
{
	u8 use = lock_use_here(), seen;

	if (!use || (lock_class_usage[class] & use))
		return;
	seen = __atomic_or_fetch(&lock_class_usage[class], use, __ATOMIC_RELAXED);
	if (seen == (USED_IN_IRQ | USED_IRQS_ON))
		lock_report_irq(class, lock, ip);
}

void lock_order_check(enum lock_class class, const void *lock, enum lock_kind kind, unsigned flags,
		      void *ip)
{
	const struct held_lock *other;
	struct held_locks *held;

	if (!static_key_enabled(&checks_key) || (flags & LO_TRY))
		return;
	held = held_locks_here();
	other = held_lock_find(held, lock);
	if (other)
		lock_report_twice(other, ip);
	other = find_violation(held, class, flags);
	if (other)
		lock_report_order(class, lock, other, ip);
	if (kind == LK_SPIN)
		check_usage(class, lock, ip);
	else
		might_sleep_at(ip);
}

/*
 * A record of a thread that can be preempted changes with interrupts off: at the end of one that
 * came in between, the vCPU may go to another thread, which takes locks in the name of the thread
 * that was interrupted.
 */
static __always_inline bool change_begin(void)
{
	bool irqs_were_on;

	if (!preemptible())
		return false;
	irqs_were_on = cpu_irq_enabled();
	cpu_irq_disable();
	return irqs_were_on;
}

static __always_inline void change_end(bool irqs_were_on)
{
	if (irqs_were_on)
		cpu_irq_enable();
}

void lock_order_acquired(enum lock_class class, const void *lock, enum lock_kind kind,
			 unsigned flags, void *ip)
{
	bool irqs_were_on;

	event_count(EV_LOCK, 1);
	if (!lock_recording())
		return;
	irqs_were_on = change_begin();
	lock_record(held_locks_here(), class, lock, kind, flags, ip);
	change_end(irqs_were_on);
}

/* Takes record @i out and keeps the mask true. Interrupts off. */
static struct held_lock forget(struct held_locks *held, unsigned i)
{
	struct held_lock gone = held->lock[i];

	held->nr--;
	for (; i < held->nr; i++)
		held->lock[i] = held->lock[i + 1];
	held->mask = 0;
	for (i = 0; i < held->nr; i++)
		held->mask |= 1UL << held->lock[i].class;
	return gone;
}

void lock_order_released(const void *lock, void *ip)
{
	const struct held_lock *found;
	struct held_locks *held;
	struct held_lock gone;
	bool irqs_were_on;

	if (!lock_recording())
		return;
	irqs_were_on = change_begin();
	held = held_locks_here();
	if (lock_forget_newest(held, lock)) {
		change_end(irqs_were_on);
		return;
	}
	found = held_lock_find(held, lock);
	/* Not found: taken before recording began, or by another thread on this one's behalf. */
	if (found)
		gone = forget(held, found - held->lock);
	change_end(irqs_were_on);
	if (found)
		lock_stat_released(&gone);
}

void lock_order_downgraded(const void *lock)
{
	struct held_locks *held = held_locks_here();
	const struct held_lock *found = held_lock_find(held, lock);

	if (found)
		held->lock[found - held->lock].kind = LK_READ;
}

bool lock_held(const void *lock)
{
	return !lock_recording() || held_lock_find(held_locks_here(), lock);
}

void held_locks_hand_over(const void *lock, struct thread_base *from, struct thread_base *to)
{
	struct held_locks *giver = held_locks_fresh(&from->held);
	struct held_locks *taker = held_locks_fresh(&to->held);
	const struct held_lock *found = held_lock_find(giver, lock);

	if (!found || taker->nr == LOCKS_HELD_MAX)
		return;
	taker->lock[taker->nr++] = *found;
	taker->mask |= 1UL << found->class;
	forget(giver, found - giver->lock);
}

void might_sleep_at(void *ip)
{
	if (!static_key_enabled(&checks_key) || !current_base() || panicking())
		return;
	if (in_irq() || !preemptible())
		lock_report_sleep(ip);
}

void might_sleep_here(void)
{
	might_sleep_at(__builtin_return_address(0));
}

void lock_release_fn_set(enum lock_kind kind, void (*release)(void *lock))
{
	release_fn[kind] = release;
}

unsigned held_locks_force_release(unsigned keep)
{
	struct held_locks *held = held_locks_here();
	unsigned released = 0;
	bool irqs_were_on;

	while (lock_recording() && held->nr > keep) {
		struct held_lock *newest = &held->lock[held->nr - 1];
		void *lock = (void *)newest->lock;
		unsigned before = held->nr;

		if (release_fn[newest->kind])
			release_fn[newest->kind](lock);
		/* A release function that does not forget the record would be asked for ever. */
		irqs_were_on = change_begin();
		if (held->nr == before)
			forget(held, held->nr - 1);
		change_end(irqs_were_on);
		released++;
	}
	return released;
}

static u64 checks_get(void)
{
	return static_key_enabled(&checks_key);
}

static int checks_put(u64 on)
{
	checks_set(on);
	return 0;
}

static u64 lockstat_get(void)
{
	return static_key_enabled(&lockstat_key);
}

static int lockstat_put(u64 on)
{
	lockstat_set(on);
	return 0;
}

SETTING_BOOL(checks, "locks check owner, class and order", checks_get, checks_put);
SETTING_BOOL(lockstat, "locks count waiting and holding per class", lockstat_get, lockstat_put);
