/*
 * ledger.h - how many objects of every kind live.
 *
 * Owns: the kinds, snapshots, their comparison, and settling: letting everything that frees later
 *       free now.
 * Idea: whoever owns objects registers a kind with a function that counts the living. A test
 *       compares a settled ledger before and after; a difference is a leak (or a double free),
 *       named by kind and owners.
 *
 *	LEDGER_KIND(threads, threads_live, NULL);
 *	SETTLE_STEP(rcu, 20, rcu_barrier);
 */
#ifndef KERNEL_CORE_LEDGER_H
#define KERNEL_CORE_LEDGER_H

#include "kernel/base/compiler.h"
#include "kernel/core/registry.h"

#define LEDGER_LINES_MAX 128

/*
 * One kind is one line, or a family of lines whose number and names are known at run time (slab
 * caches).
 */
struct ledger_kind {
	const char *name;
	/*
	 * One line; or NULL and the next two. What is counted without a lock spares the lab the
	 * writing of one, after every run.
	 */
	long (*live)(void);
	unsigned (*lines)(void);			/* how many lines the family has now */
	const char *(*line)(unsigned i, long *live);	/* name and count of the i-th */
	/*
	 * Names the owners of what lives, one line each; NULL = unknown. @line: the family's line
	 * name, or NULL.
	 */
	void (*report)(const char *line, void (*print)(const char *text));
};

#define LEDGER_KIND(kind, live_, report_)                                                          \
	static const struct ledger_kind ledger_kind_##kind = {                                     \
		.name = #kind,                                                                     \
		.live = live_,                                                                     \
		.report = report_,                                                                 \
	};                                                                                         \
	REGISTER(ledger_kind, &ledger_kind_##kind)

#define LEDGER_FAMILY(kind, lines_, line_, report_)                                                \
	static const struct ledger_kind ledger_kind_##kind = {                                     \
		.name = #kind,                                                                     \
		.lines = lines_,                                                                   \
		.line = line_,                                                                     \
		.report = report_,                                                                 \
	};                                                                                         \
	REGISTER(ledger_kind, &ledger_kind_##kind)

/*
 * Things that make deferred frees happen; run in ascending @order, several rounds (a step may feed
 * another). From SETTLE_KEPT on they give back what allocators keep for their next user.
 */
#define SETTLE_KEPT 40
struct settle_step {
	const char *name;
	int order;
	void (*fn)(void);
};

#define SETTLE_STEP(step, order_, fn_)                                                             \
	static const struct settle_step settle_step_##step = {                                     \
		.name = #step,                                                                     \
		.order = order_,                                                                   \
		.fn = fn_,                                                                         \
	};                                                                                         \
	REGISTER(settle_step, &settle_step_##step)

struct ledger_line {
	const char *name; /* the owner's string: must live as long as the ledger */
	const struct ledger_kind *kind;
	long live;
};

struct ledger {
	unsigned nr;
	struct ledger_line line[LEDGER_LINES_MAX];
};

/*
 * Counts everything now, in order of kind and line. Context: as the kinds' functions; nobody else
 * changes anything.
 */
void ledger_snapshot(struct ledger *out);

/*
 * ledger_diff - which lines differ between @before and @after?
 *
 * @print:   called with one line of text per difference and per owner known; NULL = silent
 * Returns:  number of differing lines; a line missing on one side counts as 0 there
 */
int ledger_diff(const struct ledger *before, const struct ledger *after,
		void (*print)(const char *line));

/* Runs all settle steps in order, twice. Context: a thread, may sleep, no lock held. */
void ledger_settle(void);

/* Runs those below SETTLE_KEPT, once: what is about to be freed is. Context: as ledger_settle(). */
void ledger_settle_deferred(void);

#endif
