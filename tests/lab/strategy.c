/*
 * strategy.c - the strategies that are told what to do or need no search: script, replay, vtime;
 * and the parser of a strategy word. Searches: strategy_random.c, strategy_bounded.c.
 *
 * Pure: compiles on the host.
 */
#include "tests/lab/strategy.h"
#include "tests/lab/schedule.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The running thread if it can go on, else the first choice: no preemption. */
static unsigned choose_default(const struct lab_decision *d)
{
	return d->cur >= 0 ? (unsigned)d->cur : 0;
}

/* ---- script and replay: follow a written schedule ---- */

static void script_begin(struct lab_strategy *s, u64 run)
{
	(void)run;
	s->script_pos = 0;
	s->script_used = 0;
	s->diverged = false;
}

/* The choice that the next step of the schedule names; LAB_DIVERGED when it is not on offer. */
static unsigned script_next(struct lab_strategy *s, const struct lab_decision *d)
{
	const struct lab_segment *seg = &s->script[s->script_pos];
	unsigned i;

	for (i = 0; i < d->nr; i++)
		if (d->opt[i].entity == seg->entity && d->opt[i].irq == seg->irq)
			break;
	if (i == d->nr)
		return LAB_DIVERGED;
	if (++s->script_used == seg->count) {
		s->script_pos++;
		s->script_used = 0;
	}
	return i;
}

/* What is left of the segment that the last choice was of. */
static unsigned script_repeats(struct lab_strategy *s, const struct lab_decision *d, unsigned pick,
			       unsigned most)
{
	(void)d;
	(void)pick;
	return s->script_used ? min(s->script[s->script_pos].count - s->script_used, most) : 0;
}

static void script_passed(struct lab_strategy *s, unsigned nr)
{
	if (nr == 0)
		return;
	s->script_used += nr;
	if (s->script_used < s->script[s->script_pos].count)
		return;
	s->script_pos++;
	s->script_used = 0;
}

/* A script is a wish: what it names and cannot have is skipped; after its end nothing preempts. */
static unsigned script_choose(struct lab_strategy *s, const struct lab_decision *d)
{
	while (s->script_pos < s->nr_script) {
		unsigned i = script_next(s, d);

		if (i != LAB_DIVERGED)
			return i;
		s->script_pos++;
		s->script_used = 0;
	}
	return choose_default(d);
}

/* A replay is a fact: anything else than what was recorded ends the run. */
static unsigned replay_choose(struct lab_strategy *s, const struct lab_decision *d)
{
	unsigned i = s->script_pos < s->nr_script ? script_next(s, d) : LAB_DIVERGED;

	s->diverged |= i == LAB_DIVERGED;
	return i;
}

static bool run_once(struct lab_strategy *s, bool grown)
{
	(void)grown;
	s->runs_done++;
	return false;
}

static int script_parse(struct lab_strategy *s, const char *args, const char **why)
{
	(void)s;
	if (!args || !*args) {
		*why = "script:SCHEDULE, such as script:0*5.1*3.0";
		return -EINVAL;
	}
	return 0;
}

const struct lab_strategy_ops strategy_script = {
	.name = "script",
	.usage = "script:SCHED   one schedule, followed as far as it can be (0*5.1*3.0)",
	.parse = script_parse,
	.begin = script_begin,
	.choose = script_choose,
	.repeats = script_repeats,
	.passed = script_passed,
	.end = run_once,
};

/* A run that ended before its schedule did was another run. */
static bool replay_end(struct lab_strategy *s, bool grown)
{
	s->diverged |= s->script_pos < s->nr_script;
	return run_once(s, grown);
}

const struct lab_strategy_ops strategy_replay = {
	.name = "replay",
	.usage = "replay:SCHED   one schedule, followed exactly (the replay command)",
	.parse = script_parse,
	.begin = script_begin,
	.choose = replay_choose,
	.repeats = script_repeats,
	.passed = script_passed,
	.end = replay_end,
};

/* ---- vtime: the vCPU with the smallest virtual time; ties go to the lowest entity ---- */

static int vtime_parse(struct lab_strategy *s, const char *args, const char **why)
{
	(void)s;
	if (args) {
		*why = "vtime without an argument";
		return -EINVAL;
	}
	return 0;
}

static void vtime_begin(struct lab_strategy *s, u64 run)
{
	(void)s;
	(void)run;
}

static unsigned vtime_choose(struct lab_strategy *s, const struct lab_decision *d)
{
	unsigned best = 0;

	(void)s;
	for (unsigned i = 1; i < d->nr; i++) {
		const struct lab_choice *a = &d->opt[i], *b = &d->opt[best];

		if (a->vtime < b->vtime || (a->vtime == b->vtime && a->entity < b->entity))
			best = i;
	}
	return best;
}

const struct lab_strategy_ops strategy_vtime = {
	.name = "vtime",
	.usage = "vtime          one run, the vCPU with the smallest virtual time goes next",
	.parse = vtime_parse,
	.begin = vtime_begin,
	.choose = vtime_choose,
	.end = run_once,
};

/* ---- words ---- */

const struct lab_strategy_ops *const lab_strategies[] = {
	&strategy_bounded, &strategy_pct, &strategy_random, &strategy_replay, &strategy_script,
	&strategy_vtime,   NULL,
};

int lab_strategy_parse(struct lab_strategy *s, const char *word, u64 seed, const char **why)
{
	const char *colon = strchr(word, ':');
	size_t len = colon ? (size_t)(colon - word) : strlen(word);

	*why = "bounded:P[:N], pct:D:N, random:N, replay:SCHED, script:SCHED or vtime";
	for (unsigned i = 0; lab_strategies[i]; i++) {
		const struct lab_strategy_ops *ops = lab_strategies[i];
		struct lab_strategy made = {.ops = ops, .seed = seed};
		int err;

		if (strlen(ops->name) != len || strncmp(ops->name, word, len) != 0)
			continue;
		err = ops->parse(&made, colon ? colon + 1 : NULL, why);
		if (!err)
			*s = made;
		return err;
	}
	return -EINVAL;
}
