/*
 * replay.c - one schedule run again: the first bad one of a search, and one that was typed in.
 *
 * Owns: what `reproduced` means, the budget within which a bad schedule is made short, the replay.
 * Not here: the session (search.c), what is left out of a schedule (shrink.c), how steps are shown
 * (steps.c).
 */
#include <stdio.h>
#include <string.h>

#include "kernel/base/err.h"
#include "kernel/core/clock.h"
#include "kernel/core/log.h"
#include "tests/lab/session.h"
#include "tests/lab/shrink.h"
#include "tests/lab/steps.h"
#include "tests/lab/timeline.h"

/* Of making one schedule short: runs, and points of all of them. */
#define SHRINK_RUNS   1000u
#define SHRINK_POINTS 2000000ull

enum { LIST_BEST, LIST_WISH }; /* of session_list(); a replay reads its schedule into the first */

static char schedule_text[LAB_SCHEDULE_MAX];

/* In which function a loop without points was found is chance. */
static bool same_outcome(const struct lab_outcome *a, const struct lab_outcome *b)
{
	return a->verdict == b->verdict && (a->verdict == LV_STALL || strcmp(a->why, b->why) == 0);
}

/* Run exactly @s. False: it does not fit, or is not all of a run. */
static bool run_exactly(struct scenario *sc, const struct lab_schedule *s)
{
	struct lab_strategy replay = {
		.ops = &strategy_replay, .script = s->seg, .nr_script = s->nr};

	session_run(sc, &replay, 0);
	replay.ops->end(&replay, false);
	return !replay.diverged;
}

/* ---- the first bad run ---- */

/* A verdict that cannot be repeated is not worth printing. Leaves the schedule in @s. */
static bool reproduce(struct scenario *sc, struct lab_schedule *s)
{
	const struct ls_run *last = session_last_run();
	struct lab_outcome first = last->outcome;

	schedule_copy(s, last->schedule);
	session_restore();
	return run_exactly(sc, s) && same_outcome(&last->outcome, &first);
}

struct shrinking {
	struct scenario *sc;
	enum lab_verdict verdict;
	u64 points;
	bool progress;
	u64 last_ns;
};

static bool may_go_on(struct shrink *s)
{
	struct shrinking *g = s->arg;

	if (g->progress && session_progress_due(&g->last_ns))
		pr_info("# shrinking: %u runs, %u switches", s->runs, schedule_switches(&s->best));
	return s->runs < SHRINK_RUNS && g->points < SHRINK_POINTS &&
	       !((s->runs & 15) == 15 && session_key());
}

static const struct lab_schedule *run_wish(struct shrink *s)
{
	struct shrinking *g = s->arg;
	struct lab_strategy script = {
		.ops = &strategy_script, .script = s->wish.seg, .nr_script = s->wish.nr};
	const struct ls_run *last = session_last_run();

	session_restore();
	session_run(g->sc, &script, s->runs);
	g->points += last->points;
	return last->outcome.verdict == g->verdict ? last->schedule : NULL;
}

/* @s, which was reproduced, becomes the shortest that shows the same verdict. */
static void shorten(struct scenario *sc, struct lab_schedule *s, struct lab_result *res,
		    bool progress)
{
	const struct ls_run *last = session_last_run();
	struct shrinking shrinking = {
		.sc = sc, .verdict = res->verdict, .progress = progress, .last_ns = clock_ns()};
	struct shrink shrink = {.best = *s,
				.wish = session_list(LIST_WISH),
				.shows = run_wish,
				.goes_on = may_go_on,
				.arg = &shrinking};

	res->shrunk = (struct lab_shrunk){.switches_before = schedule_switches(s),
					  .points_before = last->points};
	shrink_schedule(&shrink);
	*s = shrink.best;
	session_restore();
	res->reproduced = run_exactly(sc, s) && last->outcome.verdict == res->verdict;
	res->shrunk.runs = shrink.runs;
	res->shrunk.ended = shrink.ended;
	res->shrunk.switches = schedule_switches(s);
	res->shrunk.points = last->points;
	res->shrunk.outcome = last->outcome;
}

/* A run that was ended by the clock takes as long each time, and not the same steps. */
static bool can_shorten(const struct scenario *sc, const struct ls_run *run)
{
	return sc->shrink > SHRINK_OFF && sc->strategy.ops != &strategy_vtime &&
	       (run->outcome.verdict != LV_STALL || run->points >= sc->step_budget);
}

void replay_bad_run(struct scenario *sc, struct lab_result *res, bool progress)
{
	struct lab_schedule s = session_list(LIST_BEST);

	if (session_last_run()->schedule->overflow)
		return;
	res->reproduced = reproduce(sc, &s);
	if (res->reproduced && can_shorten(sc, session_last_run()))
		shorten(sc, &s, res, progress);
	if (schedule_format(&s, schedule_text, sizeof(schedule_text)) < sizeof(schedule_text))
		res->schedule = schedule_text;
}

/* ---- replay ---- */

static int read_schedule(struct lab_schedule *s, const char *text, char *why, size_t len)
{
	const char *bad = text;
	int err = schedule_parse(s, text, &bad);

	if (err == -E2BIG)
		snprintf(why, len, "schedule=: more than %u segments", s->max);
	else if (err)
		snprintf(why, len,
			 "schedule=%.40s: not understood from \"%.20s\"; accepted is a "
			 "schedule such as 0*12.1*3.i0.1",
			 text, bad);
	return err ? -EINVAL : 0;
}

static int replay_given(struct scenario *sc, const char *schedule, struct lab_result *res,
			struct lab_print *print, char *why, size_t len)
{
	struct lab_schedule s = session_list(LIST_BEST);
	int err = schedule ? read_schedule(&s, schedule, why, len) : 0;

	if (err)
		return err;
	session_on_step(steps_keep);
	if (!schedule) {
		session_run(sc, &sc->strategy, 0);
	} else if (!run_exactly(sc, &s)) {
		snprintf(why, len,
			 "the schedule does not fit this scenario: it asks for what is not on "
			 "offer after %llu points",
			 (unsigned long long)session_last_run()->points);
		return -ESTALE;
	}
	session_add_up(res);
	res->verdict = lab_summary_verdict(&res->summary);
	if (print->form == LAB_RECORDS)
		timeline_print(sc, res, session_last_run()->measure, print->line);
	else
		steps_print(print);
	return 0;
}

int lab_replay(struct scenario *sc, const char *schedule, struct lab_result *res,
	       struct lab_print *print, char *why, size_t len)
{
	bool records = print->form == LAB_RECORDS;
	int err;

	steps_begin();
	if (records)
		timeline_begin();
	err = session_begin(sc, res, why, len);
	if (!err) {
		if (records)
			timeline_watch(true);
		err = replay_given(sc, schedule, res, print, why, len);
		if (records)
			timeline_watch(false);
		session_end(sc);
	}
	if (records)
		timeline_end();
	steps_end();
	return err;
}
