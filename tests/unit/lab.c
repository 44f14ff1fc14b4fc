/*
 * lab.c - the lab judged from inside: every mutant found, nothing found where nothing is wrong, a
 * wrecked world without consequences, virtual time with the shapes it must have.
 *
 * Not here: replay identity over machines and long searches (tests/guest, `make lab`).
 */
#include <stdio.h>
#include <string.h>

#include "kernel/core/clock.h"
#include "kernel/sched/timer.h"
#include "tests/ktest.h"
#include "tests/lab/case.h"
#include "tests/lab/world.h"

static struct scenario sc;
static struct lab_result res;

/* Search "locks WORDS" and leave the result in res. */
static void search(struct ktest *t, const char *line)
{
	static char words[256];
	char *argv[16], why[256], *save = NULL;
	int argc = 0;

	if (world_arena_bytes() == 0)
		t_skip(t, "no lab arena on this machine");
	snprintf(words, sizeof(words), "locks %s", line);
	for (char *w = strtok_r(words, " ", &save); w && argc < 16; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	if (scenario_parse(&sc, argc, argv, why, sizeof(why)) != 0 ||
	    lab_search(&sc, &res, false, why, sizeof(why)) != 0)
		t_fail(t, "%s: %s", line, why);
}

static void expect_verdict(struct ktest *t, const char *line, enum lab_verdict expect)
{
	search(t, line);
	t_count_check(t);
	if (res.verdict != expect)
		t_fail(t, "%s: %s instead of %s (%s)", line, lab_verdicts[res.verdict].name,
		       lab_verdicts[expect].name, res.summary.first.why);
}

/* What every case must be in its correct form, and what its mutants must show. */
static void each_case(struct ktest *t, const char *strategy, bool mutants)
{
	const struct lab_case *c;
	char line[128];

	for_each_registered(lab_case, c) {
		if (!mutants && strcmp(c->name, "vandal") != 0) {
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

KTEST(lab, bounded_completes_on_what_is_correct, KT_UNIT)
{
	static const char *const cases[] = {"counter", "mailbox", "pair", "ref"};
	char line[96];

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		snprintf(line, sizeof(line), "case=%s strategy=bounded:1", cases[i]);
		expect_verdict(t, line, LV_SAFE);
		t_expect(t, res.complete);
		t_note(t, "%s: %lu schedules in %u passes", cases[i], res.summary.runs, res.passes);
	}
}

/* The first schedule of a search, as text, says what its world looked like. */
static void fingerprint(struct ktest *t, char *buf, size_t len)
{
	search(t, "case=rcu mutant=early-free strategy=random:10000 seed=3");
	t_expect_eq(t, res.verdict, LV_UAF);
	snprintf(buf, len, "%lu %lu %s %.300s", res.summary.runs, res.summary.points,
		 res.summary.first.why, res.schedule ? res.schedule : "none");
}

KTEST(lab, a_wrecked_world_has_no_consequences, KT_UNIT)
{
	char before[512], after[512];

	lab_world_verify = true;
	fingerprint(t, before, sizeof(before));
	expect_verdict(t, "case=vandal strategy=random:3", LV_CORRUPT);
	fingerprint(t, after, sizeof(after));
	lab_world_verify = false;
	t_expect_str_eq(t, before, after);
}

static u64 last_actor_done(struct ktest *t, const char *name, unsigned actors)
{
	char line[96];

	snprintf(line, sizeof(line), "case=%s actors=%u cpus=%u strategy=vtime", name, actors,
		 actors);
	expect_verdict(t, line, LV_SAFE);
	return res.vtime;
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
	end = clock_ns() + 5 * NSEC_PER_SEC;
	while (!__atomic_load_n(&waiting.fired, __ATOMIC_ACQUIRE) && clock_ns() < end)
		__asm__ volatile("pause");
	t_expect_eq(t, waiting.fired, 1);
	del_timer_sync(&waiting.timer);
}

/* Virtual time counts instructions, so it needs the clock that counts them. */
KTEST(lab, vtime_has_the_shapes_it_must_have, KT_UNIT)
{
	u64 lock[2], own[2], reader[2];

	if (!clock_is_insn())
		t_skip(t, "virtual time needs --clock insn");
	for (unsigned i = 0; i < 2; i++) {
		unsigned actors = i ? 16 : 2;

		lock[i] = last_actor_done(t, "scale-lock", actors);
		own[i] = last_actor_done(t, "scale-percpu", actors);
		reader[i] = last_actor_done(t, "scale-reader", actors);
		t_note(t, "%2u vCPUs: lock %lu, per vCPU %lu, reader %lu", actors, lock[i], own[i],
		       reader[i]);
	}
	/* Eight times the vCPUs: a lock serialises, a counter of one's own does not notice. */
	t_expect_ge(t, lock[1], 7 * lock[0]);
	t_expect_le(t, own[1], own[0] + own[0] / 4);
	t_expect_lt(t, reader[1], lock[1] / 2);
	t_expect_eq(t, last_actor_done(t, "scale-lock", 16), lock[1]);
}
