/*
 * lab.h - what scenarios are made of: kinds, parameters, actors, and what code inside a world may
 * say.
 *
 * Owns: the interface between a kind of scenario (files beside this one) and the lab.
 *
 * A kind sets up a world once (its setup runs in it, as a thread), names its actors, and checks at
 * the end. The world is then run again and again from the snapshot, each time under another
 * schedule.
 *
 *	setup -> snapshot -> { actors -> judge (check, settle, ledger) -> restore } x schedules
 *
 * State of a kind that a run changes must lie in the world: allocate it in setup (frames, slab), or
 * mark a variable __lab_world (zero at the start of setup). Everything else in tests/ is host side
 * and survives restores.
 */
#ifndef TESTS_LAB_LAB_H
#define TESTS_LAB_LAB_H

#include "kernel/core/kv.h"
#include "kernel/core/registry.h"
#include "kernel/x86/layout.h"
#include "tests/lab/lockstep.h"
#include "tests/lab/verdict.h"

#define __lab_world __section(".world_bss")

#define LAB_LINE_MAX	 512
#define LAB_SCHEDULE_MAX 15200 /* text of a schedule: fits a shell's line with all else */

/* What is done to a bad verdict's line before it is shown. */
enum lab_shrinking {
	SHRINK_UNSAID, /* no word shrink=: off, unless a command has its own default */
	SHRINK_OFF,
	SHRINK_SWITCHES, /* fewest switches */
};

/* One scenario as given: the words common to all kinds. A kind keeps what it parsed for itself. */
struct scenario {
	const struct scenario_kind *kind;
	/* Kind and words as given, without strategy=, seed= and expect=: what a replay repeats. */
	char line[LAB_LINE_MAX];
	char strategy_word[64];
	struct lab_strategy strategy;
	u64 seed;
	unsigned cpus;
	unsigned world_mib;
	u64 step_budget;
	enum lab_verdict expect; /* LV_NR: none given */
	enum lab_shrinking shrink;
	enum lab_verdict until;	 /* ends a run and the search, though it is not bad; LV_NR: none */
};

/* Frames that a scenario may fill: the world needs some for itself. */
static inline unsigned long scenario_room(const struct scenario *sc)
{
	return ((unsigned long)sc->world_mib << 20) / PAGE_SIZE * 3 / 4;
}

struct scenario_kind {
	const char *name;
	const char *usage; /* its own words, for help */

	/*
	 * Read own words from @kv (host side; errors through kv_fail) and set sc->cpus unless it
	 * was given.
	 */
	void (*parse)(struct scenario *sc, struct kv *kv);
	/* Build the initial state; make actors with lab_actor(). In the world. 0 or -errno. */
	int (*setup)(void);
	/*
	 * After all actors have ended: look, free what is left; lab_fail() on anything wrong. In
	 * the world.
	 */
	void (*check)(void);
	/*
	 * Places that must be reached for `safe`, NULL-terminated; asked after parse. One whose
	 * name ends in `?` is counted and told, not asked for.
	 */
	const char *const *(*reach)(void);
	/* Before the world is made, and after it has gone: switches of the host side. May be NULL.
	 */
	void (*begin)(void);
	void (*end)(void);
	/* After a search: what the kind has measured, for people. May be NULL. */
	void (*tell)(void);
};

#define SCENARIO_KIND(kind_) REGISTER(scenario_kind, &kind_)

/*
 * lab_actor - a thread whose steps are searched over, from setup only.
 *
 * @name:  shown in traces
 * @cpu:   the vCPU it is bound to
 * Returns 0 or -ENOMEM. It starts with every run.
 */
int __must_check lab_actor(const char *name, unsigned cpu, void (*fn)(void *arg), void *arg);

/*
 * lab_actor_task - the same for @tsk, made by copy_process() and not woken up yet.
 *
 * Its thread is joined by the process itself; the kind's check waits for it (task_wait).
 */
void lab_actor_task(struct task_struct *tsk, unsigned cpu);

/* Name of an object in traces; @addr must stay the same in every run (made in setup). */
void lab_name(const volatile void *addr, size_t size, const char *name);

/* Place @i of the kind's reach list was reached in this run. */
static inline void lab_reach(unsigned i)
{
	lockstep_reach(i);
}

/* One unit of something that is not wrong, but is to be told: LV_WASTE, LV_EMPTY, ... */
#define lab_note(verdict) lockstep_note(verdict)

/* An actor or check saw something wrong: ends the run. */
#define lab_fail(verdict, ...) lockstep_fail(verdict, __VA_ARGS__)
#define lab_assert(cond)                                                      \
	do {                                                                  \
		if (unlikely(!(cond)))                                        \
			lockstep_fail(LV_CORRUPT, "%s does not hold", #cond); \
	} while (0)

/* A bad schedule made short (shrink.h). */
struct lab_shrunk {
	unsigned switches_before, switches;
	u64 points_before, points;
	unsigned runs; /* it took; 0: it was not tried */
	bool ended;    /* by the budget: a shorter one may exist */
	struct lab_outcome outcome; /* of the short one: the same verdict */
};

/* What a search by pct may have missed (strategy.h). */
struct lab_pct {
	unsigned depth; /* 0: it was another strategy */
	unsigned entities, decisions;
	u32 miss; /* chance that a bug of this depth was missed, at most; in millionths */
};

/* How a search went. */
struct lab_result {
	enum lab_verdict verdict;
	struct lab_summary summary;
	u64 restored_pages; /* over all restores */
	u64 ticks; /* clock ticks of all schedules, world making excluded, and of their parts */
	u64 ticks_restore, ticks_actors, ticks_judge;
	bool complete; /* bounded: everything within the bound was run */
	bool aborted;  /* by a key */
	unsigned passes;
	u64 vtime;	/* vtime strategy: when the last actor ended */
	/* Of the first bad run, made short, in the lab's buffer; NULL: too long. */
	char *schedule;
	struct lab_pct pct;
	bool reproduced; /* it gave the same verdict when replayed */
	struct lab_shrunk shrunk;
};

/*
 * lab_search - run @sc under its strategy until the first bad verdict, sc->until, or the end.
 *
 * @progress: say on the log how far it is, now and then
 * Returns 0 with *@res filled, or a negative errno with a clear line in @why (no world could be
 * made).
 * Context: thread with floating point allowed (shell, test); the other CPUs stand still meanwhile
 */
int __must_check lab_search(struct scenario *sc, struct lab_result *res, bool progress, char *why,
			    size_t len);

/* How the steps of a replay are shown. Called after the run, on the host side. */
struct lab_print {
	void (*line)(const char *text);
	enum {
		LAB_STEPS,   /* one form, for comparing */
		LAB_COLUMNS, /* actors side by side, for people */
		LAB_RECORDS, /* with locks and windows, for programs (timeline.h) */
	} form;
};

/*
 * lab_replay - run @sc once under @schedule and show every step of the actors' phase.
 *
 * @schedule: NULL: as the strategy of @sc does first
 * Returns 0 with *@res filled, or a negative errno with a clear line in @why: -EINVAL for a
 * schedule that cannot be read, -ESTALE for one that does not fit the scenario. Context: as
 * lab_search()
 */
int __must_check lab_replay(struct scenario *sc, const char *schedule, struct lab_result *res,
			    struct lab_print *print, char *why, size_t len);

/*
 * scenario_parse - read "KIND k=v ..." into @sc; every word is checked before anything is done.
 *
 * @argv:  argv[0] is the kind
 * Returns 0, or -EINVAL with the one clear line in @why.
 */
int __must_check scenario_parse(struct scenario *sc, int argc, char **argv, char *why, size_t len);

/* The same for a line, its words not yet taken apart. */
int __must_check scenario_read(struct scenario *sc, char *why, size_t len, const char *fmt, ...)
	__printf(4, 5);

/* Check world contents after every restore (`set world_verify on`). */
extern bool lab_world_verify;

#endif
