/*
 * strategy.h - who runs next: the interface between the lockstep engine and its strategies.
 *
 * Owns: the vocabulary of a decision (entity, choice, decision) and the strategy operations.
 * Not here: how a choice is carried out (lockstep.c), which choices exist (lockstep.c), how a
 * schedule is written down (schedule.h).
 *
 * Idea: the engine asks at every schedule point that leaves more than one choice. A strategy sees
 * only entities, never memory, so it compiles and is tested on the host, and the same decisions
 * always give the same run.
 * Invariant: a strategy holds no pointer into the world, and its state outlives restores.
 */
#ifndef TESTS_LAB_STRATEGY_H
#define TESTS_LAB_STRATEGY_H

#include "kernel/base/compiler.h"
#include "kernel/base/types.h"

#define LAB_MAX_ENTITIES 160 /* threads of one world, kernel threads and idle ones included */
#define LAB_MAX_CHOICES	 (2 * LAB_MAX_ENTITIES)

#define LAB_CHANGES_MAX 8 /* priority changes in a run of pct */

/* One thing that may happen next: a thread goes on, or its vCPU takes what is pending. */
struct lab_choice {
	u16 entity; /* thread index, stable within a scenario */
	bool irq;   /* take the pending interrupts of the vCPU on this thread's stack first */
	u64 vtime;  /* virtual time of the entity's vCPU, in instructions */
};

/* One decision. Asked only when nr > 1. */
struct lab_decision {
	const struct lab_choice *opt;
	unsigned nr;
	unsigned nr_work; /* the first so many are deferred work: interrupts, kernel threads */
	int cur;	  /* index of "the running thread goes on", -1 when it cannot */
	bool conflict;	  /* the running thread is about to touch what another entity touches too */
};

struct lab_strategy;

struct lab_strategy_ops {
	const char *name;  /* the word before the colon */
	const char *usage; /* one line for help and for errors */

	/* Parse the text after the colon (NULL when there is none). 0, or -EINVAL with *why set. */
	int (*parse)(struct lab_strategy *s, const char *args, const char **why);
	/* A run begins. @run counts from 0. */
	void (*begin)(struct lab_strategy *s, u64 run);
	/* Index into d->opt, always valid, except replay, which may answer LAB_DIVERGED. */
	unsigned (*choose)(struct lab_strategy *s, const struct lab_decision *d);
	/*
	 * @pick was chosen at @d. How many of the decisions that follow, with the same choices and
	 * @pick's thread running, would it answer by @pick again? At most @most. NULL: never known.
	 */
	unsigned (*repeats)(struct lab_strategy *s, const struct lab_decision *d, unsigned pick,
			    unsigned most);
	/* @nr of those were passed over without asking. */
	void (*passed)(struct lab_strategy *s, unsigned nr);
	/* The run ended. @grown: the conflict set learned something new. True = another run. */
	bool (*end)(struct lab_strategy *s, bool grown);
};

#define LAB_DIVERGED (~0u)

/* State of every strategy; only one is active, so they share one struct. */
struct lab_strategy {
	const struct lab_strategy_ops *ops;
	u64 seed;
	u64 rng;	 /* state of the generator */
	u64 rng_ahead;	 /* random: its state after so many of the decisions it was asked about */
	unsigned ahead, choices, stays_at;
	u64 runs_wanted; /* random, pct: runs asked for; bounded: at most, 0: all */
	u64 runs_done;
	unsigned look_every;	/* random: one decision in so many may switch; 0: by priority */
	unsigned run_decisions; /* random, pct: of this run */
	unsigned longest;	/* random, pct: of the longest run */
	u64 salt;		/* priorities of this run */
	unsigned change_at[LAB_CHANGES_MAX], nr_changes;
	u16 demoted[LAB_CHANGES_MAX];
	unsigned nr_demoted;
	unsigned bound;	 /* bounded: preemptions and delays allowed; pct: depth */
	unsigned level;	 /* bounded: times the default may be left in this pass */
	unsigned passes; /* bounded: passes over the tree */
	u64 offered[LAB_MAX_CHOICES / 64 + 1]; /* pct: entities there ever were to choose from */
	unsigned nr_offered;
	bool complete;	 /* bounded: every schedule within the bound was run */
	bool grown;	 /* bounded: the conflict set grew during this pass */

	struct lab_frame *frames; /* bounded: the path of the search */
	unsigned nr_frames, max_frames, depth;
	bool overflow; /* a run had more decisions than frames */
	bool known;    /* the run before went the same way up to the next decision */

	const struct lab_segment *script; /* script and replay: what to follow */
	unsigned nr_script, script_pos;
	u32 script_used;
	bool diverged;
};

/* One decision on the path of the bounded search. */
struct lab_frame {
	u16 nr;	      /* choices there were */
	u16 chosen;   /* the one taken in this run */
	u16 first;    /* the one taken first: the default */
	s16 cur;      /* as in lab_decision */
	u16 spent;    /* preemptions and delays spent before this decision */
	u16 left;     /* times the default was left before this decision */
	bool free;    /* leaving the default costs nothing */
	bool may_pay; /* leaving it is worth its price */
};

/*
 * lab_strategy_parse - make @s from a word such as "random:1000" or "bounded:2".
 *
 * @seed: for the generator; strategies without randomness ignore it.
 * @why:  set to a static text naming what is accepted when -EINVAL is returned.
 * Returns 0 or -EINVAL; @s is unchanged on error. The caller provides frames and script.
 */
int __must_check lab_strategy_parse(struct lab_strategy *s, const char *word, u64 seed,
				    const char **why);

/* The strategies there are, NULL-terminated, for help. */
extern const struct lab_strategy_ops *const lab_strategies[];

extern const struct lab_strategy_ops strategy_random, strategy_pct, strategy_bounded,
	strategy_script, strategy_replay, strategy_vtime;

/*
 * pct_miss - by which chance @runs runs of pct all miss a bug of @depth, at most; in millionths.
 *
 * @nr:         entities there are to choose from, at least 1
 * @decisions:  of one run, at least 1
 * A run finds it with a chance of 1 / (nr * decisions^(depth-1)), wherever it is.
 */
u32 pct_miss(u64 nr, u64 decisions, unsigned depth, u64 runs);

/*
 * A number of schedules at @text, at least 1: what follows it, with *@val set; NULL: there is none.
 */
const char *lab_strategy_count(const char *text, u64 *val);

/* Uniform number below @n from the strategy's own generator. */
unsigned lab_rng_below(struct lab_strategy *s, unsigned n);

#endif
