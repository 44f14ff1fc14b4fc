/*
 * lockstep_stretch.c - points that the running thread passes without being stopped.
 *
 * Owns: when a stretch of them may begin, its account.
 * Not here: the passing itself (point_entry), what a strategy would answer (strategy_*.c).
 *
 * Idea: most answers are "go on". Who may go on changes only by what the engine does itself or is
 * told of (a wake, an interrupt sent, a block), and a strategy often knows for how long it will say
 * the same. So the engine asks it once for how many decisions that is, and lets so many points
 * pass; whatever changes the choices ends the stretch. What was passed is then put down as if each
 * point had been asked about: points, decisions, time, schedule, the strategy's own state. Where
 * the choices depend on the depths of the running vCPU, of which nobody tells, each point is heard
 * and looks at those, but nobody is asked.
 *
 * Not in a stretch: a user access and the point after it (its translation is noted there), a busy
 * wait and while anybody is in one (each write may end it), a run of which every step is shown or
 * timed.
 *
 * Invariant: a search with stretches is the same search as without, run by run.
 */
#include "tests/lab/lockstep_internal.h"
#include "tests/lab/race_hooks.h"

bool lockstep_stretches = true;

static bool may_begin(const struct lab_choice *c, const struct ls_thread *t)
{
	const struct ls_run *run = ls.run;

	if (!lockstep_stretches || race_build || run->on_step || !ls.offers_known)
		return false;
	if (c->irq || t->leave_to != LS_NONE || ls.w.nr_spinning)
		return false;
	return !run->learn || run->strategy->known;
}

void ls_stretch_grant(const struct lab_decision *d, unsigned pick, const struct ls_thread *t)
{
	const struct ls_run *run = ls.run;
	struct lab_strategy *s = run->strategy;
	unsigned most;

	if (!may_begin(&d->opt[pick], t))
		return;
	most = (unsigned)min(run->step_budget - run->points, (u64)UINT32_MAX);
	ls.asked = d->nr > 1;
	ls.by_depths = ls_depths_matter(t);
	if (!ls.asked)
		ls.granted = most;
	else if (s->ops->repeats)
		ls.granted = s->ops->repeats(s, d, pick, most);
}

void ls_stretch_grant_phase(void)
{
	ls.by_depths = false;
	ls.granted = ~0ull >> 1;
}

/* @nr points as if each had been heard. */
static void put_down(unsigned nr)
{
	struct ls_run *run = ls.run;

	run->points += nr;
	ls.w.now_ns += nr;
	if (!ls.asked)
		return;
	run->decisions += nr;
	if (run->schedule)
		run->schedule->seg[run->schedule->nr - 1].count += nr;
	run->strategy->ops->passed(run->strategy, nr);
}

void ls_stretch_close(void)
{
	u64 nr = ls_stretch_passed();

	ls.opened = 0;
	barrier();
	points_left = ls.watched = 0;
	ls.granted -= nr;
	ls.beats += nr;
	ls.progress |= points_wrote;
	points_wrote = false;
	if (ls.phase != LS_ACTORS)
		return;
	ls.granted = 0;
	if (nr)
		put_down((unsigned)nr);
}
