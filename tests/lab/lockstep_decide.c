/*
 * lockstep_decide.c - the choices at a schedule point, and the rule by which one is taken.
 *
 * Owns: what may happen next in a world, when a busy wait is worth another look, when time jumps,
 * when nobody can go on. Not here: making it happen (lockstep.c).
 *
 * Busy waits: a thread that polls an object is left out until somebody else touches the object;
 * when nobody else can run, all of them get one more look each (a wait may depend on more than it
 * names); if that changes nothing, nobody can run.
 */
#include "tests/lab/lockstep_internal.h"

#include <stdio.h>
#include <string.h>

#include "kernel/core/fpu.h"
#include "kernel/core/sched_ops.h"
#include "kernel/proc/futex.h"
#include "tests/lab/detect.h"

/* Besides kernel threads: whose turn this phase is. */
static enum ls_role role_of_phase(void)
{
	return ls.phase == LS_ACTORS ? LS_ACTOR : ls.phase == LS_JUDGE ? LS_JUDGING : LS_KERNEL;
}

/* ---- what the step that was just taken means for others ---- */

static bool writes(const struct point *p)
{
	switch (p->kind) {
	case PT_LOAD:
	case PT_WAIT: return false;
	case PT_USER: return p->value != 0;
	default: return true;
	}
}

static unsigned bytes_of(const struct point *p)
{
	return p->kind == PT_FREE ? (unsigned)max(p->value, 1ull) : max(p->size, (u8)1);
}

static bool touches_memory(const struct point *p)
{
	return p->obj && p->kind != PT_DELAY && p->kind != PT_IPI && p->kind != PT_WAKE;
}

static void release_spinners(const struct point *did)
{
	unsigned long low = (unsigned long)did->obj, high = low + bytes_of(did);

	if (ls.w.nr_spinning == 0)
		return;
	for (unsigned i = 0; i < ls.w.nr_threads; i++) {
		struct ls_thread *t = &ls.w.thread[i];

		if (t->spinning && i != ls.running && t->wait_obj + t->wait_bytes > low &&
		    t->wait_obj < high) {
			t->spinning = false;
			ls.w.nr_spinning--;
			ls_offers_changed();
			t->ready_at = ls.w.vcpu[ls.w.thread[ls.running].vcpu].vtime;
		}
	}
}

void ls_step_done(void)
{
	if (!ls.doing_valid)
		return;
	ls.doing_valid = false;
	if (ls.doing.kind == PT_USER && ls.running != LS_NONE)
		detect_user_access(ls.w.thread[ls.running].vcpu, (unsigned long)ls.doing.obj);
	if (!writes(&ls.doing) || ls.running == LS_NONE)
		return;
	ls.progress = true;
	release_spinners(&ls.doing);
}

/* ---- the choices ---- */

struct offers {
	struct lab_choice opt[LAB_MAX_CHOICES];
	u16 via[LAB_MAX_CHOICES]; /* entity that is resumed to carry the choice out */
	struct lab_decision d;
};

static void offer(struct offers *o, u16 entity, bool irq, u16 via, u64 vtime)
{
	if (o->d.nr == LAB_MAX_CHOICES)
		return;
	o->opt[o->d.nr] = (struct lab_choice){.entity = entity, .irq = irq, .vtime = vtime};
	o->via[o->d.nr++] = via;
}

/* What the thread that @v runs would do next: go on. */
static void offer_current(struct offers *o, const struct ls_vcpu *v, const struct ls_thread *cur)
{
	if (v->runs == ls.running)
		o->d.cur = (int)o->d.nr;
	offer(o, v->runs, false, v->runs, max(v->vtime, cur->ready_at));
}

/* Threads of @role at home on @v that could take the place of the one it runs. */
static void offer_others(struct offers *o, const struct ls_vcpu *v, enum ls_role role)
{
	unsigned left = v->ready[role];

	for (u16 i = v->first; left > 0 && i != LS_NONE; i = ls.w.thread[i].next_here) {
		const struct ls_thread *t = &ls.w.thread[i];

		if (t->blocked || t->role != role)
			continue;
		left--;
		if (i != v->runs)
			offer(o, i, false, v->runs, max(v->vtime, t->ready_at));
	}
}

/* What @v may do besides running threads of a role. False: nothing, and not before it is told. */
static bool offer_work(struct offers *o, struct ls_vcpu *v)
{
	const struct ls_thread *cur = &ls.w.thread[v->runs];
	bool at_work = cur->role == LS_KERNEL && !cur->resting;

	v->depths = ls_depths_of(v);
	if (at_work && !cur->spinning)
		offer_current(o, v, cur);
	if (cur->resting && v->dead != LS_NONE)
		offer(o, v->runs, false, v->runs, v->vtime);
	if (v->pending && v->depths > 0)
		offer(o, v->runs, true, v->runs, max(v->vtime, v->irq_at));
	if (v->ready[LS_KERNEL] && v->depths == 2)
		offer_others(o, v, LS_KERNEL);
	return at_work || v->dead != LS_NONE || v->pending || v->ready[LS_KERNEL];
}

static void offer_role(struct offers *o, struct ls_vcpu *v, enum ls_role role)
{
	const struct ls_thread *cur = &ls.w.thread[v->runs];
	bool runs = cur->role == role;

	v->depths = ls_depths_of(v);
	if (runs && !cur->spinning)
		offer_current(o, v, cur);
	if (v->ready[role] > runs && v->depths == 2)
		offer_others(o, v, role);
}

/*
 * Actors come last, so that the default where a choice is free is to let interrupts, callbacks and
 * other deferred work happen as early as they can: the earliest legal free is in the first
 * schedules of a search.
 */
static void collect(struct offers *o)
{
	enum ls_role role = role_of_phase();
	u64 left;

	o->d = (struct lab_decision){.opt = o->opt, .cur = -1};
	for (left = ls.w.may_work; left; left &= left - 1) {
		struct ls_vcpu *v = &ls.w.vcpu[__builtin_ctzll(left)];

		if (!offer_work(o, v))
			ls.w.may_work &= ~(left & -left);
	}
	o->d.nr_work = o->d.nr;
	for (left = role == LS_KERNEL ? 0 : ls.w.has_ready[role]; left; left &= left - 1)
		offer_role(o, &ls.w.vcpu[__builtin_ctzll(left)], role);
}

/* Are the depths others than when the choices were collected? Other vCPUs stand still. */
static bool depths_changed(void)
{
	const struct ls_thread *t = &ls.w.thread[ls.running];
	const struct ls_vcpu *v;

	if (ls.running == LS_NONE)
		return true;
	v = &ls.w.vcpu[t->vcpu];
	return ls_depths_matter(t) && v->depths != ls_depths_of(v);
}

/*
 * The choices in @o are often still those there are: only who runs may have become another of them.
 * Not so with virtual time, which is part of them.
 */
static void collect_again(struct offers *o)
{
	if (!ls.offers_known || depths_changed()) {
		collect(o);
		ls.offers_known = !ls.run->measure;
		return;
	}
	o->d.cur = -1;
	if (ls.w.thread[ls.running].resting)
		return;
	for (unsigned i = 0; i < o->d.nr; i++)
		if (o->opt[i].entity == ls.running && !o->opt[i].irq)
			o->d.cur = (int)i;
}

/* Jump to the earliest timer. False: there is none. */
static bool advance_time(void)
{
	struct ls_vcpu *first = NULL;

	for (unsigned i = 0; i < ls.w.nr_vcpus; i++) {
		struct ls_vcpu *v = &ls.w.vcpu[i];

		if (v->deadline_ns != ~0ull && (!first || v->deadline_ns < first->deadline_ns))
			first = v;
	}
	if (!first)
		return false;
	ls.w.now_ns = max(ls.w.now_ns, first->deadline_ns);
	first->deadline_ns = ~0ull;
	first->pending |= LS_TIMER_BIT;
	ls_may_work(first);
	first->irq_at = first->vtime;
	return true;
}

/* Let every busy waiter look once more, if anything happened since they last did. */
static bool retry_spinners(void)
{
	bool any = ls.w.nr_spinning != 0;

	if (!ls.progress)
		return false;
	ls.progress = false;
	for (unsigned i = 0; i < ls.w.nr_threads; i++)
		ls.w.thread[i].spinning = false;
	ls.w.nr_spinning = 0;
	ls_offers_changed();
	return any;
}

/* ---- nobody can go on: is that the end, or a deadlock? ---- */

static void describe_stuck(char *buf, size_t len)
{
	size_t at = 0;

	fpu_begin();
	for (unsigned i = 0; i < ls.w.nr_threads && at < len; i++) {
		const struct ls_thread *t = &ls.w.thread[i];

		if (t->idle || t->role == LS_KERNEL || t->ended)
			continue;
		at += (size_t)snprintf(buf + at, len - at, "%s%s %s", at ? ", " : "",
				       t->t->base.name, t->spinning ? "spins" : "blocked");
	}
	fpu_end();
}

/* Threads are stuck: is it because the owner of what one waits for has gone, or why? */
static void judge_stuck(struct lab_outcome *o)
{
	struct futex_stranded first;

	o->verdict = LV_DEADLOCK;
	o->entity = LS_NONE;
	if (!futex_waiters_stranded(&first)) {
		describe_stuck(o->why, sizeof(o->why));
		return;
	}
	o->verdict = LV_STRANDED;
	fpu_begin();
	snprintf(o->why, sizeof(o->why), "%s waits at %#lx for pid %u, which is gone",
		 first.thread->base.name, first.uaddr, first.owner);
	fpu_end();
}

static u16 nobody_can_run(void)
{
	enum ls_role role = ls.phase == LS_JUDGE ? LS_JUDGING : LS_ACTOR;
	struct lab_outcome *o = &ls.run->outcome;

	ls.end = LS_QUIET;
	if (ls.phase != LS_SETUP && ls.w.alive[role] != 0) {
		ls.end = LS_BAD;
		if (o->verdict == LV_SAFE)
			judge_stuck(o);
	}
	return LS_NONE;
}

/* ---- choosing ---- */

static unsigned ask_strategy(struct offers *o)
{
	struct ls_run *run = ls.run;
	struct lab_strategy *s = run->strategy;
	unsigned pick;

	if (o->d.nr == 1)
		return 0;
	if (ls.phase != LS_ACTORS)
		return o->d.cur >= 0 ? (unsigned)o->d.cur : 0;
	run->decisions++;
	pick = s->ops->choose(s, &o->d);
	if (pick != LAB_DIVERGED && run->schedule)
		schedule_add(run->schedule, o->opt[pick].entity, o->opt[pick].irq);
	return pick;
}

static u16 carry_out(const struct offers *o, unsigned pick)
{
	const struct lab_choice *c = &o->opt[pick];
	u16 via = o->via[pick];
	struct ls_thread *t = &ls.w.thread[via];
	struct ls_vcpu *v = &ls.w.vcpu[t->vcpu];

	v->waited += c->vtime - v->vtime;
	v->vtime = c->vtime;
	t->irq_first = c->irq;
	t->leave_to = c->entity == via ? LS_NONE : c->entity;
	return via;
}

/* The conflict set is about what an entity is going to touch, and is asked before it is told. */
static bool learn(const struct point *p)
{
	struct ls_run *run = ls.run;
	unsigned size = bytes_of(p);
	bool meets;

	if (!run->learn || run->strategy->known || !touches_memory(p))
		return false;
	meets = conflict_meets(run->conflicts, (u64)p->obj, size, ls.running, writes(p));
	conflict_touch(run->conflicts, (u64)p->obj, size, ls.running, writes(p));
	return meets;
}

/*
 * The phase is over as soon as the last of its threads has ended: kernel threads do not prolong it.
 */
static bool phase_over(void)
{
	if (ls.phase == LS_ACTORS)
		return ls.w.alive[LS_ACTOR] == 0;
	return ls.phase == LS_JUDGE && ls.w.alive[LS_JUDGING] == 0;
}

static u16 decide(const struct point *p)
{
	static struct offers o;
	bool conflict = false;
	unsigned pick;
	u16 via;

	ls_stretch_close();
	ls_step_done();
	ls.w.now_ns++;
	if (p && ls.phase == LS_ACTORS)
		conflict = learn(p);
	if (phase_over()) {
		ls.end = LS_QUIET;
		return LS_NONE;
	}
	for (;;) {
		collect_again(&o);
		if (o.d.nr > 0)
			break;
		if (!retry_spinners() && !advance_time())
			return nobody_can_run();
	}
	o.d.conflict = conflict;
	pick = ask_strategy(&o);
	if (pick == LAB_DIVERGED) {
		ls.end = LS_LOST;
		return LS_NONE;
	}
	via = carry_out(&o, pick);
	if (ls.phase == LS_ACTORS)
		ls_stretch_grant(&o.d, pick, &ls.w.thread[via]);
	return via;
}

void lockstep_decide(void *point)
{
	ls.next = decide(point);
}
