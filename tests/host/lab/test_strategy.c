/*
 * test_strategy.c - the strategies on toy actors: counts known by hand, every schedule once.
 */
#include "tests/host/htest.h"
#include "tests/host/lab/toy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Runs of a whole search; asserts that no interleaving came twice within the last pass. */
static unsigned search(struct toy *t, struct lab_strategy *s)
{
	static char seen[4096][TOY_ACTORS * TOY_STEPS + 1];
	unsigned nr = 0, passes = 1;
	bool grown;
	u64 run = 0;

	do {
		toy_run(t, s, run++);
		if (s->passes != passes) {
			passes = s->passes;
			nr = 0;
		}
		h_assert(nr < 4096);
		strcpy(seen[nr++], t->trace);
		grown = t->set.grown;
		t->set.grown = false;
	} while (s->ops->end(s, grown));
	qsort(seen, nr, sizeof(seen[0]), by_text);
	for (unsigned i = 1; i < nr; i++)
		h_expect(strcmp(seen[i - 1], seen[i]) != 0);
	return nr;
}

/* Two actors of three steps on one object: all C(6,3) = 20 interleavings, and fewer by bound. */
HTEST(bounded_counts_known_by_hand)
{
	static const unsigned expect[] = {2, 6, 14, 18, 20};

	for (unsigned bound = 0; bound < 5; bound++) {
		struct toy t = {.nr_actors = 2, .nr_steps = {3, 3}};
		struct lab_strategy s;
		char word[16];

		for (unsigned i = 0; i < 3; i++)
			t.obj[0][i] = t.obj[1][i] = 7;
		snprintf(word, sizeof(word), "bounded:%u", bound);
		toy_init(&t, &s, word, 1);
		h_expect_eq(search(&t, &s), expect[bound]);
		h_expect(s.complete);
		h_expect(!s.overflow && !s.diverged);
	}
}

/* At most so many of them; all there are is complete, if it is as many. */
HTEST(bounded_ends_after_a_number_of_schedules)
{
	struct toy t = {.nr_actors = 2, .nr_steps = {3, 3}, .obj = {{7, 7, 7}, {7, 7, 7}}};
	u64 all = 0;

	for (u64 most = 1; !all; most++) {
		struct lab_strategy s;
		char word[16];

		snprintf(word, sizeof(word), "bounded:1:%u", (unsigned)most);
		toy_init(&t, &s, word, 1);
		search(&t, &s);
		h_expect_eq(s.runs_done, most);
		if (s.complete)
			all = most;
		h_assert(most < 200);
	}
	h_expect(all > 6); /* all of the last pass, and the short ones before it */
}

/* Actors that never meet: only the order in which they begin and end is left. */
HTEST(bounded_does_not_preempt_where_nobody_meets)
{
	struct toy t = {.nr_actors = 3, .nr_steps = {4, 4, 4}};
	struct lab_strategy s;

	for (unsigned a = 0; a < 3; a++)
		for (unsigned i = 0; i < 4; i++)
			t.obj[a][i] = 10 * a + i;
	toy_init(&t, &s, "bounded:2", 1);
	h_expect_eq(search(&t, &s), 6);
	h_expect_eq(s.passes, 4);
}

/* One shared object in the middle: found in the first pass, used in the second. */
HTEST(bounded_learns_the_shared_object)
{
	struct toy t = {.nr_actors = 2, .nr_steps = {3, 3}};
	struct lab_strategy s;
	unsigned nr;

	for (unsigned i = 0; i < 3; i++) {
		t.obj[0][i] = i == 1 ? 99 : i;
		t.obj[1][i] = i == 1 ? 99 : 10 + i;
	}
	toy_init(&t, &s, "bounded:1", 1);
	nr = search(&t, &s);
	h_expect(s.passes >= 2);
	/* Two orders, and one preemption before the shared step of whoever began. */
	h_expect_eq(nr, 4);
	h_expect(s.complete);
}

HTEST(random_repeats_from_its_seed_and_covers_all)
{
	struct toy t = {.nr_actors = 2, .nr_steps = {3, 3}};
	char first[64][32];
	unsigned different = 0;

	for (unsigned round = 0; round < 2; round++) {
		struct lab_strategy s;
		bool more = true;

		toy_init(&t, &s, "random:64", 5);
		for (u64 run = 0; more; run++) {
			toy_run(&t, &s, run);
			if (round == 0)
				strcpy(first[run], t.trace);
			else
				h_expect_str(first[run], t.trace);
			more = s.ops->end(&s, false);
		}
		h_expect_eq(s.runs_done, 64);
	}
	qsort(first, 64, sizeof(first[0]), by_text);
	for (unsigned i = 1; i < 64; i++)
		different += strcmp(first[i - 1], first[i]) != 0;
	h_expect(different >= 12);
}

/* Depth 1: one order of the actors for the whole run, and every order comes up. */
HTEST(pct_of_depth_one_never_preempts)
{
	struct toy t = {.nr_actors = 3, .nr_steps = {2, 2, 2}};
	char seen[128][32];
	struct lab_strategy s;
	unsigned different = 1;
	bool more = true;

	toy_init(&t, &s, "pct:1:128", 3);
	for (u64 run = 0; more; run++) {
		toy_run(&t, &s, run);
		for (unsigned i = 0; i < 6; i += 2)
			h_expect_eq(t.trace[i], t.trace[i + 1]);
		strcpy(seen[run], t.trace);
		more = s.ops->end(&s, false);
	}
	h_expect_eq(s.nr_offered, 3);
	qsort(seen, 128, sizeof(seen[0]), by_text);
	for (unsigned i = 1; i < 128; i++)
		different += strcmp(seen[i - 1], seen[i]) != 0;
	h_expect_eq(different, 6);
}

/* By hand: (1 - 1 / (entities * decisions^(depth-1)))^runs. */
HTEST(pct_misses_no_more_often_than_by_hand)
{
	h_expect_eq(pct_miss(1, 1, 1, 1), 0);
	h_expect_eq(pct_miss(2, 10, 1, 10), 977);	/* 1/1024 */
	h_expect_eq(pct_miss(2, 5, 2, 2), 810000);	/* 0.9^2 */
	h_expect_eq(pct_miss(3, 100, 3, 1), 999967);	/* 1 - 1/30000 */
	h_expect_eq(pct_miss(3, 100, 3, 30000), 367873); /* nearly 1/e */
	h_expect_eq(pct_miss(2, 7, 3, 0), 1000000);
	h_expect_eq(pct_miss(10, 1000000, 9, 1000), 1000000); /* far beyond 2^63 schedules */
	for (u64 runs = 1; runs < 1000000; runs *= 3)
		h_expect(pct_miss(4, 50, 2, 3 * runs) <= pct_miss(4, 50, 2, runs));
}

/* Every run's trace, one after the other, with or without stretches. */
static unsigned all_runs(struct toy *t, const char *word, u64 seed, bool stretches, char *traces,
			 size_t len)
{
	struct lab_strategy s;
	bool more = true;
	size_t at = 0;
	u64 run;

	t->stretches = stretches;
	toy_init(t, &s, word, seed);
	for (run = 0; more; run++) {
		bool grown;

		toy_run(t, &s, run);
		at += (size_t)snprintf(traces + at, len - at, "%s,", t->trace);
		h_assert(at < len);
		grown = t->set.grown;
		t->set.grown = false;
		more = s.ops->end(&s, grown);
	}
	return (unsigned)run;
}

/* What is passed unasked is what would have been answered, and draws what the answer drew. */
HTEST(stretches_change_nothing)
{
	static const char *const words[] = {"random:300", "pct:3:100", "bounded:2", "bounded:3"};
	static char asked[1 << 20], unasked[1 << 20];

	for (unsigned i = 0; i < 8 * ARRAY_SIZE(words); i++) {
		struct toy t = {.nr_actors = 3, .nr_steps = {6, 4, 5}};
		const char *word = words[i % ARRAY_SIZE(words)];
		u64 seed = 1 + i / ARRAY_SIZE(words);
		unsigned nr;

		for (unsigned a = 0; a < 3; a++)
			for (unsigned j = 0; j < t.nr_steps[a]; j++)
				t.obj[a][j] = (seed + j) % 3 ? 10 * a + j : 99;
		nr = all_runs(&t, word, seed, false, asked, sizeof(asked));
		h_expect_eq(all_runs(&t, word, seed, true, unasked, sizeof(unasked)), nr);
		h_expect(strcmp(asked, unasked) == 0);
	}
}

HTEST(replay_gives_the_run_and_refuses_another)
{
	struct toy t = {.nr_actors = 3, .nr_steps = {4, 3, 5}};
	struct lab_segment copy[64];
	struct lab_strategy s, r;
	char trace[64], text[256];
	struct lab_schedule parsed = {.seg = copy, .max = 64};
	const char *bad;

	toy_init(&t, &s, "random:1", 77);
	toy_run(&t, &s, 0);
	strcpy(trace, t.trace);
	h_assert(schedule_format(&t.sched, text, sizeof(text)) < sizeof(text));
	h_assert_eq(schedule_parse(&parsed, text, &bad), 0);

	toy_init(&t, &r, "replay:x", 1);
	r.script = copy;
	r.nr_script = parsed.nr;
	toy_run(&t, &r, 0);
	h_expect_str(trace, t.trace);
	h_expect(!r.ops->end(&r, false));
	h_expect(!r.diverged);

	t.nr_steps[2] = 1; /* another program: the recorded schedule no longer fits */
	toy_run(&t, &r, 0);
	h_expect(!r.ops->end(&r, false));
	h_expect(r.diverged);
}

HTEST(vtime_runs_the_slowest_clock_first)
{
	struct toy t = {.nr_actors = 2, .nr_steps = {3, 3}};
	struct lab_strategy s;

	toy_init(&t, &s, "vtime", 1);
	toy_run(&t, &s, 0);
	h_expect_str(t.trace, "ababab");
}

HTEST(strategy_words_that_are_refused)
{
	static const char *const bad[] = {
		"",	      "random",	 "random:",    "random:0",   "random:x",
		"random:10x", "bounded", "bounded:9",  "bounded:12", "vtime:3",
		"bounded:1:", "bounded:1:0", "bounded:1:x",  "bounded:1:5:", "bounded:1;5",
		"script",     "script:", "randomly:3", "rand:3",     "random:-1",
		"pct",	      "pct:3",	 "pct:0:5",    "pct:10:5",   "pct:3:0"};

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		struct lab_strategy s = {.seed = 42};
		const char *why = NULL;

		h_expect_eq(lab_strategy_parse(&s, bad[i], 1, &why), -EINVAL);
		h_expect(why && *why);
		h_expect_eq(s.seed, 42);
	}
}

HTEST(schedule_text_round_trip_and_refusals)
{
	static const char *const bad[] = {"",	".", "0*",   "0*0",   "0..1",
					  "0.", "x", "0*5x", "99999", "i"};
	struct lab_segment seg[4];
	struct lab_schedule s = {.seg = seg, .max = 4};
	const char *at;
	char text[64];

	schedule_reset(&s);
	h_expect_eq(schedule_format(&s, text, sizeof(text)), 1);
	h_expect_str(text, "-");
	schedule_add(&s, 0, false);
	schedule_add(&s, 0, false);
	schedule_add(&s, 3, true);
	schedule_add(&s, 3, false);
	schedule_format(&s, text, sizeof(text));
	h_expect_str(text, "0*2.i3.3");
	h_expect_eq(schedule_switches(&s), 2);
	h_expect_eq(schedule_parse(&s, text, &at), 0);
	h_expect_eq(s.nr, 3);
	h_expect_eq(schedule_parse(&s, "0.1.2.3.4", &at), -E2BIG);
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		h_expect_eq(schedule_parse(&s, bad[i], &at), -EINVAL);
}

HTEST(conflict_needs_two_and_a_write)
{
	static struct conflict_slot slots[CONFLICT_SLOTS];
	struct conflict_set c = {.slot = slots};

	conflict_reset(&c);
	conflict_touch(&c, 64, 8, 1, false);
	conflict_touch(&c, 64, 8, 2, false);
	h_expect(!c.grown);
	h_expect(!conflict_meets(&c, 64, 8, 1, false));
	h_expect(conflict_meets(&c, 64, 8, 1, true));
	conflict_touch(&c, 68, 4, 2, true);
	h_expect(c.grown);
	h_expect(conflict_meets(&c, 64, 8, 1, false));
	h_expect(!conflict_meets(&c, 72, 8, 1, true));
	conflict_touch(&c, 72, 8, 1, true);
	h_expect(!conflict_meets(&c, 72, 8, 1, true));
	h_expect(conflict_meets(&c, 60, 16, 2, true));
}
