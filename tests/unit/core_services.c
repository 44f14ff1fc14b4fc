/*
 * core_services.c - fault sites, log, ledger, clock: with the machine under them.
 */
#include <stdlib.h>
#include <string.h>

#include "kernel/core/clock.h"
#include "kernel/core/console.h"
#include "kernel/core/fault.h"
#include "kernel/core/ledger.h"
#include "kernel/core/log.h"
#include "kernel/core/registry.h"
#include "kernel/core/thread_base.h"
#include "tests/ktest.h"

/* ---- fault sites ---- */

FAULT_SITE(test_site_a, "tests: a call that can fail");
FAULT_SITE(test_site_b, "tests: another call that can fail");
DELAY_SITE(test_delay, "tests: a place where a thread can be held up");

KTEST(core_fault, nothing_armed_is_not_even_asked, KT_UNIT)
{
	u64 calls = fault_site_test_site_a.attr.calls;

	t_expect(t, !static_key_enabled(&faults_key));
	t_expect(t, !fault_should_fail(&fault_site_test_site_a, 8));
	t_expect_eq(t, fault_site_test_site_a.attr.calls, calls);
}

KTEST(core_fault, nth_counts_over_all_sites, KT_UNIT)
{
	for (u64 n = 0; n < 6; n++) {
		fault_nth_arm(n);
		for (u64 i = 0; i < 6; i++) {
			struct fault_site *site =
				i % 2 ? &fault_site_test_site_b : &fault_site_test_site_a;

			t_expect_eq(t, fault_nth_fired(), i > n);
			t_expect_eq(t, fault_should_fail(site, 8), i == n);
		}
		t_expect(t, fault_nth_fired());
		fault_nth_disarm();
		t_expect(t, !fault_nth_fired());
	}
	t_expect(t, !static_key_enabled(&faults_key));
}

/* The thread's own counter overrides the site's knobs, and is of that thread alone. */
KTEST(core_fault, nth_comes_before_knobs, KT_UNIT)
{
	struct fault_attr attr = FAULT_ATTR_OFF;

	attr.probability = 100;
	fault_site_set(&fault_site_test_site_a, &attr);
	fault_nth_arm(2);
	t_expect(t, !fault_should_fail(&fault_site_test_site_a, 8));
	t_expect(t, !fault_should_fail(&fault_site_test_site_a, 8));
	t_expect(t, fault_should_fail(&fault_site_test_site_a, 8));
	t_expect(t, fault_should_fail(&fault_site_test_site_a, 8)); /* disarmed: the knob */
	t_expect(t, !fault_should_fail(&fault_site_test_site_b, 8));
	fault_nth_disarm();
	fault_reset();
	t_expect(t, !fault_should_fail(&fault_site_test_site_a, 8));
	t_expect(t, !static_key_enabled(&faults_key));
}

KTEST(core_fault, task_filter_takes_marked_threads_only, KT_UNIT)
{
	struct fault_attr attr = FAULT_ATTR_OFF;
	struct thread_base *me = current_base();

	attr.probability = 100;
	attr.task_filter = true;
	fault_site_set(&fault_site_test_site_a, &attr);
	t_expect(t, !fault_should_fail(&fault_site_test_site_a, 8));
	me->flags |= TF_MAKE_FAIL;
	t_expect(t, fault_should_fail(&fault_site_test_site_a, 8));
	me->flags &= ~TF_MAKE_FAIL;
	t_expect(t, !fault_should_fail(&fault_site_test_site_a, 8));
	t_expect_eq(t, fault_site_test_site_a.attr.fired, 1);
	fault_reset();
}

static u64 wins[MAX_VCPUS];

static void ask_site(struct ktest *t, unsigned i, void *arg)
{
	wins[i] = 0;
	for (u64 n = 0; n < t_scale(t, 2000); n++)
		wins[i] += fault_should_fail(&fault_site_test_site_b, 1);
}

/* Occurrences are numbered without gaps whoever asks: the same number fails as with one asker. */
KTEST(core_fault, decisions_do_not_depend_on_who_asks, KT_STRESS)
{
	struct fault_attr attr = FAULT_ATTR_OFF, alone;
	u64 total = 0, calls = t_scale(t, 2000) * nr_vcpus;

	attr.probability = 25;
	attr.seed = t_seed(t);
	alone = attr;
	fault_site_set(&fault_site_test_site_b, &attr);
	t_parallel(t, nr_vcpus, ask_site, NULL);
	for (unsigned i = 0; i < nr_vcpus; i++)
		total += wins[i];
	t_expect_eq(t, fault_site_test_site_b.attr.calls, calls);
	t_expect_eq(t, fault_site_test_site_b.attr.fired, total);
	fault_reset();
	for (u64 n = 0; n < calls; n++)
		fault_decide(&alone, "test_site_b", 1, false);
	t_expect_eq(t, total, alone.fired);
}

KTEST(core_fault, delay_sites_delay, KT_UNIT)
{
	u64 start;

	t_expect(t, delay_site_find("test_delay") == &delay_site_test_delay);
	t_expect(t, fault_site_find("test_site_a") == &fault_site_test_site_a);
	t_expect(t, fault_site_find("no_such_site") == NULL);
	delay_site_set(&delay_site_test_delay, 300000);
	start = clock_ns();
	delay_point(&delay_site_test_delay);
	t_expect_ge(t, clock_ns() - start, 300000);
	t_expect_eq(t, delay_site_test_delay.passed, 1);
	delay_site_set(&delay_site_test_delay, 0);
	t_expect(t, !static_key_enabled(&faults_key));
}

/* ---- log ---- */

static char caught[4096];
static size_t nr_caught;

static void catch(const char *s, size_t len)
{
	len = min(len, sizeof(caught) - 1 - nr_caught);
	memcpy(caught + nr_caught, s, len);
	nr_caught += len;
	caught[nr_caught] = '\0';
}

KTEST(core_log, levels_decide_what_is_shown_not_what_is_kept, KT_UNIT)
{
	enum log_level level = log_level_get();

	nr_caught = 0;
	console_redirect = catch;
	log_level_set(LOG_WARN);
	pr_info("hidden %d", 1);
	pr_warn("shown %d", 2);
	console_write("part", 4);
	pr_err("own line");
	log_level_set(level);
	console_redirect = NULL;
	t_expect_str_eq(t, caught, "warning: shown 2\npart\nown line\n");

	nr_caught = 0;
	log_ring_read(60, catch);
	t_expect(t, strstr(caught, "hidden 1\nwarning: shown 2\nown line\n") != NULL);
	t_expect(t, log_unshown());
}

KTEST(core_log, long_lines_are_cut_and_the_ring_wraps, KT_UNIT)
{
	enum log_level level = log_level_get();
	char *longest = malloc(2UL * LOG_LINE_MAX);
	unsigned lines = 0;

	t_assert(t, longest);
	memset(longest, 'x', 2UL * LOG_LINE_MAX - 1);
	longest[2UL * LOG_LINE_MAX - 1] = '\0';
	log_level_set(LOG_ERR);
	for (int i = 0; i < 300; i++)
		pr_info("%s", longest);
	pr_info("the last line");
	log_level_set(level);
	free(longest);

	nr_caught = 0;
	log_ring_read(3UL * LOG_LINE_MAX, catch);
	for (char *at = caught; (at = strchr(at, '\n')); at++)
		lines++;
	t_expect(t, lines >= 3 && lines <= 4);
	t_expect_str_eq(t, caught + nr_caught - strlen("the last line\n"), "the last line\n");
	t_expect_eq(t, strchr(caught, '\n') - caught, LOG_LINE_MAX - 2);
}

static void print_lines(struct ktest *t, unsigned i, void *arg)
{
	char line[40];

	memset(line, 'a' + (int)i, sizeof(line));
	line[sizeof(line) - 1] = '\n';
	for (int n = 0; n < 20; n++)
		console_write_line(line, sizeof(line));
}

KTEST(core_log, lines_of_many_cpus_stay_whole, KT_STRESS)
{
	unsigned torn = 0, lines = 0;

	nr_caught = 0;
	console_redirect = catch;
	t_parallel(t, min(nr_vcpus, 4u), print_lines, NULL);
	console_redirect = NULL;
	for (char *at = caught, *end; (end = strchr(at, '\n')); at = end + 1, lines++) {
		for (char *c = at; c < end; c++)
			torn += *c != *at;
		torn += end - at != 39;
	}
	t_expect_eq(t, torn, 0);
	t_expect_eq(t, lines, 20 * min(nr_vcpus, 4u));
}

/* ---- ledger, registry, clock ---- */

static unsigned nr_told;
static char told[4][160];

static void tell(const char *line)
{
	if (nr_told < ARRAY_SIZE(told))
		strncpy(told[nr_told], line, sizeof(told[0]) - 1);
	nr_told++;
}

static void owners(const char *line, void (*print)(const char *text))
{
	print(line ? line : "owner of the kind");
}

static long one(void)
{
	return 1;
}

KTEST(core_ledger, differences_are_told_with_owners, KT_UNIT)
{
	static const struct ledger_kind kind = { .name = "k", .live = one, .report = owners };
	static const struct ledger_kind family = { .name = "f", .report = owners };
	struct ledger *before = calloc(1, sizeof(*before)), *after = calloc(1, sizeof(*after));

	t_assert(t, before && after);
	nr_told = 0;
	before->line[before->nr++] = (struct ledger_line){ "k", &kind, 5 };
	before->line[before->nr++] = (struct ledger_line){ "same", &family, 3 };
	before->line[before->nr++] = (struct ledger_line){ "gone", &family, 2 };
	after->line[after->nr++] = (struct ledger_line){ "k", &kind, 6 };
	after->line[after->nr++] = (struct ledger_line){ "same", &family, 3 };
	after->line[after->nr++] = (struct ledger_line){ "new", &family, 0 };
	t_expect_eq(t, ledger_diff(before, before, tell), 0);
	t_expect_eq(t, nr_told, 0);
	t_expect_eq(t, ledger_diff(before, after, tell), 2);
	t_expect_eq(t, nr_told, 3);
	t_expect_str_eq(t, told[0], "ledger: k: 5 before, 6 after (+1)");
	t_expect_str_eq(t, told[1], "owner of the kind");
	t_expect_str_eq(t, told[2], "ledger: gone: 2 before, 0 after (-2)");
	free(before);
	free(after);
}

KTEST(core_ledger, registries_are_in_order, KT_UNIT)
{
	const struct ktest_case *kc;
	const char *last = "";
	unsigned n = 0;

	for_each_registered(ktest, kc) {
		t_expect(t, strcmp(last, kc->name) < 0);
		last = kc->name;
		n++;
	}
	t_expect_eq(t, n, registered_count(ktest));
	kc = registry_find(ktest, "core_ledger.registries_are_in_order");
	t_expect(t, kc && kc->kind == KT_UNIT);
	t_expect(t, registry_find(ktest, "core_ledger.no_such_test") == NULL);
}

KTEST(core_clock, time_goes_forward, KT_UNIT)
{
	u64 last = clock_ns(), start = last;

	for (int i = 0; i < 1000; i++) {
		u64 now = clock_ns();

		t_expect_ge(t, now, last);
		last = now;
	}
	t_expect_gt(t, last, start);
	t_expect_eq(t, clock_is_insn(), clock_kind() != CLOCK_TSC);
}
