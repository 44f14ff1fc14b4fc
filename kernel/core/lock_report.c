/*
 * lock_report.c - the words in which a broken lock rule is told: what, where, and where the other
 * lock was taken.
 */
#include "kernel/core/lock_internal.h"

#include "kernel/core/backtrace.h"
#include "kernel/core/bug.h"
#include "kernel/core/log.h"
#include "kernel/core/preempt.h"

#define SYMBOL_MAX 64

static const char *const kind_name[LK_NR] = {
	[LK_SPIN] = "spin", [LK_MUTEX] = "mutex", [LK_READ] = "read", [LK_WRITE] = "write",
	[LK_VMA] = "vma",   [LK_FOLIO] = "folio", [LK_PERCPU_READ] = "read",
};

void lock_report_order(enum lock_class class, const void *lock, const struct held_lock *held,
		       void *ip)
{
	char here[SYMBOL_MAX], there[SYMBOL_MAX];

	bug_fail_at(BUG_LOCK_ORDER, ip, "lock order: %s (%p) at %s, while %s (%p) is held since %s",
		    lock_class_name[class], lock, caller_text(ip, here, sizeof(here)),
		    lock_class_name[held->class], held->lock,
		    caller_text(held->ip, there, sizeof(there)));
}

void lock_report_twice(const struct held_lock *held, void *ip)
{
	char here[SYMBOL_MAX], there[SYMBOL_MAX];

	bug_fail_at(BUG_LOCK_DOUBLE, ip, "double lock: %s (%p) at %s, held by this thread since %s",
		    lock_class_name[held->class], held->lock, caller_text(ip, here, sizeof(here)),
		    caller_text(held->ip, there, sizeof(there)));
}

void lock_report_irq(enum lock_class class, const void *lock, void *ip)
{
	char here[SYMBOL_MAX];

	bug_fail_at(BUG_LOCK_IRQ, ip, "irq unsafe: %s (%p) at %s is taken %s, elsewhere %s",
		    lock_class_name[class], lock, caller_text(ip, here, sizeof(here)),
		    in_irq() ? "in an interrupt" : "with interrupts on",
		    in_irq() ? "with interrupts on" : "in an interrupt");
}

void lock_report_sleep(void *ip)
{
	const struct held_locks *held = held_locks_current();
	char here[SYMBOL_MAX], there[SYMBOL_MAX];

	if (held->nr) {
		const struct held_lock *last = &held->lock[held->nr - 1];

		bug_fail_at(BUG_LOCK_SLEEP, ip,
			    "sleeping in atomic context at %s, %s (%p) is held since %s",
			    caller_text(ip, here, sizeof(here)), lock_class_name[last->class],
			    last->lock, caller_text(last->ip, there, sizeof(there)));
	}
	bug_fail_at(BUG_LOCK_SLEEP, ip,
		    "sleeping in atomic context at %s, preempt depth %u, irq depth %u, in irq %u",
		    caller_text(ip, here, sizeof(here)),
		    (unsigned)this_cpu_read(vcpu_self.preempt_depth),
		    (unsigned)this_cpu_read(vcpu_self.irq_depth),
		    (unsigned)this_cpu_read(vcpu_self.in_irq));
}

/* Where a spinlock was taken, from the low half it keeps: all text shares the high half. */
static void *taken_at(const spinlock_t *lock)
{
	return lock->ip ? (void *)(0xffffffff00000000UL | lock->ip) : NULL;
}

void lock_report_spin(enum bug_kind kind, const spinlock_t *lock, const char *what, void *ip)
{
	char here[SYMBOL_MAX], there[SYMBOL_MAX];

	bug_fail_at(kind, ip, "%s: %s (%p) at %s, last taken at %s by thread %u", what,
		    lock_class_name[lock->class], lock, caller_text(ip, here, sizeof(here)),
		    caller_text(taken_at(lock), there, sizeof(there)), lock->owner);
}

unsigned held_locks_print(const struct held_locks *held)
{
	char where[SYMBOL_MAX];

	if (!lock_recording() || held->epoch != lock_epoch())
		return 0;
	for (unsigned i = 0; i < held->nr; i++) {
		const struct held_lock *l = &held->lock[i];

		pr_err("  holds %s %s (%p) since %s", lock_class_name[l->class], kind_name[l->kind],
		       l->lock, caller_text(l->ip, where, sizeof(where)));
	}
	return held->nr;
}
