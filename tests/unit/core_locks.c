/*
 * core_locks.c - spinlocks exclude; every rule about locks is broken once and told of.
 */
#include <string.h>

#include "kernel/core/bug.h"
#include "kernel/core/lock_internal.h"
#include "kernel/core/oops.h"
#include "kernel/core/spinlock.h"
#include "kernel/core/thread_base.h"
#include "kernel/sched/kthread.h"
#include "kernel/sched/parallel.h"
#include "kernel/x86/apic.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/trap.h"
#include "tests/ktest.h"

static DEFINE_SPINLOCK(lock_a, LC_TEST_SPIN_A);
static DEFINE_SPINLOCK(lock_a2, LC_TEST_SPIN_A);
static DEFINE_SPINLOCK(lock_b, LC_TEST_SPIN_B);

/* ---- what a report said ---- */

static enum bug_kind bug_seen;

static bool note_bug(const struct bug *bug)
{
	bug_seen = bug->kind;
	return false;
}

/* Free, and as if nobody had ever taken them: what one test does with a class is not another's. */
static void fresh_locks(void)
{
	lock_usage_forget();
	spin_lock_init(&lock_a, LC_TEST_SPIN_A);
	spin_lock_init(&lock_a2, LC_TEST_SPIN_A);
	spin_lock_init(&lock_b, LC_TEST_SPIN_B);
}

/*
 * @fn, with checks on, must end in a report of @kind that names @name and the function @fn twice:
 * the place at fault and the place where the other lock was taken. Depths and locks are as before.
 */
static void expect_report(struct ktest *t, void (*fn)(void *), enum bug_kind kind, const char *word,
			  const char *first, const char *second)
{
	bool checks_were_on = static_key_enabled(&checks_key);
	bool (*hook)(const struct bug *) = bug_hook;
	struct oops oops = { .cause = "none" };

	fresh_locks();
	checks_set(true);
	bug_hook = note_bug;
	bug_seen = BUG_WARNING;
	t_expect(t, oops_catch(fn, NULL, &oops));
	bug_hook = hook;
	t_expect_eq(t, held_locks_current()->nr, 0);
	t_expect_eq(t, this_cpu_read(vcpu_self.preempt_depth), 0);
	t_expect_eq(t, this_cpu_read(vcpu_self.irq_depth), 0);
	t_expect(t, cpu_irq_enabled());
	checks_set(checks_were_on);

	t_expect_eq(t, bug_seen, kind);
	t_expect(t, strstr(oops.cause, word) == oops.cause);
	t_expect(t, strstr(oops.cause, first) != NULL);
	t_expect(t, strstr(oops.cause, second) != NULL);
	t_note(t, "%s", oops.cause);
	/* What was held is free again: the machine goes on. */
	t_expect(t, !spin_is_locked(&lock_b));
	fresh_locks();
}

static NO_LOCK_ANALYSIS noinline void take_b(void)
{
	spin_lock(&lock_b);
}

static NO_LOCK_ANALYSIS noinline void take_a(void)
{
	spin_lock(&lock_a);
}

static void wrong_order(void *arg)
{
	take_b();
	take_a();
}

static NO_LOCK_ANALYSIS bool try_a(void)
{
	return spin_trylock(&lock_a);
}

static NO_LOCK_ANALYSIS void drop_a(void)
{
	spin_unlock(&lock_a);
}

static NO_LOCK_ANALYSIS void same_class(void *arg)
{
	take_a();
	spin_lock(&lock_a2);
}

static NO_LOCK_ANALYSIS void lock_twice(void *arg)
{
	take_a();
	spin_lock(&lock_a);
}

static NO_LOCK_ANALYSIS void unlock_twice(void *arg)
{
	take_a();
	spin_unlock(&lock_a);
	preempt_disable();
	spin_unlock(&lock_a);
}

static void not_held(void *arg)
{
	assert_spin_locked(&lock_a);
}

static void sleep_under_lock(void *arg)
{
	take_a();
	might_sleep();
}

static void sleep_with_irqs_off(void *arg)
{
	local_irq_disable();
	might_sleep();
}

static void sleeping_lock_with_irqs_off(void *arg)
{
	local_irq_disable();
	lock_order_acquire(LC_TEST_SLEEP_A, &lock_b, LK_MUTEX, 0,
			   (char *)sleeping_lock_with_irqs_off + 1);
}

/* The record has lost it: what is left is the owner that the lock itself knows. */
static void lock_twice_unrecorded(void *arg)
{
	static struct thread_base nobody;

	take_a();
	held_locks_hand_over(&lock_a, current_base(), &nobody);
	take_a();
}

/* As if another thread had locked it. */
static void unlock_anothers(void *arg)
{
	take_a();
	lock_a.owner++;
	drop_a();
}

static void sleeping_lock_under_spinlock(void *arg)
{
	take_a();
	lock_order_acquire(LC_MMAP, &lock_b, LK_READ, 0,
			   (char *)sleeping_lock_under_spinlock + 1);
}

KTEST(core_locks, wrong_order_is_told, KT_UNIT)
{
	expect_report(t, wrong_order, BUG_LOCK_ORDER, "lock order: TEST_SPIN_A", "take_a+",
		      "take_b+");
}

KTEST(core_locks, two_of_a_class_are_told, KT_UNIT)
{
	expect_report(t, same_class, BUG_LOCK_ORDER, "lock order: TEST_SPIN_A", "same_class+",
		      "take_a+");
}

KTEST(core_locks, double_lock_is_told, KT_UNIT)
{
	expect_report(t, lock_twice, BUG_LOCK_DOUBLE, "double lock: TEST_SPIN_A", "lock_twice+",
		      "take_a+");
}

KTEST(core_locks, double_lock_is_told_by_the_lock_itself, KT_UNIT)
{
	expect_report(t, lock_twice_unrecorded, BUG_LOCK_DOUBLE, "double lock: TEST_SPIN_A",
		      "take_a+", "take_a+");
}

KTEST(core_locks, anothers_lock_is_told, KT_UNIT)
{
	expect_report(t, unlock_anothers, BUG_LOCK_OWNER, "unlock by another thread: TEST_SPIN_A",
		      "drop_a+", "take_a+");
}

KTEST(core_locks, double_unlock_is_told, KT_UNIT)
{
	expect_report(t, unlock_twice, BUG_LOCK_DOUBLE, "double unlock: TEST_SPIN_A",
		      "unlock_twice+", "take_a+");
}

KTEST(core_locks, lock_not_held_is_told, KT_UNIT)
{
	expect_report(t, not_held, BUG_LOCK_OWNER, "lock not held: TEST_SPIN_A", "not_held+", "0");
}

KTEST(core_locks, sleeping_in_atomic_is_told, KT_UNIT)
{
	expect_report(t, sleep_under_lock, BUG_LOCK_SLEEP, "sleeping in atomic",
		      "sleep_under_lock+", "take_a+");
	expect_report(t, sleep_with_irqs_off, BUG_LOCK_SLEEP, "sleeping in atomic",
		      "sleep_with_irqs_off+", "irq depth 1");
	expect_report(t, sleeping_lock_with_irqs_off, BUG_LOCK_SLEEP, "sleeping in atomic",
		      "sleeping_lock_with_irqs_off+", "irq depth 1");
	expect_report(t, sleeping_lock_under_spinlock, BUG_LOCK_ORDER, "lock order: MMAP",
		      "sleeping_lock_under_spinlock+", "take_a+");
}

/* ---- the owner ---- */

static bool owner_has_it, owner_may_go;

static void own_or_steal(struct ktest *t, unsigned i, void *arg)
{
	if (i == 0) {
		spin_lock(&lock_a);
		__atomic_store_n(&owner_has_it, true, __ATOMIC_RELEASE);
		spin_until(__atomic_load_n(&owner_may_go, __ATOMIC_ACQUIRE));
		spin_unlock(&lock_a);
		return;
	}
	spin_until(__atomic_load_n(&owner_has_it, __ATOMIC_ACQUIRE));
	drop_a();
}

static bool steal_and_go(const struct bug *bug)
{
	bug_seen = bug->kind;
	__atomic_store_n(&owner_may_go, true, __ATOMIC_RELEASE);
	return false;
}

static void thief(void *t)
{
	own_or_steal(t, 1, NULL);
}

static void own_or_be_caught(struct ktest *t, unsigned i, void *arg)
{
	if (i == 0)
		own_or_steal(t, 0, NULL);
	else
		t_expect(t, oops_catch(thief, t, NULL));
}

KTEST(core_locks, unlock_by_another_thread_is_told, KT_UNIT)
{
	bool checks_were_on = static_key_enabled(&checks_key);
	bool (*hook)(const struct bug *) = bug_hook;

	t_need_cpus(t, 2);
	fresh_locks();
	owner_has_it = owner_may_go = false;
	bug_seen = BUG_WARNING;
	checks_set(true);
	bug_hook = steal_and_go;
	t_parallel(t, 2, own_or_be_caught, NULL);
	bug_hook = hook;
	checks_set(checks_were_on);
	t_expect_eq(t, bug_seen, BUG_LOCK_OWNER);
	t_expect(t, !spin_is_locked(&lock_a));
}

/* ---- interrupts ---- */

#define TEST_VECTOR (VEC_IPI_BASE + 15)

static void (*volatile in_interrupt)(void);
static volatile bool interrupted;

static void test_interrupt(struct trap_frame *frame)
{
	in_interrupt();
	interrupted = true;
}

/* Runs @fn in interrupt context on this CPU. */
static void interrupt_self(void (*fn)(void))
{
	in_interrupt = fn;
	interrupted = false;
	preempt_disable();
	irq_handler_set(TEST_VECTOR, test_interrupt);
	local_irq_disable();
	apic_send_ipi(smp_processor_id(), TEST_VECTOR);
	local_irq_enable();
	spin_until(interrupted);
	irq_handler_set(TEST_VECTOR, NULL);
	preempt_enable();
}

static void take_and_drop_b(void)
{
	spin_lock(&lock_b);
	spin_unlock(&lock_b);
}

static void irqs_on_after_irq(void *arg)
{
	interrupt_self(take_and_drop_b);
	take_b();
}

KTEST(core_locks, class_used_in_irq_and_with_irqs_on_is_told, KT_UNIT)
{
	expect_report(t, irqs_on_after_irq, BUG_LOCK_IRQ, "irq unsafe: TEST_SPIN_B", "take_b+",
		      "in an interrupt");
}

/* ---- what is allowed ---- */

KTEST(core_locks, allowed_ways_are_silent, KT_UNIT)
{
	bool checks_were_on = static_key_enabled(&checks_key);
	unsigned long flags;

	fresh_locks();
	checks_set(true);
	spin_lock(&lock_a);
	t_expect(t, lock_held(&lock_a));
	t_expect(t, !lock_held(&lock_a2));
	assert_spin_locked(&lock_a);
	spin_lock_nested(&lock_a2);
	spin_lock(&lock_b);
	t_expect_eq(t, held_locks_current()->nr, 3);
	spin_unlock(&lock_a); /* not in the order of taking */
	spin_unlock(&lock_b);
	spin_unlock(&lock_a2);
	spin_lock(&lock_b);
	t_expect(t, try_a()); /* against the order, but it does not wait */
	t_expect(t, !try_a());
	drop_a();
	spin_unlock(&lock_b);
	t_expect_eq(t, held_locks_current()->nr, 0);

	/* In interrupts, if interrupts are off elsewhere; the usage of classes begins anew. */
	lock_usage_forget();
	interrupt_self(take_and_drop_b);
	spin_lock_irqsave(&lock_b, flags);
	t_expect(t, !cpu_irq_enabled());
	spin_unlock_irqrestore(&lock_b, flags);
	t_expect(t, cpu_irq_enabled());
	t_expect_eq(t, held_locks_current()->nr, 0);
	t_expect_eq(t, held_locks_current()->mask, 0);
	checks_set(checks_were_on);
}

/* A lock held over a switch of the checks is nobody's fault, in either direction. */
KTEST(core_locks, checks_may_be_switched_under_a_lock, KT_UNIT)
{
	bool checks_were_on = static_key_enabled(&checks_key);

	fresh_locks();
	for (int start = 0; start < 2; start++) {
		checks_set(start);
		spin_lock(&lock_b);
		checks_set(!start);
		spin_lock(&lock_a2); /* the order is not known of lock_b */
		spin_unlock(&lock_a2);
		spin_unlock(&lock_b);
		checks_set(start);
		spin_lock(&lock_a);
		spin_unlock(&lock_a);
	}
	checks_set(checks_were_on);
	t_expect(t, !spin_is_locked(&lock_a) && !spin_is_locked(&lock_b));
}

/* ---- records and preemption ---- */

static volatile bool competing;

static void compete(void *arg)
{
	(void)arg;
	while (competing)
		yield();
}

/*
 * Two sleeping locks as the record sees them, the second again and again; what lay in its place
 * before was a spinning lock. False: the record does not say what is held.
 */
static bool record_and_look(void)
{
	const u64 both = 1ull << LC_TEST_SLEEP_A | 1ull << LC_TEST_SLEEP_B;
	struct held_locks *held = held_locks_current();
	static int first, second;
	bool exact;

	lock_order_acquire(LC_TEST_SLEEP_A, &first, LK_MUTEX, 0, NULL);
	spin_lock(&lock_b);
	spin_unlock(&lock_b);
	lock_order_acquire(LC_TEST_SLEEP_B, &second, LK_MUTEX, 0, NULL);
	exact = held->nr == 2 && held->mask == both;
	lock_order_release(&first, NULL);
	exact &= held->nr == 1 && held->lock[0].lock == &second;
	lock_order_release(&second, NULL);
	return exact && held->nr == 0 && held->mask == 0;
}

/*
 * The change of threads takes locks in the name of the thread that an interrupt hit anywhere. With
 * statistics on, since an emulator lets interrupts in at branches only.
 */
KTEST(core_locks, records_are_whole_whenever_preempted, KT_STRESS)
{
	bool checks_were_on = static_key_enabled(&checks_key);
	bool lockstat_was_on = static_key_enabled(&lockstat_key);
	u64 slice = sched_slice_ns, switches, wrong = 0;
	struct thread *competitor;

	fresh_locks();
	checks_set(true);
	lockstat_set(true);
	t_assert_eq(t, thread_set_affinity(current, 1), 0);
	competing = true;
	competitor = kthread_run("competitor", compete, NULL);
	if (competitor) {
		sched_slice_ns = 100000;
		t_expect_eq(t, thread_set_affinity(competitor, 1), 0);
		switches = current->nr_switches + t_scale(t, 150);
		while (current->nr_switches < switches)
			wrong += !record_and_look();
		sched_slice_ns = slice;
		competing = false;
		thread_join(competitor);
	}
	t_expect(t, competitor != NULL);
	t_expect_eq(t, wrong, 0);
	lockstat_set(lockstat_was_on);
	checks_set(checks_were_on);
}

/* ---- exclusion and statistics ---- */

static u64 counted;

static void count_under_lock(struct ktest *t, unsigned i, void *arg)
{
	u64 turns = *(u64 *)arg;
	unsigned long flags;

	for (u64 n = 0; n < turns; n++) {
		if (n % 3 == 0) {
			spin_lock(&lock_a);
			counted++;
			spin_unlock(&lock_a);
		} else if (n % 3 == 1) {
			spin_lock_irqsave(&lock_a, flags);
			counted++;
			spin_unlock_irqrestore(&lock_a, flags);
		} else {
			spin_until(spin_trylock(&lock_a));
			counted++;
			spin_unlock(&lock_a);
		}
	}
}

KTEST(core_locks, spinlocks_exclude, KT_STRESS)
{
	bool checks_were_on = static_key_enabled(&checks_key);
	u64 turns = t_scale(t, 3000);

	fresh_locks();
	for (int checks = 0; checks < 2; checks++) {
		counted = 0;
		checks_set(checks);
		t_parallel(t, nr_vcpus, count_under_lock, &turns);
		t_expect_eq(t, counted, turns * nr_vcpus);
	}
	checks_set(checks_were_on);
}

KTEST(core_locks, statistics_count, KT_UNIT)
{
	bool were_on = static_key_enabled(&lockstat_key);
	struct lock_stat before, after;
	u64 ticks;

	fresh_locks();
	lockstat_set(true);
	lock_stat_read(LC_TEST_SPIN_B, &before);
	ticks = rdtsc();
	for (int i = 0; i < 10; i++) {
		spin_lock(&lock_b);
		spin_unlock(&lock_b);
	}
	ticks = rdtsc() - ticks;
	lock_stat_read(LC_TEST_SPIN_B, &after);
	lockstat_set(were_on);
	t_expect_eq(t, after.acquired - before.acquired, 10);
	t_expect_eq(t, after.contended - before.contended, 0);
	t_expect_gt(t, after.hold, before.hold);
	t_expect_le(t, after.hold - before.hold, ticks);
	t_expect_le(t, after.hold_max, after.hold);
}
