/*
 * ktest_run.c - choose, run and judge tests.
 *
 * Owns: the choice and order of a run, what one test must have left behind, the verdict.
 * Not here: what a body may say (ktest.c), the command line (cmd_test.c).
 * Idea: everything that can leak out of a test is taken before it and compared after it: the
 *       ledger, every setting, and the state of its thread. Its seed follows from the run's seed
 *       and its own name, so that a test run alone draws the same numbers as in a run of all.
 */
#include "tests/ktest_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/core/bug.h"
#include "kernel/core/ledger.h"
#include "kernel/core/oops.h"
#include "kernel/core/preempt.h"
#include "kernel/core/setting.h"
#include "kernel/core/thread_base.h"
#include "kernel/core/watchdog.h"
#include "kernel/sched/kthread.h"
#include "kernel/shell/out.h"
#include "tests/glob.h"

#define MAX_SETTINGS 64

/* ---- before and after one test ---- */

/* What a test must leave as it found it. */
struct state {
	struct ledger ledger;
	u64 setting[MAX_SETTINGS];
	unsigned long nr_warnings, nr_oopses, nr_lockups;
};

/* One test on trial; on the heap, since a test of the runner is tried inside another. */
struct trial {
	struct ktest t;
	struct state before, after;
};

static void state_take(struct state *s)
{
	const struct setting *setting;
	unsigned i = 0;

	ledger_settle();
	ledger_snapshot(&s->ledger);
	for_each_registered(setting, setting) {
		if (i < MAX_SETTINGS)
			s->setting[i++] = setting->get();
	}
	s->nr_warnings = warn_count();
	s->nr_oopses = oops_count();
	s->nr_lockups = watchdog_reports();
}

/* Every setting back to what it was; one that had moved is a failure. */
static void settings_restore(struct ktest *t, const struct state *before)
{
	const struct setting *s;
	unsigned i = 0;

	for_each_registered(setting, s) {
		u64 is, was;

		if (i == MAX_SETTINGS)
			break;
		is = s->get();
		was = before->setting[i++];
		if (is == was)
			continue;
		t_fail(t, "left `set %s` at %lu, found %lu", s->name, is, was);
		if (s->set(was))
			t_fail(t, "and it cannot be set back");
	}
}

static struct ktest *differing; /* the test whose ledger is being compared */

static void note_difference(const char *line)
{
	t_note(differing, "%s", line);
}

static void compare_ledger(struct ktest *t, const struct state *before, const struct state *after)
{
	struct ktest *outer = differing;
	int nr;

	differing = t;
	nr = ledger_diff(&before->ledger, &after->ledger, note_difference);
	differing = outer;
	if (nr)
		t_fail(t, "the ledger differs in %d kinds", nr);
}

static void compare(struct trial *trial)
{
	const struct state *before = &trial->before, *after = &trial->after;
	struct ktest *t = &trial->t;

	settings_restore(t, before);
	state_take(&trial->after);
	compare_ledger(t, before, after);
	if (after->nr_warnings - before->nr_warnings != t->nr_warnings)
		t_fail(t, "%lu kernel warnings, expected %u",
		       after->nr_warnings - before->nr_warnings, t->nr_warnings);
	if (after->nr_oopses != before->nr_oopses)
		t_fail(t, "a thread oopsed");
	if (after->nr_lockups != before->nr_lockups)
		t_fail(t, "the watchdog reported a lockup");
}

/* ---- one test ---- */

/* FNV-1a: names to numbers. */
static u64 name_hash(const char *name)
{
	u64 hash = 0xcbf29ce484222325;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 0x100000001b3;
	return hash;
}

static void test_thread(void *arg)
{
	struct ktest *t = arg;

	ktest_call_body(t);
	if (!preemptible() || current_base()->rcu_nesting)
		t_fail(t, "ended with preemption off or inside an RCU read section");
}

static void run_body(struct ktest *t)
{
	struct thread *thread = kthread_create("test", test_thread, t);

	if (!thread) {
		t_fail(t, "no memory for its thread");
		return;
	}
	thread->base.flags |= TF_FPU;
	thread_start(thread);
	thread_join(thread);
}

static void judge_claims(struct ktest *t)
{
	if (t->skipped || t->nr_failed)
		return;
	if (t->nr_checks == 0)
		t_fail(t, "checked nothing");
	if (t->kc->kind == KT_SWEEP && t->nr_sweeps == 0)
		t_fail(t, "is a sweep and swept nothing");
}

enum ktap_status ktest_try(struct ktap *report, const struct ktest_case *kc,
			   const struct ktest_opts *opts)
{
	struct trial *trial = calloc(1, sizeof(*trial));
	enum ktap_status status = KTAP_FAIL;
	const char *reason = NULL;
	struct ktest *t;

	if (!trial) {
		ktap_note(report, "no memory for a trial");
		ktap_result(report, status, kc->name, NULL);
		return status;
	}
	t = &trial->t;
	t->kc = kc;
	t->report = report;
	t->seed = opts->seed ^ name_hash(kc->name);
	t->scale = opts->scale;

	state_take(&trial->before);
	run_body(t);
	compare(trial);
	judge_claims(t);

	if (t->nr_failed)
		t_note(t, "%s: %u failures; again: test %s seed=%lu", kc->name, t->nr_failed,
		       kc->name, opts->seed);
	else
		status = t->skipped ? KTAP_SKIP : KTAP_PASS;
	if (t->skipped)
		reason = t->reason;
	ktap_result(report, status, kc->name + strlen(kc->suite) + 1, reason);
	free(trial);
	return status;
}

/* ---- choice and order ---- */

/* A run of tests of one suite within the chosen ones. */
struct suite {
	const struct ktest_case **first;
	unsigned nr;
};

struct choice {
	const struct ktest_case **test;
	struct suite *suite;
	unsigned nr_tests, nr_suites, nr_run;
};

static bool is_chosen(const struct ktest_opts *opts, const struct ktest_case *kc)
{
	return glob_match(opts->glob, kc->name) &&
	       !(opts->skip && glob_match(opts->skip, kc->name));
}

unsigned ktest_count(const struct ktest_opts *opts)
{
	const struct ktest_case *kc;
	unsigned nr = 0;

	for_each_registered(ktest, kc)
		nr += is_chosen(opts, kc);
	return nr;
}

/* Registered tests come sorted by "suite.name", so each suite is one run. */
static bool choose(struct choice *c, const struct ktest_opts *opts)
{
	const struct ktest_case *kc;
	unsigned nr = ktest_count(opts);

	*c = (struct choice){
		.test = calloc(nr + 1, sizeof(*c->test)),
		.suite = calloc(nr + 1, sizeof(*c->suite)),
	};
	if (!c->test || !c->suite)
		return false;
	for_each_registered(ktest, kc) {
		struct suite *last = &c->suite[c->nr_suites ? c->nr_suites - 1 : 0];

		if (!is_chosen(opts, kc))
			continue;
		if (!last->nr || strcmp(last->first[0]->suite, kc->suite)) {
			last = &c->suite[c->nr_suites++];
			last->first = &c->test[c->nr_tests];
		}
		c->test[c->nr_tests++] = kc;
		last->nr++;
	}
	return true;
}

static void shuffle(struct choice *c, u64 seed)
{
	struct rng rng;

	rng_init(&rng, seed);
	for (unsigned i = c->nr_suites; i > 1; i--) {
		unsigned j = (unsigned)rng_below(&rng, i);
		struct suite moved = c->suite[i - 1];

		c->suite[i - 1] = c->suite[j];
		c->suite[j] = moved;
	}
	for (unsigned s = 0; s < c->nr_suites; s++) {
		struct suite *suite = &c->suite[s];

		for (unsigned i = suite->nr; i > 1; i--) {
			unsigned j = (unsigned)rng_below(&rng, i);
			const struct ktest_case *moved = suite->first[i - 1];

			suite->first[i - 1] = suite->first[j];
			suite->first[j] = moved;
		}
	}
}

/* ---- a run ---- */

/* Returns how many tests came to a verdict. */
static unsigned run_suite(struct ktap *k, const struct suite *s, const struct ktest_opts *opts)
{
	unsigned nr = 0;
	const char *name = s->first[0]->suite;
	enum ktap_status status;

	ktap_begin(k, name, s->nr);
	for (; nr < s->nr; nr++)
		ktest_try(k, s->first[nr], opts);
	status = ktap_end(k);
	ktap_result(k, status, name, "all its tests were skipped");
	return nr;
}

enum ktap_status ktest_run(const struct ktest_opts *opts)
{
	struct ktap k = {.line = out_line};
	enum ktap_status status = KTAP_FAIL;
	struct choice c;

	if (!choose(&c, opts)) {
		out_line("# no memory to choose tests");
		goto out_free;
	}
	if (opts->shuffle)
		shuffle(&c, opts->seed);
	ktap_begin(&k, NULL, c.nr_suites);
	for (unsigned i = 0; i < c.nr_suites; i++)
		c.nr_run += run_suite(&k, &c.suite[i], opts);
	if (c.nr_run != ktest_count(opts)) {
		ktap_note(&k, "a registered test did not run");
		k.level[0].failed++;
	}
	status = ktap_end(&k);

out_free:
	free(c.suite);
	free(c.test);
	return status;
}
