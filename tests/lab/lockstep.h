/*
 * lockstep.h - the run mode `lockstep`: one CPU carries every vCPU of a world, and a strategy
 * decides at each schedule point which of them takes the next step.
 *
 * Owns: sched_ops of lockstep, the entities (threads as the lab knows them), pending interrupts,
 * virtual
 *       time, the steps of a run. Implements the contract of kernel/sched/sched.h.
 * Not here: memory of the world (world.c), the search over schedules (search.c), scenarios.
 *
 * Idea: a thread reaching a point asks on the lab's own stack who goes next; if that is somebody
 * else it
 *       switches to them directly. What a vCPU does in the middle of a thread (taking
 *       interrupts, being
 *       preempted) is done by that thread when it is resumed, so it has points like everything
 *       else.
 *
 *	point -> decide: [go on] [another vCPU's thread] [interrupt of a vCPU] [another thread here]
 *	                    |            |                      |                    |
 *	                 return     switch stacks     resumed thread handles   resumed thread leaves
 *	                                              it, then asks again      its vCPU to the other
 *
 * Invariant: all of this file's state is host side; a restore of the world never touches it. What
 * must
 *            follow the world is saved and put back by lockstep_save() and lockstep_load().
 */
#ifndef TESTS_LAB_LOCKSTEP_H
#define TESTS_LAB_LOCKSTEP_H

#include "kernel/core/point.h"
#include "kernel/sched/thread.h"
#include "tests/lab/conflict.h"
#include "tests/lab/schedule.h"
#include "tests/lab/strategy.h"
#include "tests/lab/verdict.h"

/* Which threads may run now. Threads of no role (kernel threads) run in every phase. */
enum ls_phase {
	LS_SETUP,  /* the world is being made: no actor, no judge */
	LS_ACTORS, /* what is searched over */
	LS_JUDGE,  /* after the last actor ended: settle, compare; never part of a schedule */
};

enum ls_role { LS_KERNEL, LS_ACTOR, LS_JUDGING, LS_ROLES };

/* How a phase ended. */
enum ls_end {
	LS_QUIET, /* setup: nobody can run. actors, judge: all of them have ended */
	LS_BAD,	  /* the outcome is noted; the world is to be thrown away */
	LS_LOST,  /* the strategy named a choice that is not there */
};

/* One step taken, for traces and replays. */
struct ls_step {
	u64 nr;
	u64 clock; /* of lockstep_clock() */
	u16 entity;
	bool irq; /* inside an interrupt handler */
	enum point_kind kind;
	u8 size;
	enum mem_order order;
	unsigned long obj;
	u64 value;
	unsigned long ip;
};

/* What a run is given, and what it leaves. */
struct ls_run {
	struct lab_strategy *strategy;
	struct lab_schedule *schedule; /* recorded here, actors' phase only */
	struct conflict_set *conflicts;
	u64 step_budget; /* points of the actors' phase before `stall` */
	u64 ipi_cost;	 /* vtime: instructions from sender to target */
	bool learn;	 /* keep the conflict set (bounded) */
	bool measure;	 /* virtual time grows with instructions (vtime) */
	enum lab_verdict until; /* a note of it ends the run; LV_NR: none does */
	void (*on_step)(const struct ls_step *step); /* NULL: nobody watches */

	struct lab_outcome outcome;
	u64 points, decisions;
	u64 steps; /* shown to on_step */
	u32 reached; /* bit i: place i was reached */
	u32 noted[LV_NR]; /* how much of each verdict that is not bad was seen */
};

/*
 * lockstep_world_init - know no threads but the idle ones, which get a stack of @size_each bytes
 * each.
 *
 * @idle_stacks: in the world. Part of making a world: right after sched_world_init()
 */
void lockstep_world_init(unsigned nr, char *idle_stacks, size_t size_each);

extern const struct sched_ops lockstep_ops;

/* Of the running entity: virtual time under vtime, else steps of the run so far. */
u64 lockstep_clock(void);

/* The preempt hook of lockstep: a yield is a point without an operation. */
void lockstep_preempt(void);

/* Give @t a role before it is started, and a short name for traces: its thread name. */
void lockstep_role(struct thread *t, enum ls_role role);

/* Remember / put back what this file knows of the world, together with the world itself. */
void lockstep_save(void);
void lockstep_load(void);

/*
 * The part of thread @i's stack that nobody will read, since it is below what the thread saved when
 * it was left: [*low, *end). False: there is no thread @i.
 */
bool lockstep_dead_stack(unsigned i, unsigned long *low, unsigned long *end);

/*
 * lockstep_run - let the threads of @phase run until it ends.
 *
 * Context: the lab's own thread, interrupts off, all but the watchdog's held back: the flag is on
 * while the world runs. Returns on the same stack with the host's vCPU loaded
 */
enum ls_end lockstep_run(struct ls_run *run, enum ls_phase phase);

/*
 * lockstep_fail - the running thread showed @verdict: note it and leave the run for good.
 *
 * Does not return; the stack it was called on is never used again. From world code, also out of a
 * trap.
 */
__noreturn void lockstep_fail(enum lab_verdict verdict, const char *fmt, ...) __printf(2, 3);

/*
 * lockstep_to_host - from here on only lockstep_fail() may follow: the world is not trusted any
 * more.
 *
 * Loads the host's vCPU and FPU state, so that formatting and lookups work however broken the world
 * is.
 */
void lockstep_to_host(void);

/* Points pass where the answer is known (lockstep_stretch.c). Off, for its test: ask at each. */
extern bool lockstep_stretches;

/* Is a run in progress, and are we inside of it (not in the lab's own code)? */
bool lockstep_active(void);
/* The same, or in a step that the lab takes for a thread: a change of address space. */
bool lockstep_in_run(void);

/* The same, and in the actors' phase, where every point is taken. */
bool lockstep_searched(void);

/* Place @i was reached in this run. */
void lockstep_reach(unsigned i);

/* One unit of @verdict, which is not bad, was seen in this run, which goes on. */
void lockstep_note(enum lab_verdict verdict);

/* Grows with every point reached, in whatever phase; what the stall watchdog looks at. */
u64 lockstep_beats(void);

/* Has the setup or the judge passed so many points that it will never end? */
bool lockstep_endless(void);

/* Entity of the running thread; name of an entity. */
u16 lockstep_entity(void);
const char *lockstep_entity_name(u16 entity);
unsigned lockstep_nr_entities(void);
bool lockstep_entity_is_actor(u16 entity);
/* The locks that it holds, as far as they are recorded. */
const struct held_locks *lockstep_entity_holds(u16 entity);

/* Virtual time of the vCPU that is furthest, in instructions since the actors began (vtime). */
u64 lockstep_vtime(void);

/* Of the running thread's vCPU: its time, and how much of it it waited for others (vtime). */
u64 lockstep_my_vtime(u64 *waited);

#endif
