/*
 * fork_marks.c - moments of one fork, as `costs` takes them: all there, in order, of the fork that
 * was asked for.
 */
#include <string.h>

#include "mm/swap.h"
#include "tests/bench/fork_marks.h"
#include "tests/ktest.h"

static void expect_order(struct ktest *t, const struct fork_marks *m, const enum mm_mark *mark,
			 unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		t_expect(t, m->at[mark[i]] != 0);
	for (unsigned i = 1; i < nr; i++)
		t_expect_eq(t, fork_marks_between(m, mark[i - 1], mark[i]),
			    m->at[mark[i]] - m->at[mark[i - 1]]);
	t_expect(t, m->done > m->at[MARK_PARENT]);
}

KTEST(fork_marks, a_fork_that_succeeds, KT_UNIT)
{
	static const enum mm_mark came[] = {MARK_CLONE, MARK_COPY, MARK_PUBLISH, MARK_LIVE,
					    MARK_PARENT};
	const struct fork_parent parent = {.vmas = 4, .k = 4, .pages = 4, .sharers = 2};
	char why[FORK_MARKS_WHY];
	struct fork_marks m;

	t_assert(t, fork_marks_measure(&parent, "zero_marker", &m, why) == 0);
	expect_order(t, &m, came, ARRAY_SIZE(came));
	t_expect_eq(t, m.at[MARK_RECOVER], 0ul);
	t_expect(t, m.exit > 0);
}

static void fails(struct ktest *t, const struct fork_parent *parent)
{
	static const enum mm_mark came[] = {MARK_CLONE,	 MARK_COPY,   MARK_PUBLISH, MARK_RECOVER,
					    MARK_UNLOCK, MARK_PARENT, MARK_ZAP};
	char why[FORK_MARKS_WHY];
	struct fork_marks m;

	t_assert(t, fork_marks_measure(parent, "zero_marker", &m, why) == 0);
	expect_order(t, &m, came, ARRAY_SIZE(came));
	t_expect(t, m.done > m.at[MARK_ZAP]);
	t_expect_eq(t, m.at[MARK_LIVE], 0ul);
	t_expect_eq(t, m.exit, 0ul);
}

KTEST(fork_marks, a_fork_that_fails, KT_UNIT)
{
	fails(t, &(struct fork_parent){.vmas = 4, .k = 2, .pages = 16, .order = 2});
	fails(t, &(struct fork_parent){.vmas = 4, .k = 3, .pages = 4, .swapped = 2});
}

KTEST(fork_marks, what_cannot_be_measured, KT_UNIT)
{
	const struct fork_parent folios = {.vmas = 1, .k = 1, .pages = 4, .order = 2, .swapped = 4};
	const struct fork_parent parent = {.vmas = 1, .k = 1, .pages = 1};
	char why[FORK_MARKS_WHY] = "";
	struct fork_marks m;

	t_expect(t, fork_marks_measure(&parent, "nothing", &m, why) == -1);
	t_expect(t, strstr(why, "nothing") != NULL);
	t_expect(t, fork_marks_measure(&folios, "zero_marker", &m, why) == -1);
	t_expect(t, strstr(why, "no such parent") != NULL);
}
