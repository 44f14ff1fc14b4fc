/*
 * strategy_random.c - searches by chance: random:N and pct:D:N.
 *
 * Every run has its own stream of numbers, drawn from the seed and the run's number, so a run can
 * be told by these two. Pure: compiles on the host.
 *
 * pct: every entity draws a priority, and of the choices the highest goes next. At D - 1 decisions
 * drawn beforehand, whoever runs falls below everybody else. A bug that needs D ordered events in k
 * decisions of n entities is missed by one run with probability at most 1 - 1 / (n * k^(D-1)).
 *
 * random: one run in two looks at the choices at every, every second or every eighth decision on
 * average and then takes any of them; the other half are pct runs with D = 2 or 3. The first kind
 * finds tight races, the second holds threads up for long.
 */
#include "tests/lab/strategy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RUNS_MAX  1000000000ull
#define AHEAD_MAX 16u /* decisions drawn ahead */

/* splitmix64: every 64-bit seed gives a full-period stream. */
static u64 mix(u64 z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static unsigned below(u64 *rng, unsigned n)
{
	*rng += 0x9e3779b97f4a7c15ull;
	return (unsigned)(((mix(*rng) >> 32) * n) >> 32);
}

unsigned lab_rng_below(struct lab_strategy *s, unsigned n)
{
	return below(&s->rng, n);
}

static void begin_stream(struct lab_strategy *s, u64 run)
{
	s->rng = s->seed ^ (run * 0xd1342543de82ef95ull);
	s->run_decisions = 0;
}

static const char *parse_number(const char *text, u64 limit, u64 *val)
{
	char *end;

	if (!text || *text < '0' || *text > '9')
		return NULL;
	*val = strtoull(text, &end, 10);
	return *val >= 1 && *val <= limit ? end : NULL;
}

const char *lab_strategy_count(const char *text, u64 *val)
{
	return parse_number(text, RUNS_MAX, val);
}

/* ---- priorities ---- */

/* Draw who is above whom in this run, and when that changes. */
static void begin_priorities(struct lab_strategy *s, unsigned depth)
{
	/* Runs differ in length: the longest seen so far is what change points are drawn from. */
	unsigned span = s->longest ? s->longest : 64;

	s->salt = mix(s->rng);
	s->nr_demoted = 0;
	s->nr_changes = depth - 1;
	for (unsigned i = 0; i < s->nr_changes; i++)
		s->change_at[i] = lab_rng_below(s, span);
}

/* Entities demoted first are above those demoted later, and all of them below the rest. */
static u64 priority(const struct lab_strategy *s, const struct lab_choice *c)
{
	u64 who = c->entity * 2u + c->irq;

	for (unsigned i = 0; i < s->nr_demoted; i++)
		if (s->demoted[i] == who)
			return LAB_CHANGES_MAX - i;
	return mix(s->salt ^ who * 0x9e3779b97f4a7c15ull) | 1ull << 63;
}

static unsigned highest(const struct lab_strategy *s, const struct lab_decision *d)
{
	u64 most = priority(s, &d->opt[0]);
	unsigned best = 0;

	for (unsigned i = 1; i < d->nr; i++) {
		u64 mine = priority(s, &d->opt[i]);

		if (mine <= most)
			continue;
		most = mine;
		best = i;
	}
	return best;
}

static unsigned choose_by_priority(struct lab_strategy *s, const struct lab_decision *d)
{
	for (unsigned i = 0; i < s->nr_changes; i++) {
		if (s->change_at[i] != s->run_decisions || s->nr_demoted == LAB_CHANGES_MAX)
			continue;
		s->demoted[s->nr_demoted++] =
			(u16)(d->opt[highest(s, d)].entity * 2u + d->opt[highest(s, d)].irq);
	}
	s->run_decisions++;
	return highest(s, d);
}

/* The same choices have the same highest, until somebody falls. */
static unsigned priority_repeats(struct lab_strategy *s, const struct lab_decision *d,
				 unsigned pick, unsigned most)
{
	(void)d;
	(void)pick;
	for (unsigned i = 0; i < s->nr_changes; i++)
		if (s->change_at[i] >= s->run_decisions)
			most = min(most, s->change_at[i] - s->run_decisions);
	return most;
}

static void priority_passed(struct lab_strategy *s, unsigned nr)
{
	s->run_decisions += nr;
}

static bool end_run(struct lab_strategy *s, bool grown)
{
	(void)grown;
	s->longest = max(s->longest, s->run_decisions);
	return ++s->runs_done < s->runs_wanted;
}

/* ---- random:N ---- */

static int random_parse(struct lab_strategy *s, const char *args, const char **why)
{
	const char *end = lab_strategy_count(args, &s->runs_wanted);

	*why = "random:N with N schedules, 1 to 1000000000";
	return end && *end == '\0' ? 0 : -EINVAL;
}

static void random_begin(struct lab_strategy *s, u64 run)
{
	static const unsigned every[] = {1, 2, 8};
	unsigned kind;

	begin_stream(s, run);
	kind = lab_rng_below(s, 6);
	s->look_every = kind < 3 ? every[kind] : 0;
	if (kind >= 3)
		begin_priorities(s, kind == 3 ? 3 : 2);
}

/* One decision of the first kind, by the numbers of @rng; @cur: who runs, -1: cannot go on. */
static unsigned look(const struct lab_strategy *s, u64 *rng, unsigned nr, int cur)
{
	if (cur >= 0 && below(rng, s->look_every) != 0)
		return (unsigned)cur;
	return below(rng, nr);
}

static unsigned random_choose(struct lab_strategy *s, const struct lab_decision *d)
{
	if (s->look_every == 0)
		return choose_by_priority(s, d);
	s->run_decisions++;
	return look(s, &s->rng, d->nr, d->cur);
}

/* Draws ahead. Few of the decisions asked about will come: the choices change. */
static unsigned random_repeats(struct lab_strategy *s, const struct lab_decision *d, unsigned pick,
			       unsigned most)
{
	u64 rng = s->rng;

	if (s->look_every == 0)
		return priority_repeats(s, d, pick, most);
	s->choices = d->nr;
	s->stays_at = pick;
	most = min(most, AHEAD_MAX);
	for (s->ahead = 0; s->ahead < most; s->ahead++) {
		u64 next = rng;

		if (look(s, &next, d->nr, (int)pick) != pick)
			break;
		rng = next;
	}
	s->rng_ahead = rng;
	return s->ahead;
}

static void random_passed(struct lab_strategy *s, unsigned nr)
{
	s->run_decisions += nr;
	if (s->look_every == 0)
		return;
	if (nr == s->ahead)
		s->rng = s->rng_ahead;
	else
		for (; nr > 0; nr--)
			look(s, &s->rng, s->choices, (int)s->stays_at);
}

const struct lab_strategy_ops strategy_random = {
	.name = "random",
	.usage = "random:N       N schedules: half switch often, half hold threads up",
	.parse = random_parse,
	.begin = random_begin,
	.choose = random_choose,
	.repeats = random_repeats,
	.passed = random_passed,
	.end = end_run,
};

/* ---- pct:D:N ---- */

static int pct_parse(struct lab_strategy *s, const char *args, const char **why)
{
	u64 depth = 0;
	const char *end = parse_number(args, LAB_CHANGES_MAX + 1, &depth);

	*why = "pct:D:N with depth D, 1 to 9, and N schedules, 1 to 1000000000";
	if (!end || *end != ':')
		return -EINVAL;
	end = lab_strategy_count(end + 1, &s->runs_wanted);
	s->bound = (unsigned)depth;
	return end && *end == '\0' ? 0 : -EINVAL;
}

static void pct_begin(struct lab_strategy *s, u64 run)
{
	begin_stream(s, run);
	begin_priorities(s, s->bound);
}

static unsigned pct_choose(struct lab_strategy *s, const struct lab_decision *d)
{
	for (unsigned i = 0; i < d->nr; i++) {
		unsigned who = d->opt[i].entity * 2u + d->opt[i].irq;
		u64 bit = 1ull << who % 64;

		s->nr_offered += !(s->offered[who / 64] & bit);
		s->offered[who / 64] |= bit;
	}
	return choose_by_priority(s, d);
}

/* Fixed point: @a and @b are parts of ONE, and so is the product, never below the true one. */
#define ONE (1ull << 63)
static u64 times(u64 a, u64 b)
{
	unsigned __int128 product = (unsigned __int128)a * b + (ONE - 1);

	return (u64)(product >> 63);
}

u32 pct_miss(u64 nr, u64 decisions, unsigned depth, u64 runs)
{
	u64 schedules = nr, miss = ONE, one_run;

	for (unsigned i = 1; i < depth; i++)
		schedules = schedules > ONE / decisions ? ONE : schedules * decisions;
	one_run = ONE - ONE / schedules;
	for (; runs; runs /= 2) {
		if (runs % 2)
			miss = times(miss, one_run);
		one_run = times(one_run, one_run);
	}
	return (u32)(((unsigned __int128)miss * 1000000 + ONE / 2) / ONE);
}

const struct lab_strategy_ops strategy_pct = {
	.name = "pct",
	.usage = "pct:D:N        N schedules by priorities that change D - 1 times",
	.parse = pct_parse,
	.begin = pct_begin,
	.choose = pct_choose,
	.repeats = priority_repeats,
	.passed = priority_passed,
	.end = end_run,
};
