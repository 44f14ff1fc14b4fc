/*
 * toy.c - the engine of toy.h: offers every unfinished actor at each step.
 */
#include "tests/host/lab/toy.h"
#include "tests/host/htest.h"

static struct conflict_slot slots[CONFLICT_SLOTS];
static struct lab_segment segments[256];
static struct lab_frame frames[256];

void toy_init(struct toy *t, struct lab_strategy *s, const char *word, u64 seed)
{
	const char *why;

	t->set.slot = slots;
	conflict_reset(&t->set);
	t->sched.seg = segments;
	t->sched.max = 256;
	h_assert(lab_strategy_parse(s, word, seed, &why) == 0);
	s->frames = frames;
	s->max_frames = 256;
}

static unsigned offer(const struct toy *t, const unsigned *pc, int running, struct lab_choice *opt,
		      int *cur)
{
	unsigned nr = 0;

	*cur = -1;
	for (unsigned a = 0; a < t->nr_actors; a++) {
		if (pc[a] == t->nr_steps[a])
			continue;
		if ((int)a == running)
			*cur = (int)nr;
		opt[nr++] = (struct lab_choice){.entity = (u16)a, .vtime = pc[a]};
	}
	return nr;
}

/* Of the decisions that follow, so many may be passed while the choices stay; so many were. */
struct stretch {
	unsigned nr, left, passed;
};

static void stretch_begin(const struct toy *t, struct stretch *st, struct lab_strategy *s,
			  const struct lab_decision *d, unsigned pick)
{
	*st = (struct stretch){.nr = d->nr};
	if (t->stretches && s->ops->repeats)
		st->left = s->ops->repeats(s, d, pick, 1000);
}

static bool stretch_passes(struct stretch *st, unsigned nr)
{
	if (st->left == 0 || st->nr != nr)
		return false;
	st->left--;
	st->passed++;
	return true;
}

static void stretch_end(struct stretch *st, struct lab_strategy *s)
{
	if (st->passed)
		s->ops->passed(s, st->passed);
	*st = (struct stretch){0};
}

void toy_run(struct toy *t, struct lab_strategy *s, u64 run)
{
	unsigned pc[TOY_ACTORS] = {0}, at = 0;
	struct stretch st = {0};
	int running = -1;

	schedule_reset(&t->sched);
	s->ops->begin(s, run);
	for (;;) {
		struct lab_choice opt[TOY_ACTORS];
		struct lab_decision d = {.opt = opt};
		unsigned pick = 0;
		u64 obj;

		d.nr = offer(t, pc, running, opt, &d.cur);
		if (d.nr == 0)
			break;
		if (stretch_passes(&st, d.nr)) {
			pick = (unsigned)d.cur;
		} else {
			stretch_end(&st, s);
			if (d.cur >= 0)
				d.conflict = conflict_meets(&t->set,
							    t->obj[running][pc[running]] * 8, 8,
							    (u16)running, true);
			if (d.nr > 1)
				pick = s->ops->choose(s, &d);
			if (pick == LAB_DIVERGED)
				break;
			if (d.nr > 1)
				stretch_begin(t, &st, s, &d, pick);
		}
		if (d.nr > 1)
			schedule_add(&t->sched, opt[pick].entity, false);
		running = opt[pick].entity;
		obj = t->obj[running][pc[running]] * 8;
		if (!t->stretches || !s->known)
			conflict_touch(&t->set, obj, 8, (u16)running, true);
		t->trace[at++] = (char)('a' + running);
		pc[running]++;
	}
	stretch_end(&st, s);
	t->trace[at] = '\0';
}
