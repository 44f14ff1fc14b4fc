/*
 * ledger.c - snapshots of what lives, and their comparison.
 *
 * Idea: kinds are sorted by name and each family lists its lines in a fixed order, so two snapshots
 *       are compared line by line; a line that only one of them has counts 0 in the other.
 */
#include "kernel/core/ledger.h"

#include <limits.h>
#include <string.h>
#include "kernel/core/bug.h"
#include "kernel/core/format.h"

#define SETTLE_ROUNDS 2

static void add_line(struct ledger *out, const struct ledger_kind *kind, const char *name,
		     long live)
{
	if (out->nr == LEDGER_LINES_MAX)
		BUGF("the ledger has more than %d lines", LEDGER_LINES_MAX);
	out->line[out->nr++] = (struct ledger_line){ .name = name, .kind = kind, .live = live };
}

static void add_family(struct ledger *out, const struct ledger_kind *kind)
{
	unsigned n = kind->lines();

	for (unsigned i = 0; i < n; i++) {
		long live = 0;
		const char *name = kind->line(i, &live);

		add_line(out, kind, name, live);
	}
}

void ledger_snapshot(struct ledger *out)
{
	const struct ledger_kind *kind;

	out->nr = 0;
	for_each_registered(ledger_kind, kind) {
		if (kind->live)
			add_line(out, kind, kind->name, kind->live());
		else
			add_family(out, kind);
	}
}

static const struct ledger_line *find(const struct ledger *in, const struct ledger_line *like)
{
	for (unsigned i = 0; i < in->nr; i++) {
		if (in->line[i].kind == like->kind && !strcmp(in->line[i].name, like->name))
			return &in->line[i];
	}
	return NULL;
}

static void tell(const struct ledger_line *line, long before, long after,
		 void (*print)(const char *text))
{
	char text[128];

	if (!print)
		return;
	format(text, sizeof(text), "ledger: %s: %ld before, %ld after (%+ld)", line->name, before,
	       after, after - before);
	print(text);
	if (after > before && line->kind->report)
		line->kind->report(line->kind->live ? NULL : line->name, print);
}

int ledger_diff(const struct ledger *before, const struct ledger *after,
		void (*print)(const char *line))
{
	const struct ledger_line *other;
	int differing = 0;

	for (unsigned i = 0; i < after->nr; i++) {
		const struct ledger_line *line = &after->line[i];
		long was;

		other = find(before, line);
		was = other ? other->live : 0;
		if (was == line->live)
			continue;
		tell(line, was, line->live, print);
		differing++;
	}
	for (unsigned i = 0; i < before->nr; i++) {
		const struct ledger_line *line = &before->line[i];

		if (line->live == 0 || find(after, line))
			continue;
		tell(line, line->live, 0, print);
		differing++;
	}
	return differing;
}

/*
 * Runs the steps of the lowest order above @after and below @end; returns that order, or @end when
 * none is left.
 */
static int settle_next(int after, int end)
{
	const struct settle_step *step;
	int order = end;

	for_each_registered(settle_step, step) {
		if (step->order > after && step->order < order)
			order = step->order;
	}
	if (order == end)
		return end;
	for_each_registered(settle_step, step) {
		if (step->order == order)
			step->fn();
	}
	return order;
}

static void settle_round(int end)
{
	int order = INT_MIN;

	do
		order = settle_next(order, end);
	while (order != end);
}

void ledger_settle_deferred(void)
{
	settle_round(SETTLE_KEPT);
}

void ledger_settle(void)
{
	for (int round = 0; round < SETTLE_ROUNDS; round++)
		settle_round(INT_MAX);
}
