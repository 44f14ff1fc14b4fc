/*
 * core_keys.c - static keys while all CPUs run through their branches; per-CPU variables; parking.
 */
#include "kernel/core/atomic.h"
#include "kernel/core/preempt.h"
#include "kernel/core/static_key.h"
#include "kernel/core/stop.h"
#include "kernel/x86/cpu.h"
#include "tests/ktest.h"

static DEFINE_STATIC_KEY_FALSE(test_key);

static noinline bool branch(void)
{
	return static_branch_unlikely(&test_key);
}

static struct {
	u64 generation; /* odd: being switched; the key is on when generation % 4 == 2 */
	u64 looks;
	u64 wrong;
	bool done;
} shared;

static void look(void)
{
	u64 before, after;
	bool on;

	before = __atomic_load_n(&shared.generation, __ATOMIC_SEQ_CST);
	on = branch();
	after = __atomic_load_n(&shared.generation, __ATOMIC_SEQ_CST);
	if (before != after || before % 2)
		return;
	__atomic_fetch_add(&shared.looks, 1, __ATOMIC_RELAXED);
	if (on != (before % 4 == 2))
		__atomic_fetch_add(&shared.wrong, 1, __ATOMIC_RELAXED);
}

static void switch_and_look(struct ktest *t, unsigned i, void *arg)
{
	if (i) {
		while (!__atomic_load_n(&shared.done, __ATOMIC_RELAXED)) {
			look();
			cpu_pause();
		}
		return;
	}
	for (u64 n = 0; n < t_scale(t, 20); n++) {
		u64 seen = shared.looks;

		__atomic_fetch_add(&shared.generation, 1, __ATOMIC_SEQ_CST);
		static_key_set(&test_key, n % 2 == 0);
		__atomic_fetch_add(&shared.generation, 1, __ATOMIC_SEQ_CST);
		look();
		/* Somebody else has looked since: the machine goes on between two switches. */
		if (nr_vcpus > 1)
			spin_until(__atomic_load_n(&shared.looks, __ATOMIC_RELAXED) > seen + 1);
	}
	__atomic_store_n(&shared.done, true, __ATOMIC_RELAXED);
}

KTEST(core_keys, all_cpus_see_the_new_branch, KT_STRESS)
{
	__builtin_memset(&shared, 0, sizeof(shared));
	t_parallel(t, nr_vcpus, switch_and_look, NULL);
	static_key_set(&test_key, false);
	t_expect_eq(t, shared.wrong, 0);
	t_expect_ge(t, shared.looks, t_scale(t, 20));
	t_note(t, "%lu looks between switches", shared.looks);
}

KTEST(core_keys, switching_twice_is_once, KT_UNIT)
{
	t_expect(t, !branch());
	static_key_set(&test_key, true);
	static_key_set(&test_key, true);
	t_expect(t, branch());
	t_expect(t, static_key_enabled(&test_key));
	static_key_set(&test_key, false);
	static_key_set(&test_key, false);
	t_expect(t, !branch());
}

static u64 beats[MAX_VCPUS];
static bool parking_over;

static void beat_or_park(struct ktest *t, unsigned i, void *arg)
{
	u64 before[MAX_VCPUS];
	unsigned cpu;

	if (i) {
		while (!__atomic_load_n(&parking_over, __ATOMIC_RELAXED)) {
			__atomic_fetch_add(&beats[i], 1, __ATOMIC_RELAXED);
			cpu_pause();
		}
		return;
	}
	for (unsigned n = 0; n < t_scale(t, 10); n++) {
		unsigned depth = this_cpu_read(vcpu_self.irq_depth);

		preempt_disable();
		cpus_park();
		cpus_park();
		for_each_vcpu(cpu)
			before[cpu] = __atomic_load_n(&beats[cpu], __ATOMIC_RELAXED);
		for (unsigned turn = 0; turn < 20000; turn++)
			cpu_pause();
		for_each_vcpu(cpu)
			t_expect_eq(t, __atomic_load_n(&beats[cpu], __ATOMIC_RELAXED), before[cpu]);
		t_expect(t, !cpu_irq_enabled());
		cpus_release();
		t_expect(t, !cpu_irq_enabled());
		cpus_release();
		t_expect(t, cpu_irq_enabled());
		t_expect_eq(t, this_cpu_read(vcpu_self.irq_depth), depth);
		preempt_enable();
	}
	__atomic_store_n(&parking_over, true, __ATOMIC_RELAXED);
}

KTEST(core_keys, parked_cpus_do_nothing, KT_STRESS)
{
	t_need_cpus(t, 2);
	parking_over = false;
	t_parallel(t, nr_vcpus, beat_or_park, NULL);
}

/* The NMI of a park may come before the processor has left the handler of the one before. */
static void depth_or_park(struct ktest *t, unsigned i, void *arg)
{
	u64 wrong = 0;

	while (i && !__atomic_load_n(&parking_over, __ATOMIC_RELAXED)) {
		wrong += this_cpu_read(vcpu_self.in_irq) != 0;
		cpu_pause();
	}
	t_expect_eq(t, wrong, 0);
	for (unsigned n = 0; i == 0 && n < t_scale(t, 20); n++) {
		cpus_park();
		cpus_release();
	}
	__atomic_store_n(&parking_over, true, __ATOMIC_RELAXED);
}

KTEST(core_keys, a_park_may_follow_at_once, KT_STRESS)
{
	t_need_cpus(t, 2);
	parking_over = false;
	t_parallel(t, nr_vcpus, depth_or_park, NULL);
}

static DEFINE_PER_CPU(u64, test_u64);
static DEFINE_PER_CPU(u32, test_u32);
static DEFINE_PER_CPU(u8, test_u8);

static void touch_own(struct ktest *t, unsigned i, void *arg)
{
	unsigned me;

	preempt_disable();
	me = smp_processor_id();
	t_expect_eq(t, me, i);
	this_cpu_write(test_u64, 0);
	this_cpu_write(test_u32, 0);
	this_cpu_write(test_u8, 0);
	for (int n = 0; n < 1000; n++) {
		this_cpu_inc(test_u64);
		this_cpu_add(test_u32, me);
		this_cpu_dec(test_u8);
	}
	t_expect_eq(t, this_cpu_read(test_u64), 1000);
	t_expect_eq(t, *this_cpu_ptr(test_u64), 1000);
	t_expect(t, this_cpu_ptr(test_u32) == per_cpu_ptr(test_u32, me));
	preempt_enable();
}

KTEST(core_keys, each_cpu_has_its_own_copy, KT_UNIT)
{
	unsigned cpu;

	t_parallel(t, nr_vcpus, touch_own, NULL);
	for_each_vcpu(cpu) {
		t_expect_eq(t, *per_cpu_ptr(test_u64, cpu), 1000);
		t_expect_eq(t, *per_cpu_ptr(test_u32, cpu), 1000 * cpu);
		t_expect_eq(t, *per_cpu_ptr(test_u8, cpu), (u8)-1000);
	}
}
