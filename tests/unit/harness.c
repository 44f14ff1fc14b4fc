/*
 * harness.c - the judge on trial: every way in which a test must not pass.
 *
 * Each case here is a test that is not registered; it is tried inside a registered one, and its
 * report is caught. What is checked is the verdict and that the report says why.
 */
#include <stdlib.h>
#include <string.h>

#include "kernel/core/fault.h"
#include "kernel/core/ledger.h"
#include "kernel/core/preempt.h"
#include "kernel/core/setting.h"
#include "kernel/sched/thread.h"
#include "tests/ktest_internal.h"

/* ---- catching a report ---- */

static char caught[4096];

static void catch_line(const char *line)
{
	size_t used = strlen(caught);
	size_t room = sizeof(caught) - used;

	if (strlen(line) + 2 <= room) {
		strlcat(caught, line, sizeof(caught));
		strlcat(caught, "\n", sizeof(caught));
	}
}

static enum ktap_status try_body(void (*fn)(struct ktest *t), enum ktest_kind kind)
{
	const struct ktest_case kc = {
		.name = "tried.case", .suite = "tried", .file = __FILE__, .fn = fn, .kind = kind};
	const struct ktest_opts opts = {.glob = "*", .seed = 1, .scale = 1};
	struct ktap report = {.line = catch_line};
	enum ktap_status status;

	caught[0] = '\0';
	ktap_begin(&report, NULL, 1);
	ktest_try(&report, &kc, &opts);
	status = ktap_end(&report);
	return status;
}

/* Tried, @fn must fail, and the report must hold @why. */
static void expect_failure(struct ktest *t, void (*fn)(struct ktest *t), enum ktest_kind kind,
			   const char *why)
{
	t_expect_eq(t, try_body(fn, kind), KTAP_FAIL);
	if (!strstr(caught, why))
		t_fail(t, "the report does not say \"%s\": %s", why, caught);
	t_expect(t, strstr(caught, "not ok 1 case"));
}

/* ---- what passes ---- */

static void body_good(struct ktest *t)
{
	t_expect(t, true);
	t_expect_eq(t, 2 + 2, 4);
	t_expect_str_eq(t, "a", "a");
}

KTEST(harness, good_test_passes, KT_UNIT)
{
	t_expect_eq(t, try_body(body_good, KT_UNIT), KTAP_PASS);
	t_expect(t, strstr(caught, "ok 1 case\n"));
}

static void body_skip(struct ktest *t)
{
	t_skip(t, "because of %d", 7);
}

KTEST(harness, skipped_test_is_no_pass, KT_UNIT)
{
	t_expect_eq(t, try_body(body_skip, KT_UNIT), KTAP_SKIP);
	t_expect(t, strstr(caught, "ok 1 case # SKIP because of 7\n"));
}

/* ---- what fails ---- */

static void body_expects_wrongly(struct ktest *t)
{
	t_expect_eq(t, 3, 5);
}

static void body_asserts_wrongly(struct ktest *t)
{
	t_assert(t, false);
	t_fail(t, "went on after a failed assertion");
}

static void body_checks_nothing(struct ktest *t)
{
}

KTEST(harness, failed_checks_fail, KT_UNIT)
{
	expect_failure(t, body_expects_wrongly, KT_UNIT, "left 3 (0x3), right 5 (0x5)");
	expect_failure(t, body_asserts_wrongly, KT_UNIT, "expected false");
	t_expect(t, !strstr(caught, "went on"));
	expect_failure(t, body_checks_nothing, KT_UNIT, "checked nothing");
}

static void body_oopses(struct ktest *t)
{
	t_expect(t, true);
	*(volatile int *)0xdead000 = 1;
}

KTEST(harness, oops_in_a_body_fails, KT_UNIT)
{
	expect_failure(t, body_oopses, KT_UNIT, "body_oopses");
}

/* The failure is said while the body may not sleep; the test thread must survive that. */
static void body_fails_with_preemption_off(struct ktest *t)
{
	preempt_disable();
	t_fail(t, "seen from inside");
	preempt_enable();
}

KTEST(harness, checks_work_with_preemption_off, KT_UNIT)
{
	expect_failure(t, body_fails_with_preemption_off, KT_UNIT, "seen from inside");
}

/* ---- what is left behind ---- */

static long leaked;

static long leaked_live(void)
{
	return leaked;
}

static void leaked_report(const char *line, void (*print)(const char *text))
{
	print("owner: the harness's own test");
}

LEDGER_KIND(harness_leak, leaked_live, leaked_report);

static void body_leaks(struct ktest *t)
{
	t_expect(t, true);
	leaked++;
}

KTEST(harness, leak_fails_and_names_kind_and_owner, KT_UNIT)
{
	expect_failure(t, body_leaks, KT_UNIT, "harness_leak");
	t_expect(t, strstr(caught, "owner: the harness's own test"));
	leaked = 0;
}

static u64 dial = 5;

static u64 dial_get(void)
{
	return dial;
}

static int dial_set(u64 value)
{
	dial = value;
	return 0;
}

SETTING_U64(harness_dial, "tests: a number nobody uses", 0, 9, dial_get, dial_set);

static void body_moves_a_setting(struct ktest *t)
{
	t_expect(t, true);
	dial = 7;
}

KTEST(harness, moved_setting_fails_and_is_put_back, KT_UNIT)
{
	expect_failure(t, body_moves_a_setting, KT_UNIT, "left `set harness_dial` at 7, found 5");
	t_expect_eq(t, dial, 5);
}

/* ---- settings by text ---- */

KTEST(harness, setting_text_is_checked, KT_UNIT)
{
	const struct setting *s = setting_find("harness_dial");
	char text[SETTING_TEXT_MAX];

	t_assert(t, s);
	t_expect(t, !setting_find("harness_dia"));
	setting_accepts(s, text);
	t_expect_str_eq(t, text, "0..9");
	t_expect_eq(t, setting_parse(s, "10"), -EINVAL);
	t_expect_eq(t, setting_parse(s, "-1"), -EINVAL);
	t_expect_eq(t, setting_parse(s, "6x"), -EINVAL);
	t_expect_eq(t, setting_parse(s, ""), -EINVAL);
	t_expect_eq(t, dial, 5);
	t_expect_eq(t, setting_parse(s, "0x6"), 0);
	setting_show(s, text);
	t_expect_str_eq(t, text, "6");
	dial = 5;
}

/* ---- sweeps ---- */

FAULT_SITE(harness_site, "tests: an allocation of the harness's own tests");

static bool undone_badly; /* a partial failure leaves something behind */
static int held;

/* Three allocations; the second is optional. */
static int operation(bool cope)
{
	if (fault_should_fail(&fault_site_harness_site, 1))
		return -ENOMEM;
	if (fault_should_fail(&fault_site_harness_site, 1) && !cope) {
		held += undone_badly;
		return -ENOMEM;
	}
	if (fault_should_fail(&fault_site_harness_site, 1))
		return -ENOMEM;
	held++;
	return 0;
}

KTEST(harness, sweep_fails_each_allocation_once, KT_SWEEP)
{
	int rounds = 0;

	held = 0;
	fault_sweep(t, operation(false), {
		rounds++;
		t_expect_eq(t, held, 0);
	});
	t_expect_eq(t, rounds, 3);
	t_expect_eq(t, held, 1);
	held = 0;
	rounds = 0;
	fault_sweep_undo(t, operation(true), rounds++, held = 0);
	t_expect_eq(t, rounds, 2);
	t_expect_eq(t, held, 1);
}

static void body_sweep_leaves_change(struct ktest *t)
{
	held = 0;
	undone_badly = true;
	fault_sweep(t, operation(false), t_expect_eq(t, held, 0));
	undone_badly = false;
}

static void body_sweep_without_allocation(struct ktest *t)
{
	fault_sweep(t, 0, t_fail(t, "nothing can fail here"));
}

static void body_sweep_coped(struct ktest *t)
{
	fault_sweep(t, operation(true), (void)0);
}

static void body_sweep_fails_by_itself(struct ktest *t)
{
	fault_sweep(t, -EINVAL, (void)0);
}

static void body_no_sweep(struct ktest *t)
{
	t_expect(t, true);
}

KTEST(harness, bad_sweeps_fail, KT_UNIT)
{
	expect_failure(t, body_sweep_leaves_change, KT_SWEEP, "held == 0");
	expect_failure(t, body_sweep_without_allocation, KT_SWEEP, "no allocation was reached");
	expect_failure(t, body_sweep_coped, KT_SWEEP, "succeeded although allocation 1 failed");
	expect_failure(t, body_sweep_fails_by_itself, KT_SWEEP, "though nothing was failed");
	expect_failure(t, body_no_sweep, KT_SWEEP, "swept nothing");
}

/* ---- threads and numbers ---- */

static void mark(struct ktest *t, unsigned i, void *arg)
{
	unsigned char *seen = arg;

	t_expect_eq(t, smp_processor_id(), i % nr_vcpus);
	__atomic_fetch_add(&seen[i], 1, __ATOMIC_RELAXED);
}

KTEST(harness, parallel_runs_each_once_on_its_cpu, KT_UNIT)
{
	unsigned char seen[16] = {0};

	t_parallel(t, 16, mark, seen);
	for (unsigned i = 0; i < 16; i++)
		t_expect_eq(t, seen[i], 1);
}

static u64 drawn[2];
static unsigned draws;

static void body_draws(struct ktest *t)
{
	t_expect(t, true);
	drawn[draws++ % 2] = t_rand(t);
}

KTEST(harness, same_seed_same_numbers, KT_UNIT)
{
	t_expect_eq(t, try_body(body_draws, KT_MODEL), KTAP_PASS);
	t_expect_eq(t, try_body(body_draws, KT_MODEL), KTAP_PASS);
	t_expect_eq(t, drawn[0], drawn[1]);
	for (unsigned i = 0; i < 1000; i++)
		t_expect_lt(t, t_rand_below(t, 7), 7);
}

static void body_leaves_a_sweep(struct ktest *t)
{
	fault_sweep(t, operation(false), t_assert(t, false));
}

KTEST(harness, left_sweep_is_disarmed, KT_UNIT)
{
	expect_failure(t, body_leaves_a_sweep, KT_SWEEP, "expected false");
	t_expect(t, !static_key_enabled(&faults_key));
	held = 0;
	t_expect_eq(t, operation(false), 0);
}
