/*
 * lab.c - the lab judged from inside: every mutant found, nothing found where nothing is wrong, a
 * wrecked world without consequences, virtual time with the shapes it must have.
 *
 * Not here: replay identity over machines and long searches (tests/guest, `make lab`).
 */
#include <stdio.h>
#include <string.h>

#include "kernel/base/err.h"
#include "kernel/core/clock.h"
#include "kernel/sched/timer.h"
#include "tests/ktest.h"
#include "tests/lab/case.h"
#include "tests/lab/lockstep.h"
#include "tests/lab/scaling.h"
#include "tests/lab/world.h"

static struct scenario sc;
static struct lab_result res;

/* Read "locks WORDS" into sc. */
static void parse(struct ktest *t, const char *line)
{
	char why[256];

	if (world_arena_bytes() == 0)
		t_skip(t, "no lab arena on this machine");
	if (scenario_read(&sc, why, sizeof(why), "locks %s", line) != 0)
		t_fail(t, "%s: %s", line, why);
}

/* Search "locks WORDS" and leave the result in res. */
static void search(struct ktest *t, const char *line)
{
	char why[256];

	parse(t, line);
	if (lab_search(&sc, &res, false, why, sizeof(why)) != 0)
		t_fail(t, "%s: %s", line, why);
}

static void expect_verdict(struct ktest *t, const char *line, enum lab_verdict expect)
{
	search(t, line);
	t_count_check(t);
	if (!lab_case_shows(res.verdict, expect))
		t_fail(t, "%s: %s instead of %s (%s)", line, lab_verdicts[res.verdict].name,
		       lab_verdicts[expect].name, res.summary.first.why);
}

/* What every case must be in its correct form, and what its mutants must show. */
static void each_case(struct ktest *t, const char *strategy, bool mutants)
{
	const struct lab_case *c;
	char line[128];

	for_each_registered(lab_case, c) {
		if (c->slow || c->kind)
			continue;
		if (!mutants && !c->wrong) {
			snprintf(line, sizeof(line), "case=%s actors=%u strategy=%s", c->name,
				 max(2u, c->actors_min), strategy);
			expect_verdict(t, line, LV_SAFE);
		}
		for (unsigned i = 0; mutants && c->mutants && c->mutants[i].name; i++) {
			const struct lab_mutant *m = &c->mutants[i];

			snprintf(line, sizeof(line), "case=%s mutant=%s strategy=%s", c->name,
				 m->name, strategy);
			expect_verdict(t, line, m->expect);
			t_expect(t, res.reproduced);
			t_note(t, "%s %s: %s in schedule %lu", c->name, m->name,
			       lab_verdicts[res.verdict].name, res.summary.first_run + 1);
		}
	}
}

KTEST(lab, random_finds_every_mutant, KT_UNIT)
{
	each_case(t, "random:10000", true);
}

KTEST(lab, bounded_finds_every_mutant, KT_UNIT)
{
	each_case(t, "bounded:2", true);
}

KTEST(lab, random_accepts_what_is_correct, KT_UNIT)
{
	each_case(t, "random:1000", false);
}

/* Cases that only vtime looks at take more steps than a short test has time for. */
static bool too_long(const struct lab_case *c)
{
	return strncmp(c->name, "scale-", 6) == 0;
}

KTEST(lab, bounded_completes_on_what_is_correct, KT_UNIT)
{
	const struct lab_case *c;
	char line[96];

	for_each_registered(lab_case, c) {
		if (c->wrong || c->slow || too_long(c) || c->kind)
			continue;
		snprintf(line, sizeof(line), "case=%s actors=2 strategy=bounded:2", c->name);
		expect_verdict(t, line, LV_SAFE);
		t_expect(t, res.complete);
		t_note(t, "%s: %lu schedules in %u passes", c->name, res.summary.runs, res.passes);
	}
}

/* ---- what one run does stays in it ---- */

/* A bad scenario found, replayed, and its whole trace boiled down. */
struct fingerprint {
	u64 runs, points, lines, hash;
	char why[LAB_WHY_MAX];
};

static struct fingerprint *taking;

static void take_line(const char *line)
{
	for (; *line; line++)
		taking->hash = (taking->hash ^ (u8)*line) * 0x100000001b3ull;
	taking->lines++;
}

static void take_fingerprint(struct ktest *t, struct fingerprint *f)
{
	struct lab_print print = {.line = take_line};
	static char schedule[LAB_SCHEDULE_MAX];
	char why[160];

	search(t, "case=rcu mutant=early-free strategy=random:10000 seed=3");
	t_expect_eq(t, res.verdict, LV_UAF);
	t_assert(t, res.schedule != NULL);
	*f = (struct fingerprint){.runs = res.summary.runs, .points = res.summary.points};
	strlcpy(f->why, res.summary.first.why, sizeof(f->why));
	strlcpy(schedule, res.schedule, sizeof(schedule));
	taking = f;
	if (lab_replay(&sc, schedule, &res, &print, why, sizeof(why)) != 0)
		t_fail(t, "replay: %s", why);
	t_expect_gt(t, f->lines, 5);
}

/* Worlds that end badly in every way there is; each is followed by the first scenario again. */
KTEST(lab, a_wrecked_world_has_no_consequences, KT_UNIT)
{
	static const struct {
		const char *line;
		enum lab_verdict verdict;
	} bad[] = {
		{"case=vandal strategy=random:3", LV_CORRUPT},
		{"case=vandal mutant=wild strategy=random:3", LV_CORRUPT},
		{"case=vandal mutant=null strategy=random:3", LV_NULL},
		{"case=vandal mutant=marker strategy=random:3", LV_MARKER},
		{"case=pair mutant=abba strategy=random:1000", LV_DEADLOCK},
		{"case=ref mutant=missing-put strategy=random:10", LV_LEAK},
		{"case=shootdown mutant=dropped-flush strategy=random:1000", LV_STALE},
		{"case=handshake mutant=no-point strategy=random:10", LV_STALL},
		{"case=handshake mutant=never steps=5000 strategy=random:10", LV_STALL},
	};
	static struct fingerprint first, again;
	bool verify = lab_world_verify;

	lab_world_verify = true;
	take_fingerprint(t, &first);
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		expect_verdict(t, bad[i].line, bad[i].verdict);
		take_fingerprint(t, &again);
		t_expect_eq(t, again.runs, first.runs);
		t_expect_eq(t, again.points, first.points);
		t_expect_eq(t, again.lines, first.lines);
		t_expect_eq(t, again.hash, first.hash);
		t_expect_str_eq(t, again.why, first.why);
	}
	lab_world_verify = verify;
}

/* `set world_verify on` sees a restore that leaves out a single page. */
KTEST(lab, a_restore_that_forgets_a_page_is_told, KT_UNIT)
{
	bool verify = lab_world_verify;
	char why[160] = "";
	int err;

	parse(t, "case=counter strategy=random:200");
	lab_world_verify = true;
	world_forgets_a_page = true;
	err = lab_search(&sc, &res, false, why, sizeof(why));
	world_forgets_a_page = false;
	t_expect_eq(t, err, -EIO);
	t_expect(t, strstr(why, "differs from its snapshot") != NULL);
	err = lab_search(&sc, &res, false, why, sizeof(why));
	lab_world_verify = verify;
	t_expect_eq(t, err, 0);
	t_expect_eq(t, res.verdict, LV_SAFE);
}

/* The same search, run by run, whether somebody is asked at each point or only where it matters. */
static void expect_same_unasked(struct ktest *t, const char *line)
{
	static char schedule[LAB_SCHEDULE_MAX];
	struct lab_result asked;
	char why[256];
	int err;

	parse(t, line);
	lockstep_stretches = false;
	err = lab_search(&sc, &asked, false, why, sizeof(why));
	lockstep_stretches = true;
	t_expect_eq(t, err, 0);
	strlcpy(schedule, asked.schedule ? asked.schedule : "", sizeof(schedule));
	search(t, line);
	t_expect_eq(t, res.verdict, asked.verdict);
	t_expect_eq(t, res.summary.runs, asked.summary.runs);
	t_expect_eq(t, res.summary.points, asked.summary.points);
	t_expect_eq(t, res.summary.decisions, asked.summary.decisions);
	t_expect(t, strcmp(schedule, res.schedule ? res.schedule : "") == 0);
	t_expect(t, strcmp(res.summary.first.why, asked.summary.first.why) == 0);
	t_expect_eq(t, res.reproduced, asked.reproduced);
}

KTEST(lab, stretches_change_nothing, KT_UNIT)
{
	static const char *const lines[] = {
		"case=counter strategy=random:200",
		"case=rcu strategy=random:100",
		"case=ref mutant=early-free strategy=random:300",
		"case=rcu mutant=no-grace strategy=random:300",
		"case=percpu mutant=no-period strategy=random:300",
		"case=mailbox strategy=pct:3:100",
		"case=rwsem strategy=bounded:1",
		"case=pair mutant=abba strategy=bounded:2",
	};

	for (unsigned i = 0; i < ARRAY_SIZE(lines); i++)
		expect_same_unasked(t, lines[i]);
}

static void note_fired(struct timer *timer)
{
	__atomic_store_n((u32 *)(timer + 1), 1, __ATOMIC_RELEASE);
}

/* The lab's watchdog borrows the CPU's timer; without it back nobody here would ever wake again. */
KTEST(lab, timers_of_the_system_go_on_after_a_world, KT_UNIT)
{
	struct {
		struct timer timer;
		u32 fired;
	} waiting = {.fired = 0};
	u64 end;

	timer_setup(&waiting.timer, note_fired);
	mod_timer(&waiting.timer, time_ns() + 5 * NSEC_PER_MSEC);
	search(t, "case=counter strategy=random:20");
	end = clock_ns() + 120 * NSEC_PER_SEC; /* it hangs; a stalled host is slow */
	while (!__atomic_load_n(&waiting.fired, __ATOMIC_ACQUIRE) && clock_ns() < end)
		__asm__ volatile("pause");
	t_expect_eq(t, waiting.fired, 1);
	del_timer_sync(&waiting.timer);
}

static void measure(struct ktest *t, const char *name, u64 vtime[SCALING_SIZES])
{
	char why[256];

	for (unsigned i = 0; i < SCALING_SIZES; i++)
		if (scaling_measure(name, scaling_vcpus[i], &vtime[i], why, sizeof(why)) != 0)
			t_fail(t, "%s", why);
	t_note(t, "%s: %lu %lu %lu %lu", name, vtime[0], vtime[1], vtime[2], vtime[3]);
}

/* Virtual time counts instructions, so it needs the clock that counts them. */
KTEST(lab, vtime_has_the_shapes_it_must_have, KT_UNIT)
{
	u64 lock[SCALING_SIZES], own[SCALING_SIZES], reader[SCALING_SIZES], mostly[SCALING_SIZES];
	u64 again[SCALING_SIZES];

	if (!clock_is_insn())
		t_skip(t, "virtual time needs --clock insn");
	measure(t, "scale-lock", lock);
	measure(t, "scale-percpu", own);
	measure(t, "scale-reader", reader);
	measure(t, "scale-mostly", mostly);
	measure(t, "scale-mostly", again);
	for (unsigned i = 0; i < SCALING_SIZES; i++) {
		u64 more = scaling_vcpus[i] / scaling_vcpus[0];

		/* A lock serialises; a counter of one's own, and readers, notice nobody. */
		t_expect_ge(t, lock[i] * 10, lock[0] * more * 9);
		t_expect_le(t, own[i], own[0] + own[0] / 10);
		t_expect_le(t, reader[i], reader[0] + reader[0] / 10);
		t_expect_gt(t, mostly[i], reader[i]);
		t_expect_eq(t, again[i], mostly[i]);
	}
	/* A writer stops all readers, and wakes them one by one: more than in proportion. */
	t_expect_lt(t, mostly[0], lock[0]);
	t_expect_gt(t, mostly[3], 4 * mostly[2]);
}
