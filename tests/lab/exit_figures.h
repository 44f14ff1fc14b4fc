/*
 * exit_figures.h - what the last run of `scenario exit` took, for those who print tables.
 *
 * Times are virtual: instructions of the actor's own vCPU since the actors began. They are measured
 * with strategy=vtime; in a search they are 0.
 */
#ifndef TESTS_LAB_EXIT_FIGURES_H
#define TESTS_LAB_EXIT_FIGURES_H

#include "kernel/base/types.h"

/* From one moment to another on one vCPU. */
struct exit_span {
	u64 begin, end;
	u64 waited; /* of it: until somebody else let it go on */
};

#define EXIT_REAPERS_MAX 4

/* Host side; filled by the last run. */
extern struct exit_figures {
	struct exit_span zap;  /* exit_mmap unmaps */
	struct exit_span lock; /* it waits for the write lock behind that */
	u64 done;	       /* when it is over; the struct may stay */
	unsigned nr_reapers;
	struct exit_span reap[EXIT_REAPERS_MAX];
	u64 overlap;	   /* while exit and the first reaper were both unmapping */
	long pages;	   /* there were */
	long pages_reaped; /* of them: by reapers */
} exit_figures;

/* Of a span: all of it, and without what was waited. */
static inline u64 exit_span_ticks(const struct exit_span *s)
{
	return s->end - s->begin;
}

#endif
