/*
 * lockstep_state.c - what the engine knows, kept with the world and told to others.
 *
 * Owns: saving and loading what follows the world, time, timers and pending interrupts, the
 *       questions of detectors and traces.
 * Not here: changing it (lockstep.c, lockstep_decide.c).
 */
#include "tests/lab/lockstep_internal.h"

#include <string.h>

#include "kernel/x86/cpu.h"
#include "tests/lab/race_hooks.h"

#define ENDLESS 20000000 /* points: what comes before and after the actors takes far fewer */

struct lockstep ls;

/* ---- with the world ---- */

static void copy_world(struct ls_world *to, const struct ls_world *from)
{
	memcpy(to->thread, from->thread, from->nr_threads * sizeof(from->thread[0]));
	memcpy(to->vcpu, from->vcpu, from->nr_vcpus * sizeof(from->vcpu[0]));
	to->nr_threads = from->nr_threads;
	to->nr_vcpus = from->nr_vcpus;
	to->now_ns = from->now_ns;
	memcpy(to->alive, from->alive, sizeof(to->alive));
	to->nr_spinning = from->nr_spinning;
	to->may_work = from->may_work;
	to->has_several = from->has_several;
	memcpy(to->has_ready, from->has_ready, sizeof(to->has_ready));
}

void lockstep_save(void)
{
	copy_world(&ls.saved, &ls.w);
}

void lockstep_load(void)
{
	copy_world(&ls.w, &ls.saved);
	ls.offers_known = false;
}

/* ---- what sched_ops says of time and interrupts ---- */

u64 ls_now(void)
{
	return ls.w.now_ns + (ls.phase == LS_ACTORS ? ls_stretch_passed() : 0);
}

void ls_arm_timer(u64 deadline_ns)
{
	ls.w.vcpu[smp_processor_id()].deadline_ns = deadline_ns;
}

void ls_send_ipi(unsigned vcpu, enum ipi_kind kind)
{
	struct ls_vcpu *v = &ls.w.vcpu[vcpu];

	if (!v->pending && ls.run)
		v->irq_at = ls.w.vcpu[smp_processor_id()].vtime + ls.run->ipi_cost;
	v->pending |= 1u << kind;
	ls_may_work(v);
	race_edge_release(&v->pending);
}

/* ---- questions ---- */

bool lockstep_dead_stack(unsigned i, unsigned long *low, unsigned long *end)
{
	if (i >= ls.w.nr_threads)
		return false;
	*low = (unsigned long)ls.w.thread[i].t->base.stack_low;
	*end = ls.w.thread[i].t->sp;
	return true;
}

u16 ls_entity_of(const struct thread *t)
{
	for (unsigned i = 0; i < ls.w.nr_threads; i++)
		if (ls.w.thread[i].t == t && !ls.w.thread[i].ended)
			return (u16)i;
	return LS_NONE;
}

bool lockstep_active(void)
{
	return ls.active && !ls.quiet;
}

bool lockstep_in_run(void)
{
	return ls.active;
}

bool lockstep_searched(void)
{
	return lockstep_active() && ls.phase == LS_ACTORS;
}

void lockstep_reach(unsigned i)
{
	ls.run->reached |= 1u << i;
}

void lockstep_note(enum lab_verdict verdict)
{
	ls.run->noted[verdict]++;
	if (verdict == ls.run->until)
		lockstep_fail(verdict, "it was %s, as was asked for", lab_verdicts[verdict].name);
}

u64 lockstep_beats(void)
{
	return ls.beats + ls_stretch_passed();
}

bool lockstep_endless(void)
{
	return ls.phase != LS_ACTORS && lockstep_beats() - ls.phase_began > ENDLESS;
}

u16 lockstep_entity(void)
{
	return ls.running;
}

const char *lockstep_entity_name(u16 entity)
{
	return entity < ls.w.nr_threads ? ls.w.thread[entity].t->base.name : "nobody";
}

unsigned lockstep_nr_entities(void)
{
	return ls.w.nr_threads;
}

bool lockstep_entity_is_actor(u16 entity)
{
	return entity < ls.w.nr_threads && ls.w.thread[entity].role == LS_ACTOR;
}

const struct held_locks *lockstep_entity_holds(u16 entity)
{
	return &ls.w.thread[entity].t->base.held;
}

u64 lockstep_my_vtime(u64 *waited)
{
	const struct ls_vcpu *v = &ls.w.vcpu[ls.w.thread[ls.running].vcpu];

	*waited = v->waited;
	return v->vtime + (ls.run->measure ? rdtsc() - ls.since : 0);
}

u64 lockstep_vtime(void)
{
	u64 t = 0;

	for (unsigned i = 0; i < ls.w.nr_vcpus; i++)
		t = max(t, ls.w.vcpu[i].vtime);
	return t;
}

/* Virtual time where it is measured, else steps: of a run that is watched those that were shown. */
u64 lockstep_clock(void)
{
	if (!ls.run)
		return 0;
	if (!ls.run->measure || ls.running == LS_NONE)
		return ls.run->on_step ? ls.run->steps : ls.run->points + ls_stretch_passed();
	return ls.w.vcpu[ls.w.thread[ls.running].vcpu].vtime + rdtsc() - ls.since;
}
