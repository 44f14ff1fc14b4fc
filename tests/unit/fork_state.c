/*
 * fork_state.c - what a failed fork leaves at the moment its child is unlocked, as a table.
 *
 * Owns: the rows: semantics, parent, failure, and the child's tree, flags and counts then.
 * Idea: a child's tree is one letter per piece: C a VMA of its own, P one of its parent's, M the
 *       marker, . a hole that a VMA of the parent's left. The facts are those of the semantics'
 *       definition, not of the code: a row is what the literature says.
 */
#include <errno.h>
#include <string.h>

#include "kernel/core/fault.h"
#include "mm/maple_tree.h"
#include "tests/fork_run.h"
#include "tests/ktest_internal.h"

#define TREE_MAX 32u

static char seen_tree[TREE_MAX + 1];

static char piece(const struct mm_struct *mm, void *entry)
{
	if (xa_is_zero(entry))
		return 'M';
	return ((struct vm_area_struct *)entry)->vm_mm == mm ? 'C' : 'P';
}

/* The VMAs of the shape one after the other; between them are free pages that do not count. */
static void read_tree(struct mm_struct *mm, const struct fork_shape *shape)
{
	unsigned n = 0;

	memset(seen_tree, 0, sizeof(seen_tree));
	if (mtree_empty(&mm->mm_mt))
		return;
	for (unsigned long i = 0; i < shape->vmas && n < TREE_MAX; i++) {
		MA_STATE(mas, &mm->mm_mt, 0, 0);
		void *entry;

		mas_set(&mas, fork_shape_addr(shape, i));
		entry = mas_walk(&mas);
		seen_tree[n++] = entry ? piece(mm, entry) : '.';
	}
}

/* What is to be seen when the child is unlocked. */
struct row {
	const char *sem;
	u64 vmas;
	u64 dontcopy;
	const char *site; /* or NULL: killed at k */
	u64 k;
	u64 occ;
	const char *tree; /* "" empty */
	long map_count;
	unsigned long flags;
	long err;
};

#define UNSTABLE (1ul << MMF_UNSTABLE)
#define SKIP	 (1ul << MMF_OOM_SKIP)
#define RCU	 (1ul << 63) /* none of the mm's: readers may share its tree again */
#define NO	 SHAPE_NO

static const struct row rows[] = {
	/* The clone fails: empty, unflagged, private, a tree as new. */
	{"zero_marker", 4, NO, "F08", NO, 0, "", 0, RCU, -ENOMEM},
	{"full_teardown_both_locks", 4, NO, "F08", NO, 0, "", 0, RCU, -ENOMEM},
	{"prune_tail", 4, NO, "F08", NO, 0, "", 0, RCU, -ENOMEM},
	{"async_teardown", 4, NO, "F08", NO, 0, "", 0, RCU, -ENOMEM},
	{"zero_marker_flagged", 4, NO, "F08", NO, 0, "", 0, RCU, -ENOMEM},

	/* k = 0, before the store: the marker is the first entry, the tail is everything. */
	{"insert_one_by_one", 4, NO, "F13", 0, 0, "", 0, 0, -ENOMEM},
	{"zero_marker", 4, NO, "F13", 0, 0, "MPPP", 0, 0, -ENOMEM},
	{"zero_marker_sem", 4, NO, "F13", 0, 0, "MPPP", 0, 0, -ENOMEM},
	{"zero_marker_flagged", 4, NO, "F13", 0, 0, "MPPP", 0, UNSTABLE | SKIP, -ENOMEM},
	{"full_teardown_both_locks", 4, NO, "F13", 0, 0, "", 0, UNSTABLE | SKIP, -ENOMEM},
	{"full_teardown_child_lock", 4, NO, "F13", 0, 0, "", 0, UNSTABLE | SKIP, -ENOMEM},
	{"prune_tail", 4, NO, "F13", 0, 0, "", 0, RCU, -ENOMEM},
	{"prune_in_place", 4, NO, "F13", 0, 0, "", 0, 0, -ENOMEM},
	{"prune_tail_flagged", 4, NO, "F13", 0, 0, "", 0, UNSTABLE | RCU, -ENOMEM},
	{"late_publish", 4, NO, "F13", 0, 0, "MPPP", 0, 0, -ENOMEM},
	{"async_teardown", 4, NO, "F13", 0, 0, "", 0, UNSTABLE | SKIP, -ENOMEM},

	/* In the middle, before the store: VMA k is the first that is not the child's. */
	{"insert_one_by_one", 5, NO, "F13", 2, 0, "CC...", 2, 0, -ENOMEM},
	{"insert_one_by_one", 5, NO, "F25", 2, 0, "CC...", 2, 0, -ENOMEM},
	{"zero_marker", 5, NO, "F13", 2, 0, "CCMPP", 2, 0, -ENOMEM},
	{"zero_marker", 5, NO, "F17", 2, 0, "CCMPP", 2, 0, -ENOMEM},
	{"zero_marker", 5, NO, "F12", 3, 0, "CCCMP", 3, 0, -ENOMEM},
	{"zero_marker", 5, NO, "F14", 2, 0, "CCMPP", 2, 0, -ENOMEM},
	{"insert_one_by_one", 5, NO, "F14", 2, 0, "CC...", 2, 0, -ENOMEM},
	{"full_teardown_both_locks", 5, NO, "F14", 2, 0, "", 2, UNSTABLE | SKIP, -ENOMEM},
	{"prune_in_place", 5, NO, "F14", 2, 0, "CC...", 2, 0, -ENOMEM},
	{"zero_marker", 5, NO, "F15", 1, 0, "CMPPP", 1, 0, -ENOMEM},
	{"insert_one_by_one", 5, NO, "F15", 1, 0, "C....", 1, 0, -ENOMEM},
	{"full_teardown_both_locks", 5, NO, "F15", 1, 0, "", 1, UNSTABLE | SKIP, -ENOMEM},
	{"prune_in_place", 5, NO, "F15", 1, 0, "C....", 1, 0, -ENOMEM},
	{"async_teardown", 5, NO, "F15", 0, 0, "", 0, UNSTABLE | SKIP, -ENOMEM},
	{"zero_marker_sem", 5, NO, "F13", 2, 0, "CCMPP", 2, 0, -ENOMEM},
	{"zero_marker_flagged", 5, NO, "F13", 2, 0, "CCMPP", 2, UNSTABLE | SKIP, -ENOMEM},
	{"full_teardown_both_locks", 5, NO, "F13", 2, 0, "", 2, UNSTABLE | SKIP, -ENOMEM},
	{"full_teardown_child_lock", 5, NO, "F13", 2, 0, "", 2, UNSTABLE | SKIP, -ENOMEM},
	{"prune_tail", 5, NO, "F13", 2, 0, "CC...", 2, RCU, -ENOMEM},
	{"prune_in_place", 5, NO, "F13", 2, 0, "CC...", 2, 0, -ENOMEM},
	{"prune_tail_flagged", 5, NO, "F13", 2, 0, "CC...", 2, UNSTABLE | RCU, -ENOMEM},
	{"stable_gate", 5, NO, "F13", 2, 0, "CCMPP", 2, UNSTABLE, -ENOMEM},
	{"stable_gate+prune_tail", 5, NO, "F13", 2, 0, "CC...", 2, UNSTABLE | RCU, -ENOMEM},
	{"late_publish", 5, NO, "F13", 2, 0, "CCMPP", 2, 0, -ENOMEM},
	{"count_only_walkers", 5, NO, "F13", 2, 0, "CCMPP", 2, 0, -ENOMEM},
	{"count_only_walkers+prune_tail", 5, NO, "F13", 2, 0, "CC...", 2, RCU, -ENOMEM},
	{"async_teardown", 5, NO, "F13", 2, 0, "", 2, UNSTABLE | SKIP, -ENOMEM},

	/* Pages of VMA k: it is part of the head. */
	{"insert_one_by_one", 5, NO, "F18", 0, 1, "C....", 1, 0, -ENOMEM},
	{"zero_marker", 5, NO, "F18", 0, 1, "CMPPP", 1, 0, -ENOMEM},
	{"zero_marker_flagged", 5, NO, "F18", 0, 1, "CMPPP", 1, UNSTABLE | SKIP, -ENOMEM},
	{"full_teardown_both_locks", 5, NO, "F18", 0, 1, "", 1, UNSTABLE | SKIP, -ENOMEM},
	{"prune_tail", 5, NO, "F18", 0, 1, "C....", 1, RCU, -ENOMEM},
	{"prune_in_place", 5, NO, "F18", 0, 1, "C....", 1, 0, -ENOMEM},
	{"late_publish", 5, NO, "F18", 0, 1, "CMPPP", 1, 0, -ENOMEM},
	{"async_teardown", 5, NO, "F18", 0, 1, "", 1, UNSTABLE | SKIP, -ENOMEM},

	/* The last VMA's pages: no marker, no skip flag, a tree that is complete. */
	{"insert_one_by_one", 1, NO, "F18", 0, 0, "C", 1, 0, -ENOMEM},
	{"zero_marker", 1, NO, "F18", 0, 0, "C", 1, 0, -ENOMEM},
	{"zero_marker_flagged", 1, NO, "F18", 0, 0, "C", 1, UNSTABLE, -ENOMEM},
	{"full_teardown_both_locks", 1, NO, "F18", 0, 0, "", 1, UNSTABLE | SKIP, -ENOMEM},
	{"prune_tail", 1, NO, "F18", 0, 0, "C", 1, RCU, -ENOMEM},
	{"prune_in_place", 1, NO, "F18", 0, 0, "C", 1, 0, -ENOMEM},
	{"prune_tail_flagged", 1, NO, "F18", 0, 0, "C", 1, UNSTABLE | RCU, -ENOMEM},

	/* Of several: a pinned page of the last one cannot be copied. */
	{"insert_one_by_one", 5, NO, "F20", 4, 0, "CCCCC", 5, 0, -ENOMEM},
	{"zero_marker", 5, NO, "F20", 4, 0, "CCCCC", 5, 0, -ENOMEM},
	{"zero_marker_flagged", 5, NO, "F20", 4, 0, "CCCCC", 5, UNSTABLE, -ENOMEM},
	{"full_teardown_both_locks", 5, NO, "F20", 4, 0, "", 5, UNSTABLE | SKIP, -ENOMEM},
	{"full_teardown_child_lock", 5, NO, "F20", 4, 0, "", 5, UNSTABLE | SKIP, -ENOMEM},
	{"prune_tail", 5, NO, "F20", 4, 0, "CCCCC", 5, RCU, -ENOMEM},
	{"prune_in_place", 5, NO, "F20", 4, 0, "CCCCC", 5, 0, -ENOMEM},
	{"late_publish", 5, NO, "F20", 4, 0, "CCCCC", 5, 0, -ENOMEM},
	{"async_teardown", 5, NO, "F20", 4, 0, "", 5, UNSTABLE | SKIP, -ENOMEM},
	{"zero_marker", 5, NO, "F20", 2, 0, "CCCMP", 3, 0, -ENOMEM},
	{"prune_tail", 5, NO, "F20", 2, 0, "CCC..", 3, RCU, -ENOMEM},

	/* A parent of one VMA: the marker is the whole tree. */
	{"zero_marker", 1, NO, "F13", 0, 0, "M", 0, 0, -ENOMEM},
	{"prune_in_place", 1, NO, "F13", 0, 0, "", 0, 0, -ENOMEM},

	/* A VMA that is not for the child is a hole, and not counted. */
	{"zero_marker", 5, 1, "F13", 3, 0, "C.CMP", 2, 0, -ENOMEM},
	{"zero_marker", 5, 0, "F13", 1, 0, ".MPPP", 0, 0, -ENOMEM},
	{"insert_one_by_one", 5, 1, "F13", 3, 0, "C.C..", 2, 0, -ENOMEM},
	{"prune_tail", 5, 1, "F13", 3, 0, "C.C..", 2, RCU, -ENOMEM},
	{"full_teardown_both_locks", 5, 0, "F13", 1, 0, "", 0, UNSTABLE | SKIP, -ENOMEM},

	/* SIGKILL, by the loop's test; in the VMA's lock nobody is waited for, and it goes on. */
	{"zero_marker", 5, NO, NULL, 3, 0, "CCCMP", 3, 0, -EINTR},
	{"prune_tail", 5, NO, NULL, 3, 0, "CCC..", 3, RCU, -EINTR},
	{"full_teardown_both_locks", 5, NO, NULL, 3, 0, "", 5, 0, 0},

	/* The recovery itself runs out of memory: it takes the way that needs none. */
	{"prune_tail", 30, NO, "R01", 12, 0, "", 12, UNSTABLE | SKIP, -ENOMEM},
	{"async_teardown", 5, NO, "R02", 2, 0, "", 2, UNSTABLE | SKIP, -ENOMEM},
};

static struct fork_shape shape_now;
static bool looked;
static unsigned long seen_rcu; /* RCU or 0 */

/* Instead of fork_run's: at the moment of the unlocking nobody else is about. */
static void look(const struct mm_struct *mm, enum mm_mark mark)
{
	if (mark != MARK_UNLOCK)
		return;
	looked = true;
	seen_rcu = mt_in_rcu(&mm->mm_mt) ? RCU : 0;
	read_tree((struct mm_struct *)mm, &shape_now);
}

static void check_row(struct ktest *t, const struct row *row)
{
	struct fork_stage stage;
	struct fork_run run;
	char why[160];

	shape_now = (struct fork_shape){
		.vmas = row->vmas, .pages = 2, .dontcopy = row->dontcopy, .k = NO, .kill = NO};
	t_assert_eq(t, sem_parse(row->sem, &shape_now.sem, why, sizeof(why)), 0);
	if (row->site) {
		shape_now.pinned = strcmp(row->site, "F20") == 0 ? row->vmas : 0;
		shape_now.policy = strcmp(row->site, "F14") == 0 ? row->vmas : 0;
		shape_now.userfault = strcmp(row->site, "F15") == 0 ? row->vmas : 0;
		shape_now.site = fault_site_find(row->site);
		shape_now.k = row->k;
		shape_now.occ = row->occ;
	} else {
		shape_now.kill = row->k;
	}
	t_assert_eq(t, fork_stage_build(&shape_now, &stage), 0);
	looked = false;
	seen_rcu = 0;
	fork_run_look = look;
	t_expect_eq(t, fork_run_once(&shape_now, &stage, &run), 0);
	fork_run_look = NULL;
	t_expect(t, run.fired);
	t_expect_eq(t, run.err, row->err);
	t_expect_eq(t, looked, row->err != 0);
	if (looked)
		t_expect_str_eq(t, seen_tree, row->tree);
	t_expect_eq(t, run.map_count, row->map_count);
	t_expect_eq(t, (run.flags & (UNSTABLE | SKIP)) | seen_rcu, row->flags);
	t_expect_eq(t, run.nr_ends, 1);
	t_expect_eq(t, fork_stage_end(&stage), 0);
}

KTEST(fork_state, is_what_the_semantics_says, KT_UNIT)
{
	fork_run_begin();
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		u32 failed = t->nr_failed;

		check_row(t, &rows[i]);
		if (t->nr_failed != failed)
			t_note(t, "row %u: %s site=%s k=%lu", i, rows[i].sem,
			       rows[i].site ? rows[i].site : "kill", rows[i].k);
	}
	fork_run_end();
}
