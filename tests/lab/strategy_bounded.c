/*
 * strategy_bounded.c - every schedule with at most P preemptions and delays, each exactly once.
 *
 * A preemption is leaving the running thread although it could go on. Where it cannot (it waits, it
 * ended), choosing among the actors costs nothing, so those decisions branch freely; but deferred
 * work that is pending then (an interrupt, a kernel thread) goes first, and letting it wait is a
 * delay. Without that price the orders of a grace period's twenty small steps among themselves
 * would be most of the tree. Depth-first: the path of the last run is kept as frames; the next run
 * repeats it up to the deepest frame with an untried choice, takes that one, and then goes on
 * without preemption.
 *
 * Short passes come first: all schedules that leave the default at most once, twice, three times,
 * preempting or not; then everything. So what needs few switches is found after few schedules,
 * wherever in the run it is, and the conflict set is nearly known when the long pass begins.
 *
 * Preempting is tried only where the running thread is about to touch an object that a second
 * entity touches too (the decision's conflict mark). That set is learned while running; when a
 * pass over the whole tree taught something new the tree is searched again, until nothing new
 * comes: then no run within the bound contains an unknown conflict, and, since every shared
 * access is a point, the pruned schedules only reorder steps that do not meet.
 *
 * bounded:P:N ends after N schedules at the latest, and then says that it is not complete.
 *
 * Order of choices at a frame: the default (go on, or the first) and then the others by index.
 * Pure: compiles on the host.
 */
#include "tests/lab/strategy.h"

#include <errno.h>
#include <stdlib.h>

#define MAX_BOUND 8
#define MAX_SHORT 3 /* times the default is left in the longest of the short passes */

static int bounded_parse(struct lab_strategy *s, const char *args, const char **why)
{
	*why = "bounded:P or bounded:P:N with P preemptions and delays, 0 to 8, and at most N "
	       "schedules";
	if (!args || args[0] < '0' || args[0] > '0' + MAX_BOUND)
		return -EINVAL;
	s->bound = (unsigned)(args[0] - '0');
	if (args[1] == '\0')
		return 0;
	if (args[1] != ':')
		return -EINVAL;
	args = lab_strategy_count(args + 2, &s->runs_wanted);
	return args && *args == '\0' ? 0 : -EINVAL;
}

static void bounded_begin(struct lab_strategy *s, u64 run)
{
	if (run == 0) {
		s->nr_frames = 0;
		s->passes = s->level = 1;
	}
	s->depth = 0;
	s->known = s->nr_frames > 0;
}

static unsigned bounded_choose(struct lab_strategy *s, const struct lab_decision *d)
{
	unsigned depth = s->depth++;
	struct lab_frame *f;

	if (depth >= s->max_frames) {
		s->overflow = true;
		return d->cur >= 0 ? (unsigned)d->cur : 0;
	}
	f = &s->frames[depth];
	s->known = depth + 1 < s->nr_frames;
	if (depth < s->nr_frames) {
		/* On the repeated part of the path; the world is the same, so is the decision. */
		s->diverged |= f->nr != d->nr || f->cur != d->cur;
		return f->chosen < d->nr ? f->chosen : 0;
	}
	f->nr = (u16)d->nr;
	f->cur = (s16)d->cur;
	f->first = (u16)(d->cur >= 0 ? d->cur : 0);
	f->chosen = f->first;
	f->free = d->cur < 0 && d->nr_work == 0;
	f->may_pay = d->cur < 0 || d->conflict;
	f->spent = f->left = 0;
	if (depth > 0) {
		const struct lab_frame *up = &s->frames[depth - 1];
		bool left = up->chosen != up->first;

		f->left = (u16)(up->left + left);
		f->spent = (u16)(up->spent + (left && !up->free));
	}
	s->nr_frames = depth + 1;
	return f->chosen;
}

/* On the repeated part of the path: what it says up to the next switch. */
static unsigned bounded_repeats(struct lab_strategy *s, const struct lab_decision *d,
				unsigned pick, unsigned most)
{
	unsigned nr = 0;

	while (nr < most && s->depth + nr < s->nr_frames) {
		const struct lab_frame *f = &s->frames[s->depth + nr];

		if (f->nr != d->nr || f->cur != (int)pick || f->chosen != pick)
			break;
		nr++;
	}
	return nr;
}

static void bounded_passed(struct lab_strategy *s, unsigned nr)
{
	s->depth += nr;
	s->known = s->depth < s->nr_frames;
}

/* The choice after f->chosen in the order default, 0, 1, ... without the default; nr = none. */
static unsigned next_choice(const struct lab_frame *f)
{
	unsigned next = f->chosen == f->first ? 0 : f->chosen + 1u;

	return next == f->first ? next + 1 : next;
}

static bool may_branch(const struct lab_strategy *s, const struct lab_frame *f)
{
	if (next_choice(f) >= f->nr)
		return false;
	if (s->level <= MAX_SHORT && f->left >= s->level)
		return false;
	return f->free || (f->may_pay && f->spent < s->bound);
}

static bool may_run(const struct lab_strategy *s)
{
	return !s->runs_wanted || s->runs_done < s->runs_wanted;
}

static bool bounded_end(struct lab_strategy *s, bool grown)
{
	s->runs_done++;
	s->grown |= grown;
	/* A run shorter than the path means the tail of the path no longer exists. */
	s->nr_frames = min(s->nr_frames, s->depth);
	while (s->nr_frames > 0) {
		struct lab_frame *f = &s->frames[s->nr_frames - 1];

		if (may_branch(s, f)) {
			f->chosen = (u16)next_choice(f);
			return may_run(s);
		}
		s->nr_frames--;
	}
	if (s->grown || s->level <= MAX_SHORT) {
		s->level += s->level <= MAX_SHORT;
		s->grown = false;
		s->passes++;
		return may_run(s);
	}
	s->complete = !s->overflow && !s->diverged;
	return false;
}

const struct lab_strategy_ops strategy_bounded = {
	.name = "bounded",
	.usage = "bounded:P[:N]  every schedule with at most P preemptions and delays, N at most",
	.parse = bounded_parse,
	.begin = bounded_begin,
	.choose = bounded_choose,
	.repeats = bounded_repeats,
	.passed = bounded_passed,
	.end = bounded_end,
};
