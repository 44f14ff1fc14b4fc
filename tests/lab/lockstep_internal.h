/*
 * lockstep_internal.h - shared by lockstep.c (carrying out) and lockstep_decide.c (choosing).
 */
#ifndef TESTS_LAB_LOCKSTEP_INTERNAL_H
#define TESTS_LAB_LOCKSTEP_INTERNAL_H

#include "tests/lab/lockstep.h"

#define LS_NONE	     0xffff
#define LS_TIMER_BIT (1u << IPI_NR) /* among a vCPU's pending interrupts */

/* A thread as the lab knows it. */
struct ls_thread {
	struct thread *t;
	u16 vcpu;
	u16 next_here; /* next thread at home on the same vCPU */
	enum ls_role role;
	bool idle;
	bool listed;	/* on its vCPU's list */
	bool blocked;	/* left through block() and not woken since */
	bool ended;	/* its memory may be another thread's by now */
	bool resting;	/* idle only: has nothing to do but to wait for interrupts and threads */
	bool irq_first; /* told to take its vCPU's pending interrupts when resumed */
	u16 leave_to;	/* told to give its vCPU to this entity when resumed */
	bool spinning;	/* in a busy wait: runs again after somebody touched @wait_obj */
	unsigned long wait_obj;
	unsigned wait_bytes;
	u64 ready_at; /* virtual time at which it became able to run */
};

struct ls_vcpu {
	struct vcpu *v;
	u16 idle;    /* entity */
	u16 runs;    /* entity */
	u16 first;   /* threads at home here, idle one excluded */
	u16 dead;    /* entity that ended here and was not reaped yet */
	u16 ready[LS_ROLES]; /* threads at home here that are not blocked, by role */
	u32 pending; /* interrupts */
	u64 deadline_ns;
	u8 depths; /* what its depths allowed when choices were collected last */
	u64 vtime;
	u64 waited; /* of it: until somebody else let it go on */
	u64 irq_at; /* virtual time at which the first pending interrupt arrives */
};

struct lockstep {
	struct ls_run *run;
	enum ls_phase phase;
	enum ls_end end;
	bool active; /* a run is in progress */
	bool quiet;  /* inside the lab: points mean nothing */
	u16 running; /* entity; LS_NONE: the host */
	u16 next;    /* what lockstep_decide() decided */
	u64 beats;   /* points reached since boot */
	u64 phase_began; /* lockstep_beats() then */
	unsigned long host_sp;
	struct vcpu *host_vcpu;
	struct vcpu *carried; /* whose area %gs points at */
	struct pcpu *pcpu;
	struct thread_base *fpu_owner; /* of the world, may own the FPU; NULL: the host */
	u64 since;		       /* time stamp when the running entity was let go */

	/* What the running entity is about to do; done when it is back at its next point. */
	struct point doing;
	bool doing_valid;
	bool offers_known; /* nothing has changed who may go on since the choices were collected */
	u64 granted; /* points that may be passed when the world goes on */
	u64 opened;  /* granted when it went on; points_left and watched: not passed yet */
	u64 watched; /* may be passed as long as the depths of the running vCPU stay */
	bool by_depths; /* that is how the next are granted */
	bool asked;  /* at each of them there is a choice */
	bool progress; /* somebody wrote something since the busy waiters last looked */

	/* Follows the world. */
	struct ls_world {
		struct ls_thread thread[LAB_MAX_ENTITIES];
		struct ls_vcpu vcpu[MAX_VCPUS];
		unsigned nr_threads, nr_vcpus;
		unsigned alive[3]; /* threads of each role that have not ended */
		unsigned nr_spinning;
		u64 may_work;		/* vCPUs that may have something to do besides actors */
		u64 has_ready[LS_ROLES];  /* vCPUs whose ready[role] is not 0 */
		u64 has_several;	  /* vCPUs with more than one ready thread of a role */
		u64 now_ns;
	} w, saved;
};

extern struct lockstep ls;

/* What the depths of @v allow: 0 nothing, 1 interrupts, 2 another thread too. */
static inline u8 ls_depths_of(const struct ls_vcpu *v)
{
	if (v->v->irq_depth != 0)
		return 0;
	return v->v->preempt_depth == 0 ? 2 : 1;
}

/* Of sched_ops, in lockstep_state.c. */
u64 ls_now(void);
void ls_arm_timer(u64 deadline_ns);
void ls_send_ipi(unsigned vcpu, enum ipi_kind kind);

/* The step that the running entity was about to take is done: who waits for it looks again. */
void ls_step_done(void);

/* ---- lockstep_stretch.c ---- */

/* Choice @pick of @d was made, by which @t goes on: for how many points is nobody asked again? */
void ls_stretch_grant(const struct lab_decision *d, unsigned pick, const struct ls_thread *t);
/* Nobody is asked in this phase. */
void ls_stretch_grant_phase(void);
/* The lab's own code runs: what was passed is put down. Actors: the next point is heard. */
void ls_stretch_close(void);

/* Points passed and not put down yet. The watchdog's interrupt asks too, at any instruction. */
static inline u64 ls_stretch_passed(void)
{
	return ls.opened ? ls.opened - points_left - ls.watched : 0;
}

/* The world goes on: its points count from here. */
static inline void ls_back_to_world(void)
{
	ls.quiet = false;
	ls.opened = 0;
	barrier();
	ls.watched = ls.by_depths ? ls.granted : 0;
	points_left = ls.granted - ls.watched;
	barrier();
	ls.opened = ls.granted;
}

static inline void ls_stretch_end(void)
{
	if (ls.phase == LS_ACTORS && ls.opened)
		ls_stretch_close();
}

/* @p was heard: is it passed in a stretch that depends on the depths? */
static inline bool ls_stretch_passes(const struct point *p)
{
	const struct ls_vcpu *v = &ls.w.vcpu[ls.w.thread[ls.running].vcpu];

	if (p->kind == PT_WAIT || p->kind == PT_USER || v->depths != ls_depths_of(v))
		return false;
	ls.watched--;
	points_wrote |= p->kind != PT_LOAD;
	return true;
}

/* Who may go on is not what it was when the choices were collected. */
static inline void ls_offers_changed(void)
{
	ls.offers_known = false;
	ls_stretch_end();
}

/* vCPU @v may have an interrupt, a dead thread or a kernel thread now, or an idle one at work. */
static inline void ls_may_work(const struct ls_vcpu *v)
{
	ls.w.may_work |= 1ull << (v - ls.w.vcpu);
	ls_offers_changed();
}

/* Do the choices depend on the depths of the vCPU of @t? The lab is not told of those. */
static inline bool ls_depths_matter(const struct ls_thread *t)
{
	return (ls.w.may_work | ls.w.has_several) >> t->vcpu & 1;
}

/* The entity of @t, which has not ended; LS_NONE: nobody was told of it. */
u16 ls_entity_of(const struct thread *t);

/*
 * lockstep_decide - choose who goes next, into ls.next.
 *
 * @point:  the struct point the running entity stands at; NULL when it stands at none
 * ls.next is the entity to resume (with irq_first or leave_to set if it has to), or LS_NONE: the
 * host. On the lab's own stack.
 */
void lockstep_decide(void *point);

#endif
