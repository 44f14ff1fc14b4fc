/*
 * lockstep.c - carrying out what was decided: switching, interrupts, blocking, waking; the
 * sched_ops.
 *
 * Not here: choosing (lockstep_decide.c).
 *
 * Depths: a thread that left its vCPU expects the vCPU's irq depth to be 1 when it is resumed
 * there,
 *         and lowers it; so does a fresh one. The idle thread finds and leaves it at 0, so that
 *         interrupts are on while a vCPU is idle.
 */
#include "tests/lab/lockstep.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "kernel/core/bug.h"
#include "kernel/core/fpu.h"
#include "kernel/core/preempt.h"
#include "kernel/core/sched_ops.h"
#include "kernel/sched/sched.h"
#include "kernel/sched/timer.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/pcpu.h"
#include "kernel/x86/switch.h"
#include "kernel/x86/tlb_ctx.h"
#include "tests/lab/lockstep_internal.h"
#include "tests/lab/race_hooks.h"
#include "tests/lab/world.h"

#define LAB_STACK_SIZE 16384

/* Decisions are taken here, so that the lab leaves no trace on the stacks of the world. */
static char lab_stack[LAB_STACK_SIZE] __aligned(16);

static struct ls_thread *thread_of_entity(u16 e)
{
	return &ls.w.thread[e];
}

static struct ls_vcpu *vcpu_of_entity(u16 e)
{
	return &ls.w.vcpu[ls.w.thread[e].vcpu];
}

/* ---- going from one context to another ---- */

/* The running entity stands at @p: who goes next? Its virtual time stops meanwhile. */
static __always_inline u16 decide(const struct point *p)
{
	if (ls.run->measure && ls.running != LS_NONE)
		vcpu_of_entity(ls.running)->vtime += rdtsc() - ls.since;
	ls.quiet = true;
	stack_call(lab_stack + LAB_STACK_SIZE, lockstep_decide, (void *)p);
	return ls.next;
}

/*
 * The host gives the FPU away at a call and gets it back at a return, where its registers hold
 * nothing by convention but their modes; so only threads of the world are ever saved, and nothing
 * at all is when none of them computes. NULL stands for the host.
 */
static void pass_fpu(struct thread_base *next)
{
	static struct thread_base nobody;
	struct thread_base *prev = ls.fpu_owner;

	if (prev == next)
		return;
	ls.fpu_owner = next;
	if (prev && next && !fpu_owns(prev) && !fpu_owns(next))
		return;
	if (!prev)
		cpu_fpu_forbid();
	if (next) {
		fpu_switch(prev ? prev : &nobody, next);
		return;
	}
	fpu_switch(prev, &nobody);
	cpu_fpu_allow();
	cpu_fpu_default_modes();
}

static struct thread_base *base_of(u16 e)
{
	return e == LS_NONE ? NULL : &ls.w.thread[e].t->base;
}

/*
 * Let the CPU carry @v. Reads nothing of the vCPU it carried before: that may be a wrecked world's.
 */
static void carry(struct vcpu *v)
{
	if (v == ls.carried)
		return;
	ls.carried = v;
	v->pcpu = ls.pcpu;
	wrmsr(MSR_GS_BASE, (u64)v);
}

static noinline void switch_to(u16 next)
{
	u16 from = ls.running;
	struct vcpu *v = next == LS_NONE ? ls.host_vcpu : vcpu_of_entity(next)->v;
	unsigned long sp = next == LS_NONE ? ls.host_sp : ls.w.thread[next].t->sp;

	pass_fpu(base_of(next));
	carry(v);
	ls.running = next;
	stack_switch(from == LS_NONE ? &ls.host_sp : &ls.w.thread[from].t->sp, sp, NULL);
}

/*
 * Continue @next, leaving the present context where it is. Returns when somebody comes back here.
 */
static __always_inline void go(u16 next)
{
	if (next != ls.running)
		switch_to(next);
	if (ls.running != LS_NONE)
		ls_back_to_world();
	if (ls.run && ls.run->measure)
		ls.since = rdtsc();
}

/* ---- what a resumed thread does on behalf of its vCPU ---- */

static void take_interrupts(struct ls_vcpu *v)
{
	struct ls_thread *t = thread_of_entity(ls.running);
	bool rested = t->resting;

	t->resting = false;
	ls_may_work(v);
	irq_enter();
	race_edge_acquire(&v->pending);
	while (v->pending) {
		unsigned bit = (unsigned)__builtin_ctz(v->pending);

		v->pending &= ~(1u << bit);
		if (1u << bit == LS_TIMER_BIT)
			timers_run();
		else if (bit == IPI_RESCHED)
			this_cpu_write(vcpu_self.need_resched, true);
		else
			ipi_dispatch((enum ipi_kind)bit);
	}
	irq_exit();
	t->resting = rested;
	ls_may_work(v);
	if (resched_needed())
		lockstep_preempt();
}

/* Count @t among the threads that its home could run, or (-1) no longer. */
static void count_ready(const struct ls_thread *t, int by)
{
	struct ls_vcpu *v = &ls.w.vcpu[t->vcpu];
	u64 bit = 1ull << t->vcpu;

	if (!t->listed || t->blocked)
		return;
	v->ready[t->role] += by;
	if (v->ready[t->role])
		ls.w.has_ready[t->role] |= bit;
	else
		ls.w.has_ready[t->role] &= ~bit;
	if (v->ready[LS_KERNEL] > 1 || v->ready[LS_ACTOR] > 1 || v->ready[LS_JUDGING] > 1)
		ls.w.has_several |= bit;
	else
		ls.w.has_several &= ~bit;
	ls_may_work(v);
}

static void set_blocked(struct ls_thread *t, bool blocked)
{
	count_ready(t, -1);
	t->blocked = blocked;
	count_ready(t, 1);
}

/* Thread @e is at home on vCPU @home from now on. */
static void settle_at(u16 e, unsigned home)
{
	struct ls_thread *t = thread_of_entity(e);
	u16 *link = &ls.w.vcpu[t->vcpu].first;

	if (t->idle || (t->listed && t->vcpu == home))
		return;
	while (t->listed && *link != e)
		link = &ls.w.thread[*link].next_here;
	if (t->listed)
		*link = t->next_here;
	count_ready(t, -1);
	t->listed = true;
	t->vcpu = (u16)home;
	t->next_here = ls.w.vcpu[home].first;
	ls.w.vcpu[home].first = e;
	count_ready(t, 1);
}

/*
 * The running thread gives its vCPU to @to and is at home on vCPU @home from now on. Returns when
 * it has a vCPU again and is the one to go on.
 */
static void leave_vcpu(u16 to, unsigned home)
{
	u16 me = ls.running;
	struct ls_vcpu *v = vcpu_of_entity(me);
	struct ls_thread *t = thread_of_entity(me), *next = thread_of_entity(to);

	local_irq_disable();
	sched_switch_out(t->t, next->t);
	ls.fpu_owner = &next->t->base;
	settle_at(me, home);
	v->runs = to;
	ls_may_work(v);
	v->v->thread = &next->t->base;
	next->t->vcpu = v->v->id;
	/* One step with the switch: a choice in here would find neither of the two running. */
	ls.quiet = true;
	sched_ops->load_mm(next->t->active);
	ls.quiet = false;
	v->v->irq_depth = next->idle ? 0 : 1;
	race_edge_release(v);
	go(next->idle ? decide(NULL) : to);
	race_edge_acquire(vcpu_of_entity(me));
	if (!t->idle)
		local_irq_enable();
}

/*
 * Do what @t, the running thread, was told to do before it goes on at @p. After interrupts it asks
 * again, so that one operation lies between two points.
 */
static noinline void obey(struct ls_thread *t, u16 me, const struct point *p)
{
	for (;;) {
		u16 to = t->leave_to;

		if (to != LS_NONE) {
			t->leave_to = LS_NONE;
			leave_vcpu(to, t->vcpu);
		} else if (t->irq_first) {
			t->irq_first = false;
			take_interrupts(vcpu_of_entity(me));
			go(decide(p));
		} else {
			return;
		}
	}
}

/* Stand at @p (NULL: at no operation) until it is this thread's turn to go on with it. */
static __always_inline void wait_for_turn(const struct point *p)
{
	u16 me = ls.running;
	struct ls_thread *t = thread_of_entity(me);

	go(decide(p));
	if (unlikely(t->irq_first || t->leave_to != LS_NONE))
		obey(t, me, p);
}

/* What showing costs is nobody's virtual time. */
static void show_step(const struct point *p)
{
	const struct ls_run *run = ls.run;
	u64 begun = rdtsc();
	struct ls_step step = {
		.nr = ++ls.run->steps,
		.clock = lockstep_clock(),
		.entity = ls.running,
		.irq = this_cpu_ptr(vcpu_self)->in_irq != 0,
		.kind = p->kind,
		.size = p->size,
		.order = p->order,
		.obj = (unsigned long)p->obj,
		.value = p->value,
		.ip = (unsigned long)p->ip,
	};

	ls.quiet = true;
	run->on_step(&step);
	ls.quiet = false;
	ls.since += rdtsc() - begun;
}

/* The page tables of the vCPU that runs: loaded when a user address is about to be used. */
static void load_user_tables(void)
{
	struct tlb_ctx *ctx = this_cpu_ptr(tlb_state)->loaded;

	if (ctx)
		pcpu_load_cr3(ctx->pgd);
}

/*
 * Outside the searched part nobody is ever preempted: only a wait needs another thread, or those
 * who wait need this one.
 */
static bool not_searched(const struct point *p)
{
	/* The point after a user access was heard to see what that went through. */
	if (ls.doing_valid) {
		ls_step_done();
		ls_back_to_world();
	}
	if (p->kind == PT_USER) {
		load_user_tables();
		ls_stretch_close();
		ls.doing = *p;
		ls.doing_valid = true;
	}
	/* Points passed over until now may have changed what is waited for. */
	ls.progress |= p->kind != PT_WAIT || ls.granted;
	if (p->kind != PT_WAIT)
		return ls.w.nr_spinning == 0;
	ls_stretch_close();
	ls.granted = 0;
	return false;
}

/* Somebody is asked who goes next. */
static noinline void decide_at(const struct point *p)
{
	struct ls_thread *t;

	ls_stretch_end();
	ls.run->points++;
	if (ls.run->points > ls.run->step_budget)
		lockstep_fail(LV_STALL, "no end after %llu points",
			      (unsigned long long)ls.run->step_budget);
	t = thread_of_entity(ls.running);
	if (p->kind == PT_WAIT) {
		ls.w.nr_spinning += !t->spinning;
		t->spinning = true;
		ls_offers_changed();
		t->wait_obj = (unsigned long)p->obj;
		t->wait_bytes = max(p->size, (u8)8);
	}
	wait_for_turn(p);
	race_point(p);
	if (ls.run->on_step && ls.phase == LS_ACTORS)
		show_step(p);
	ls.doing = *p;
	ls.doing_valid = true;
	if (p->kind == PT_USER) {
		load_user_tables();
		ls_stretch_end();
	}
}

static bool lockstep_point(struct point *p)
{
	if (ls.quiet || !ls.active)
		return false;
	ls.beats++;
	if (ls.watched && ls_stretch_passes(p))
		return false;
	if (ls.phase == LS_ACTORS || !not_searched(p))
		decide_at(p);
	return false;
}

/* ---- block, wake, time, interrupts ---- */

/* Threads bound to one vCPU go there; others to the last, away from the actors. */
static unsigned home_of(const struct thread *t)
{
	u64 mask = t->affinity & (ls.w.nr_vcpus < 64 ? (1ull << ls.w.nr_vcpus) - 1 : ~0ull);

	return mask ? 63u - (unsigned)__builtin_clzll(mask) : 0;
}

static bool allowed_here(const struct ls_thread *t)
{
	return (t->t->affinity >> t->vcpu) & 1;
}

/* A yield: others may go first, and a thread whose affinity has changed moves. */
void lockstep_preempt(void)
{
	u16 me = ls.running;

	this_cpu_write(vcpu_self.need_resched, false);
	if (!ls.active || ls.quiet || !preemptible())
		return;
	if (!allowed_here(thread_of_entity(me))) {
		leave_vcpu(vcpu_of_entity(me)->idle, home_of(thread_of_entity(me)->t));
		return;
	}
	wait_for_turn(NULL);
}

static void lockstep_block(void)
{
	u16 me = ls.running;
	struct ls_thread *t = thread_of_entity(me);
	struct ls_vcpu *v = vcpu_of_entity(me);
	u32 state = t->t->base.state;

	if (state != TS_BLOCKED && state != TS_KILLABLE && state != TS_DEAD)
		return;
	set_blocked(t, true);
	if (state == TS_DEAD) {
		v->dead = me;
		t->ended = true;
		ls.w.alive[t->role]--;
	}
	leave_vcpu(v->idle, t->vcpu);
	race_edge_acquire(t->t);
}

static struct ls_thread *add_thread(struct thread *t, unsigned vcpu)
{
	struct ls_thread *n = &ls.w.thread[ls.w.nr_threads];

	ASSERT(ls.w.nr_threads < LAB_MAX_ENTITIES);
	ls.w.nr_threads++;
	*n = (struct ls_thread){.t = t, .vcpu = (u16)vcpu, .blocked = true, .leave_to = LS_NONE};
	ls.w.alive[LS_KERNEL]++;
	return n;
}

static void lockstep_entry(void *from, void *thread)
{
	(void)from;
	ls_back_to_world();
	race_edge_acquire(thread);
	race_edge_acquire(vcpu_of_entity(ls.running));
	if (ls.run->measure)
		ls.since = rdtsc();
	local_irq_enable();
	thread_main();
}

static void lockstep_wake(struct thread_base *base)
{
	struct thread *t = thread_of(base);
	u16 e = ls_entity_of(t);
	struct ls_thread *n;

	if (e == LS_NONE && base->state != TS_NEW)
		return;
	n = e == LS_NONE ? add_thread(t, home_of(t)) : thread_of_entity(e);
	if (base->state == TS_NEW) {
		settle_at(ls_entity_of(t), home_of(t));
		t->vcpu = n->vcpu;
		thread_stack_init(t, lockstep_entry);
	} else if (base->state != TS_BLOCKED && base->state != TS_KILLABLE) {
		return;
	}
	base->state = TS_RUNNING;
	set_blocked(n, false);
	if (ls.running != LS_NONE)
		n->ready_at = vcpu_of_entity(ls.running)->vtime;
}

static void lockstep_load_mm(struct tlb_ctx *ctx)
{
	if (tlb_switch_hook)
		tlb_switch_hook(ctx);
}

const struct sched_ops lockstep_ops = {
	.point = lockstep_point,
	.block = lockstep_block,
	.wake = lockstep_wake,
	.now = ls_now,
	.arm_timer = ls_arm_timer,
	.send_ipi = ls_send_ipi,
	.load_mm = lockstep_load_mm,
};

/* ---- the world's threads ---- */

/* An idle vCPU: takes interrupts, reaps what ended here, gives way to whoever is chosen. */
static void idle_loop(void *from, void *data)
{
	(void)from;
	(void)data;
	ls_back_to_world();
	for (;;) {
		struct ls_vcpu *v = vcpu_of_entity(ls.running);
		u16 dead = v->dead;

		if (dead != LS_NONE) {
			v->dead = LS_NONE;
			thread_of_entity(ls.running)->resting = false;
			ls_may_work(v);
			thread_reap(thread_of_entity(dead)->t);
		}
		thread_of_entity(ls.running)->resting = true;
		ls_offers_changed();
		wait_for_turn(NULL);
	}
}

void lockstep_world_init(unsigned nr, char *idle_stacks, size_t size_each)
{
	memset(&ls.w, 0, sizeof(ls.w));
	ls.w.nr_vcpus = nr;
	for (unsigned i = 0; i < nr; i++) {
		struct ls_vcpu *v = &ls.w.vcpu[i];
		struct thread *t = thread_of(vcpu_table[i]->thread);
		struct ls_thread *n = add_thread(t, i);

		n->idle = n->resting = true;
		ls_may_work(v);
		n->blocked = false;
		t->base.stack_low = idle_stacks + i * size_each;
		t->base.stack_high = idle_stacks + (i + 1) * size_each;
		t->sp = stack_prepare(t->base.stack_high, idle_loop, NULL);
		v->v = vcpu_table[i];
		v->v->pcpu = this_pcpu();
		v->v->irq_depth = v->v->preempt_depth = 0; /* areas are made with both above 0 */
		v->idle = v->runs = (u16)i;
		v->dead = v->first = LS_NONE;
		v->deadline_ns = ~0ull;
	}
}

void lockstep_role(struct thread *t, enum ls_role role)
{
	u16 e = ls_entity_of(t);
	struct ls_thread *n = e == LS_NONE ? add_thread(t, home_of(t)) : thread_of_entity(e);

	ls.w.alive[n->role]--;
	count_ready(n, -1);
	n->role = role;
	count_ready(n, 1);
	ls.w.alive[role]++;
}

/* ---- a phase of a run ---- */

/* Virtual time begins with the actors. */
static void reset_vtime(void)
{
	for (unsigned i = 0; i < ls.w.nr_vcpus; i++)
		ls.w.vcpu[i].vtime = ls.w.vcpu[i].irq_at = ls.w.vcpu[i].waited = 0;
	for (unsigned i = 0; i < ls.w.nr_threads; i++)
		ls.w.thread[i].ready_at = 0;
}

enum ls_end lockstep_run(struct ls_run *run, enum ls_phase phase)
{
	ls.run = run;
	ls.phase = phase;
	ls.phase_began = lockstep_beats();
	ls.end = LS_QUIET;
	ls.offers_known = false;
	ls.host_vcpu = ls.carried = this_cpu_ptr(vcpu_self);
	ls.pcpu = this_pcpu();
	ls.fpu_owner = NULL;
	ls.running = LS_NONE;
	ls.doing_valid = false;
	ls.progress = true;
	if (phase == LS_ACTORS)
		reset_vtime();
	ls.granted = 0;
	if (phase != LS_ACTORS)
		ls_stretch_grant_phase();
	ls.active = true;
	cpu_irq_enable();
	go(decide(NULL));
	cpu_irq_disable();
	ls.active = false;
	ls.quiet = false;
	return ls.end;
}

void lockstep_to_host(void)
{
	ls.quiet = true;
	ls_stretch_close();
	carry(ls.host_vcpu);
	pass_fpu(NULL);
}

void lockstep_fail(enum lab_verdict verdict, const char *fmt, ...)
{
	struct lab_outcome *o = &ls.run->outcome;
	va_list args;

	lockstep_to_host();
	if (o->verdict == LV_SAFE) {
		o->verdict = verdict;
		o->entity = ls.running;
		va_start(args, fmt);
		vsnprintf(o->why, sizeof(o->why), fmt, args);
		va_end(args);
	}
	ls.end = LS_BAD;
	go(LS_NONE);
	__builtin_unreachable();
}
