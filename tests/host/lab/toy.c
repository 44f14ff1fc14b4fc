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

void toy_run(struct toy *t, struct lab_strategy *s, u64 run)
{
	unsigned pc[TOY_ACTORS] = {0}, at = 0;
	int running = -1;

	schedule_reset(&t->sched);
	s->ops->begin(s, run);
	for (;;) {
		struct lab_choice opt[TOY_ACTORS];
		struct lab_decision d = {.opt = opt};
		unsigned pick = 0;

		d.nr = offer(t, pc, running, opt, &d.cur);
		if (d.nr == 0)
			break;
		if (d.cur >= 0)
			d.conflict = conflict_meets(&t->set, t->obj[running][pc[running]] * 8, 8,
						    (u16)running, true);
		if (d.nr > 1) {
			pick = s->ops->choose(s, &d);
			if (pick == LAB_DIVERGED)
				break;
			schedule_add(&t->sched, opt[pick].entity, false);
		}
		running = opt[pick].entity;
		conflict_touch(&t->set, t->obj[running][pc[running]] * 8, 8, (u16)running, true);
		t->trace[at++] = (char)('a' + running);
		pc[running]++;
	}
	t->trace[at] = '\0';
}
