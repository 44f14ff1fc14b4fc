/*
 * test_shrink.c - schedules of toy actors made short: as short as the shortest of all, found by
 * trying every one; never longer, never another verdict, never more tries than allowed.
 */
#include "tests/host/htest.h"
#include "tests/host/lab/toy.h"
#include "tests/lab/shrink.h"

#define SEGMENTS 256

/* Actors that load a shared word and store it plus one, so often each. */
struct adders {
	struct toy toy;
	unsigned tries_left;
};

/* Did the interleaving lose an update? */
static bool loses(const struct toy *t)
{
	unsigned value = 0, loaded[TOY_ACTORS] = {0}, done[TOY_ACTORS] = {0}, steps = 0;

	for (const char *p = t->trace; *p; p++, steps++) {
		unsigned who = (unsigned)(*p - 'a');

		if (done[who]++ % 2 == 0)
			loaded[who] = value;
		else
			value = loaded[who] + 1;
	}
	return value < steps / 2;
}

static const struct lab_schedule *shows(struct shrink *s)
{
	struct adders *a = s->arg;
	struct lab_strategy script;
	const char *why;

	h_assert_eq(lab_strategy_parse(&script, "script:x", 1, &why), 0);
	script.script = s->wish.seg;
	script.nr_script = s->wish.nr;
	toy_run(&a->toy, &script, 0);
	return loses(&a->toy) ? &a->toy.sched : NULL;
}

static bool goes_on(struct shrink *s)
{
	struct adders *a = s->arg;

	return a->tries_left-- > 0;
}

static void make_adders(struct adders *a, unsigned nr, struct lab_strategy *s, const char *word,
			u64 seed)
{
	*a = (struct adders){.toy.nr_actors = nr, .tries_left = 1000};
	for (unsigned i = 0; i < nr; i++) {
		a->toy.nr_steps[i] = 4;
		for (unsigned j = 0; j < 4; j++)
			a->toy.obj[i][j] = 7;
	}
	toy_init(&a->toy, s, word, seed);
}

/* Fewest switches of all schedules that lose an update. */
static unsigned fewest(unsigned nr)
{
	struct lab_strategy s;
	struct adders a;
	unsigned least = ~0u;
	bool more = true;

	make_adders(&a, nr, &s, "bounded:4", 1);
	for (u64 run = 0; more; run++) {
		toy_run(&a.toy, &s, run);
		if (loses(&a.toy))
			least = min(least, schedule_switches(&a.toy.sched));
		more = s.ops->end(&s, a.toy.set.grown);
		a.toy.set.grown = false;
	}
	h_expect(s.complete);
	return least;
}

/* A failing run of @a under @s by @run; false: it does not fail. */
static bool fails(struct adders *a, struct lab_strategy *s, u64 run, struct shrink *k)
{
	static struct lab_segment best[SEGMENTS], wish[SEGMENTS];

	toy_run(&a->toy, s, run);
	s->ops->end(s, false);
	*k = (struct shrink){.best = {.seg = best, .max = SEGMENTS},
			     .wish = {.seg = wish, .max = SEGMENTS},
			     .shows = shows,
			     .goes_on = goes_on,
			     .arg = a};
	schedule_copy(&k->best, &a->toy.sched);
	return loses(&a->toy);
}

HTEST(shrunk_is_as_short_as_the_shortest)
{
	/* One actor stands between its load and its store while another does both. */
	static const unsigned by_hand[] = {[2] = 1, [3] = 2};

	for (unsigned nr = 2; nr <= 3; nr++) {
		unsigned least = fewest(nr), failed = 0;
		struct lab_strategy s;
		struct adders a;

		h_expect_eq(least, by_hand[nr]);
		make_adders(&a, nr, &s, "random:200", 5);
		for (u64 run = 0; run < 200; run++) {
			struct shrink k;

			a.tries_left = 1000;
			if (!fails(&a, &s, run, &k))
				continue;
			shrink_schedule(&k);
			h_expect(!k.ended);
			h_expect_eq(schedule_switches(&k.best), least);
			failed++;
			/* What came out is a fact: followed to the letter it loses again. */
			schedule_copy(&k.wish, &k.best);
			h_expect(shows(&k) != NULL);
			h_expect_eq(schedule_switches(&a.toy.sched), least);
		}
		h_expect(failed > 50);
	}
}

HTEST(shrinking_ends_with_its_budget)
{
	struct lab_strategy s;
	struct adders a;
	struct shrink k;
	unsigned before;
	u64 run = 0;

	make_adders(&a, 3, &s, "random:200", 5);
	while (!fails(&a, &s, run, &k) || schedule_switches(&k.best) < 5)
		run++;
	before = schedule_switches(&k.best);
	a.tries_left = 0;
	shrink_schedule(&k);
	h_expect(k.ended);
	h_expect_eq(k.runs, 0);
	h_expect_eq(schedule_switches(&k.best), before);
	k.ended = false;
	a.tries_left = 3;
	shrink_schedule(&k);
	h_expect(k.ended);
	h_expect_eq(k.runs, 3);
	h_expect(schedule_switches(&k.best) <= before);
}
