/*
 * core_oops.c - faults and bugs cost what they hit and nothing else; the FPU rule; symbols.
 */
#include <string.h>

#include "kernel/core/backtrace.h"
#include "kernel/core/bug.h"
#include "kernel/core/format.h"
#include "kernel/core/fpu.h"
#include "kernel/core/oops.h"
#include "kernel/core/spinlock.h"
#include "kernel/core/symbols.h"
#include "kernel/core/watchdog.h"
#include "kernel/sched/kthread.h"
#include "kernel/sched/timer.h"
#include "kernel/x86/apic.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/trap.h"
#include "tests/ktest.h"

/* ---- recovery ---- */

static noinline void fail_assert(void *arg)
{
	ASSERT_EQ(3, 1 + 1);
}

static noinline void fail_divide(void *arg)
{
	__asm__ volatile("div %0" : : "r"(0UL) : "rax", "rdx", "cc");
}

static noinline void fail_opcode(void *arg)
{
	__asm__ volatile("ud2");
}

static noinline void fail_noncanonical(void *arg)
{
	*(volatile u8 *)0xdead000000000000UL = 0;
}

static noinline void fail_null(void *arg)
{
	volatile u8 *nowhere = arg;

	*nowhere = 0;
}

static const struct {
	void (*fn)(void *arg);
	int vector;
	const char *cause, *symbol;
} causes[] = {
	{ fail_assert, -1, "assertion failed: 3 == 1 + 1: 0x3, 0x2", "fail_assert+" },
	{ fail_divide, TRAP_DE, "divide error", "fail_divide+" },
	{ fail_opcode, TRAP_UD, "invalid opcode", "fail_opcode+" },
	{ fail_noncanonical, TRAP_GP, "general protection", "fail_noncanonical+" },
	{ fail_null, TRAP_PF, "page fault (write, not mapped) at 0", "fail_null+" },
};

KTEST(core_oops, each_cause_is_named_and_survived, KT_UNIT)
{
	for (unsigned i = 0; i < ARRAY_SIZE(causes); i++) {
		struct oops oops = { .vector = -2 };

		t_expect(t, oops_catch(causes[i].fn, NULL, &oops));
		t_expect_eq(t, oops.vector, causes[i].vector);
		t_expect(t, strstr(oops.cause, causes[i].cause) == oops.cause);
		t_expect(t, strstr(oops.symbol, causes[i].symbol) == oops.symbol);
		t_expect(t, cpu_irq_enabled());
	}
}

static DEFINE_SPINLOCK(lock, LC_TEST_SPIN_A);
static volatile unsigned reached;

static NO_LOCK_ANALYSIS void fail_deep_inside(void *arg)
{
	local_irq_disable();
	preempt_disable();
	spin_lock(&lock);
	fpu_begin();
	reached++;
	fail_null(NULL);
	reached += 100;
}

static void catch_inside(void *arg)
{
	struct oops inner;

	if (oops_catch(fail_deep_inside, NULL, &inner))
		reached += 10;
	fail_opcode(NULL);
}

KTEST(core_oops, nested_recoveries_restore_depths_and_locks, KT_UNIT)
{
	bool checks_were_on = static_key_enabled(&checks_key);
	u32 fpu_depth = current_base()->fpu_depth;
	struct oops oops = { .vector = -2 };

	checks_set(true);
	reached = 0;
	t_expect(t, oops_catch(catch_inside, NULL, &oops));
	t_expect_eq(t, reached, 11);
	t_expect_eq(t, oops.vector, TRAP_UD);
	t_expect(t, !spin_is_locked(&lock));
	t_expect_eq(t, this_cpu_read(vcpu_self.preempt_depth), 0);
	t_expect_eq(t, this_cpu_read(vcpu_self.irq_depth), 0);
	t_expect_eq(t, current_base()->fpu_depth, fpu_depth);
	t_expect(t, oops_catch(fail_deep_inside, NULL, &oops));
	t_expect_eq(t, oops.nr_held, 1);
	t_expect_eq(t, oops.held[0].class, LC_TEST_SPIN_A);
	checks_set(checks_were_on);
}

static void no_failure(void *arg)
{
	reached = 1;
}

KTEST(core_oops, nothing_is_caught_where_nothing_failed, KT_UNIT)
{
	reached = 0;
	t_expect(t, !oops_catch(no_failure, NULL, NULL));
	t_expect_eq(t, reached, 1);
	t_expect(t, oops_catch(fail_null, NULL, NULL));
	t_expect(t, !oops_catch(no_failure, NULL, NULL));
}

static noinline int recurse(volatile int n)
{
	volatile u8 frame[256];

	frame[0] = n;
	return n < 0 ? 0 : recurse(n + 1) + frame[0];
}

static void overflow(void *arg)
{
	recurse(0);
}

KTEST(core_oops, stack_overflow_is_named_and_survived, KT_UNIT)
{
	struct oops oops = { .vector = -2 };

	t_expect(t, oops_catch(overflow, NULL, &oops));
	t_expect_eq(t, oops.vector, TRAP_DF);
	t_expect(t, strstr(oops.cause, "stack overflow at ") == oops.cause);
	t_expect(t, strstr(oops.symbol, "recurse") == oops.symbol);
}

/* ---- bugs and warnings ---- */

static char hooked[128];

static bool swallow(const struct bug *bug)
{
	strncpy(hooked, bug->text, sizeof(hooked) - 1);
	return bug->kind == BUG_WARNING;
}

KTEST(core_oops, warnings_count_and_a_hook_may_take_them, KT_UNIT)
{
	bool (*hook)(const struct bug *) = bug_hook;
	static bool ran_before; /* once is once until the machine ends */
	unsigned long before = warn_count(), expected = ran_before ? 1 : 2;
	int times = 0;

	ran_before = true;
	bug_hook = swallow;
	t_expect(t, WARN_ON(1 + 1 == 2));
	bug_hook = hook;
	t_expect_str_eq(t, hooked, "WARN_ON(1 + 1 == 2)");
	t_expect_eq(t, warn_count(), before);

	t_expect_warnings(t, expected);
	t_expect(t, !WARN_ON(1 + 1 == 3));
	t_expect(t, WARN_ON(times == 0));
	for (; times < 3; times++)
		WARN_ONCE(times >= 0, "told once, at %d", times);
	t_expect_eq(t, warn_count(), before + expected);
}

#ifdef MMLIFE_UBSAN
static volatile int too_far = 40;

static noinline void fail_shift(void *arg)
{
	too_far = 1 << too_far;
}

static noinline void fail_index(void *arg)
{
	static volatile int table[8];

	too_far = table[too_far];
}

KTEST(core_oops, undefined_behaviour_is_told, KT_UNIT)
{
	struct oops oops = { .vector = -2 };

	t_expect(t, oops_catch(fail_shift, NULL, &oops));
	t_expect_str_eq(t, oops.cause, "undefined behaviour: 1 shifted by 40 in 'int'");
	t_expect(t, oops_catch(fail_index, NULL, &oops));
	t_expect_str_eq(t, oops.cause, "undefined behaviour: index 40 outside 'int [8]'");
}
#endif

/* ---- FPU ---- */

static noinline void use_fpu(void *arg)
{
	__asm__ volatile("movq %rax, %xmm0");
}

static void fpu_thread(void *arg)
{
	bool *trapped = arg;

	trapped[0] = oops_catch(use_fpu, NULL, NULL);
	fpu_begin();
	fpu_begin();
	fpu_end();
	trapped[1] = oops_catch(use_fpu, NULL, NULL);
	fpu_end();
	trapped[2] = oops_catch(use_fpu, NULL, NULL);
}

KTEST(core_fpu, use_outside_a_section_traps, KT_UNIT)
{
	bool trapped[3] = { false, true, false };
	struct thread *thread = kthread_run("fpu", fpu_thread, trapped);

	t_assert(t, thread);
	thread_join(thread);
	t_expect(t, trapped[0]);
	t_expect(t, !trapped[1]);
	t_expect(t, trapped[2]);
}

static void set_xmm(u64 v)
{
	__asm__ volatile("movq %0, %%xmm0; movq %0, %%xmm7; movq %0, %%xmm15" : : "r"(v));
}

static bool xmm_is(u64 v)
{
	u64 a, b, c;

	__asm__ volatile("movq %%xmm0, %0; movq %%xmm7, %1; movq %%xmm15, %2"
			 : "=r"(a), "=r"(b), "=r"(c));
	return a == v && b == v && c == v;
}

static void keep_registers(struct ktest *t, unsigned i, void *arg)
{
	unsigned lost = 0;

	fpu_begin();
	for (u64 n = 0; n < t_scale(t, 200); n++) {
		set_xmm(n * 1000 + i);
		yield();
		lost += !xmm_is(n * 1000 + i);
	}
	fpu_end();
	t_expect_eq(t, lost, 0);
}

KTEST(core_fpu, registers_survive_switches, KT_STRESS)
{
	t_parallel(t, 2 * nr_vcpus, keep_registers, NULL);
}

#define TEST_VECTOR (VEC_IPI_BASE + 14)

static volatile bool interrupted;

static void format_in_interrupt(struct trap_frame *frame)
{
	char text[64];

	format(text, sizeof(text), "%d %s %lx", 42, "words", 0xabcdUL);
	fpu_begin();
	set_xmm(~0UL);
	fpu_end();
	interrupted = strcmp(text, "42 words abcd") == 0;
}

KTEST(core_fpu, registers_survive_a_formatting_interrupt, KT_UNIT)
{
	bool kept;

	preempt_disable();
	irq_handler_set(TEST_VECTOR, format_in_interrupt);
	fpu_begin();
	set_xmm(0x1234567);
	interrupted = false;
	local_irq_disable();
	apic_send_ipi(smp_processor_id(), TEST_VECTOR);
	local_irq_enable();
	spin_until(interrupted);
	kept = xmm_is(0x1234567);
	fpu_end();
	irq_handler_set(TEST_VECTOR, NULL);
	preempt_enable();
	t_expect(t, kept);
}

/* ---- symbols and lockups ---- */

static char lines[2048];

static void keep_line(const char *line)
{
	size_t used = strlen(lines);

	format(lines + used, sizeof(lines) - used, "%s\n", line);
}

static noinline void innermost(void)
{
	lines[0] = '\0';
	backtrace_print(keep_line);
	barrier();
}

static noinline void outer(void)
{
	innermost();
	barrier();
}

KTEST(core_oops, backtraces_name_the_callers, KT_UNIT)
{
	char text[64];
	const char *inner_at, *outer_at;
	unsigned long offset;

	outer();
	inner_at = strstr(lines, "innermost+");
	outer_at = strstr(lines, "outer+");
	t_expect(t, inner_at && outer_at && inner_at < outer_at);
	t_expect(t, strstr(lines, "thread_main") != NULL);
	t_expect_str_eq(t, symbol_lookup(innermost, &offset), "innermost");
	t_expect_eq(t, offset, 0);
	t_expect(t, symbol_lookup(&lines, &offset) == NULL);
	t_expect(t, symbol_lookup(NULL, &offset) == NULL);
	t_expect_str_eq(t, symbol_text((void *)innermost, text, sizeof(text)), "innermost+0x0");
	t_expect_str_eq(t, symbol_text((void *)0x10, text, sizeof(text)), "0x10");
}

/* A chain of frame pointers that was overwritten ends the walk, wherever it points. */
KTEST(core_oops, broken_frame_pointers_end_the_walk, KT_UNIT)
{
	unsigned long frame[4] = { 0, (unsigned long)outer };
	void *ips[8];

	t_expect_eq(t, backtrace_from(0, ips, 8), 0);
	t_expect_eq(t, backtrace_from(0x1235, ips, 8), 0);
	t_expect_eq(t, backtrace_from(~0UL, ips, 8), 0);
	t_expect_eq(t, backtrace_from(0xdead000000000000UL, ips, 8), 0);
	t_expect_eq(t, backtrace_from((u64)frame, ips, 8), 1);
	frame[0] = (u64)frame; /* a circle */
	t_expect_eq(t, backtrace_from((u64)frame, ips, 8), 1);
	frame[0] = (u64)frame + 1;
	t_expect_eq(t, backtrace_from((u64)frame, ips, 8), 1);
	frame[1] = 0x1000; /* not code */
	t_expect_eq(t, backtrace_from((u64)frame, ips, 8), 0);
}

/* Looks at the usual distance, with preemption off, until it tells; 0 if it does not for long. */
static unsigned looks_until_told(struct watchdog *w, u64 *now)
{
	u64 step = watchdog_limit_ns / (2 * WATCHDOG_GAPS);

	for (unsigned i = 1; i <= 10 * WATCHDOG_GAPS; i++) {
		if (watchdog_judge(w, true, *now += step))
			return i;
	}
	return 0;
}

KTEST(core_oops, a_lockup_is_judged_once, KT_UNIT)
{
	u64 now = 1000;
	struct watchdog w = { 0 };

	t_expect(t, !watchdog_judge(&w, true, now)); /* the first look begins the count */
	t_expect_eq(t, looks_until_told(&w, &now), 2 * WATCHDOG_GAPS);
	t_expect_eq(t, looks_until_told(&w, &now), 0); /* told already */
	w.touched = true;
	t_expect(t, !watchdog_judge(&w, true, ++now));
	t_expect_eq(t, looks_until_told(&w, &now), 2 * WATCHDOG_GAPS);
	t_expect(t, !watchdog_judge(&w, false, ++now)); /* preemption was on */
	t_expect_eq(t, looks_until_told(&w, &now), 2 * WATCHDOG_GAPS);
}

/* A vCPU that the host did not run for an hour is late, not locked up. */
KTEST(core_oops, a_late_look_is_no_lockup, KT_UNIT)
{
	u64 now = 1000;
	struct watchdog w = { 0 };

	t_expect(t, !watchdog_judge(&w, true, now));
	for (unsigned i = 1; i < WATCHDOG_GAPS; i++)
		t_expect(t, !watchdog_judge(&w, true, now += 3600 * NSEC_PER_SEC));
	t_expect(t, !watchdog_judge(&w, false, now += 3600 * NSEC_PER_SEC));
	t_expect(t, !watchdog_judge(&w, true, now += 3600 * NSEC_PER_SEC));
	t_expect_eq(t, w.stuck_ns, watchdog_limit_ns / WATCHDOG_GAPS);
}
