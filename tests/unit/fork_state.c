/*
 * fork_state.c - what a failed fork leaves at the moment its child is unlocked, as a table.
 *
 * Owns: the rows: semantics, parent, failure, and the child's tree, flags and counts then; by
 *       semantics, what there is of the pages of the VMAs it has got.
 * Idea: a child's tree is one letter per piece: C a VMA of its own, P one of its parent's, M the
 *       marker, . a hole that a VMA of the parent's left. So are entries (f all of the parent's, p
 *       some), ties to its anon_vmas (t), slots that are counted twice (s). The facts are those of
 *       the semantics' definition, not of the code: a row is what the literature says.
 */
#include <errno.h>
#include <string.h>

#include "kernel/core/fault.h"
#include "mm/anon_vma.h"
#include "mm/maple_tree.h"
#include "mm/swap.h"
#include "tests/fork_run.h"
#include "tests/ktest_internal.h"
#include "tests/mm_swap.h"
#include "tests/mm_user.h"

#define TREE_MAX 32u

/* What the child looks like, a letter for each VMA of its parent. */
struct picture {
	char tree[TREE_MAX + 1];
	char entries[TREE_MAX + 1];
	char ties[TREE_MAX + 1];
	char slots[TREE_MAX + 1];
	bool listed; /* on mmlist */
	unsigned long rcu; /* RCU or 0 */
};

static struct picture seen;

static char piece(const struct mm_struct *mm, void *entry)
{
	if (xa_is_zero(entry))
		return 'M';
	return ((struct vm_area_struct *)entry)->vm_mm == mm ? 'C' : 'P';
}

/* The VMAs of the shape one after the other; between them are free pages that do not count. */
static void read_tree(struct mm_struct *mm, const struct fork_shape *shape)
{
	if (mtree_empty(&mm->mm_mt))
		return;
	for (unsigned long i = 0; i < shape->vmas; i++) {
		MA_STATE(mas, &mm->mm_mt, 0, 0);
		void *entry;

		mas_set(&mas, fork_shape_addr(shape, i));
		entry = mas_walk(&mas);
		seen.tree[i] = entry ? piece(mm, entry) : '.';
	}
}

static u64 nr_entries(struct mm_struct *mm, unsigned long addr, u64 pages)
{
	u64 nr = 0;

	for (u64 i = 0; i < pages; i++)
		nr += user_pte(mm, addr + i * PAGE_SIZE) != 0;
	return nr;
}

/* Is a VMA of @mm found by the pages of @vma, its parent's? */
static bool is_tied(const struct mm_struct *mm, struct vm_area_struct *vma)
{
	unsigned long first = vma->vm_pgoff, last = first + vma_pages(vma) - 1;
	struct anon_vma_chain *avc;

	anon_vma_interval_tree_foreach(avc, vma->anon_vma, first, last) {
		if (avc->vma->vm_mm == mm)
			return true;
	}
	return false;
}

static void read_pages(struct mm_struct *mm, struct mm_struct *parent,
		       const struct fork_shape *shape)
{
	for (unsigned long i = 0; i < shape->vmas; i++) {
		unsigned long addr = fork_shape_addr(shape, i);
		u64 all = nr_entries(parent, addr, shape->pages);
		u64 nr = nr_entries(mm, addr, shape->pages);

		seen.entries[i] = nr == all ? 'f' : nr ? 'p' : '.';
		seen.ties[i] = is_tied(mm, vma_lookup(parent, addr)) ? 't' : '.';
		seen.slots[i] = swap_count(user_swap_entry(parent, addr)) == 2 ? 's' : '.';
	}
	seen.listed = mm->flags >> MMF_ON_MMLIST & 1;
}

/* What is to be seen when the child is unlocked. */
struct row {
	const char *sems; /* one or more, each alike */
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
	{"zero_marker zero_marker_sem zero_marker_flagged stable_gate late_publish "
	 "count_only_walkers full_teardown_both_locks full_teardown_child_lock prune_tail "
	 "prune_in_place prune_tail_flagged async_teardown",
	 4, NO, "F08", NO, 0, "", 0, RCU, -ENOMEM},

	/* k = 0, before the store: the marker is the first entry, the tail is everything. */
	{"zero_marker zero_marker_sem late_publish count_only_walkers",
	 4, NO, "F13", 0, 0, "MPPP", 0, 0, -ENOMEM},
	{"zero_marker_flagged", 4, NO, "F13", 0, 0, "MPPP", 0, UNSTABLE | SKIP, -ENOMEM},
	{"stable_gate", 4, NO, "F13", 0, 0, "MPPP", 0, UNSTABLE, -ENOMEM},
	{"insert_one_by_one prune_in_place", 4, NO, "F13", 0, 0, "", 0, 0, -ENOMEM},
	{"prune_tail", 4, NO, "F13", 0, 0, "", 0, RCU, -ENOMEM},
	{"prune_tail_flagged", 4, NO, "F13", 0, 0, "", 0, UNSTABLE | RCU, -ENOMEM},
	{"full_teardown_both_locks full_teardown_child_lock async_teardown",
	 4, NO, "F13", 0, 0, "", 0, UNSTABLE | SKIP, -ENOMEM},

	/* In the middle, before the store: VMA k is the first that is not the child's. */
	{"insert_one_by_one prune_in_place", 5, NO, "F13", 2, 0, "CC...", 2, 0, -ENOMEM},
	{"prune_tail count_only_walkers+prune_tail", 5, NO, "F13", 2, 0, "CC...", 2, RCU, -ENOMEM},
	{"insert_one_by_one", 5, NO, "F25", 2, 0, "CC...", 2, 0, -ENOMEM},
	{"zero_marker zero_marker_sem late_publish count_only_walkers",
	 5, NO, "F13", 2, 0, "CCMPP", 2, 0, -ENOMEM},
	{"zero_marker", 5, NO, "F17", 2, 0, "CCMPP", 2, 0, -ENOMEM},
	{"zero_marker", 5, NO, "F12", 3, 0, "CCCMP", 3, 0, -ENOMEM},
	{"zero_marker", 5, NO, "F14", 2, 0, "CCMPP", 2, 0, -ENOMEM},
	{"insert_one_by_one prune_in_place", 5, NO, "F14", 2, 0, "CC...", 2, 0, -ENOMEM},
	{"full_teardown_both_locks", 5, NO, "F14", 2, 0, "", 2, UNSTABLE | SKIP, -ENOMEM},
	{"zero_marker", 5, NO, "F15", 1, 0, "CMPPP", 1, 0, -ENOMEM},
	{"insert_one_by_one prune_in_place", 5, NO, "F15", 1, 0, "C....", 1, 0, -ENOMEM},
	{"full_teardown_both_locks", 5, NO, "F15", 1, 0, "", 1, UNSTABLE | SKIP, -ENOMEM},
	{"async_teardown", 5, NO, "F15", 0, 0, "", 0, UNSTABLE | SKIP, -ENOMEM},
	{"zero_marker_flagged", 5, NO, "F13", 2, 0, "CCMPP", 2, UNSTABLE | SKIP, -ENOMEM},
	{"full_teardown_both_locks full_teardown_child_lock async_teardown",
	 5, NO, "F13", 2, 0, "", 2, UNSTABLE | SKIP, -ENOMEM},
	{"prune_tail_flagged stable_gate+prune_tail",
	 5, NO, "F13", 2, 0, "CC...", 2, UNSTABLE | RCU, -ENOMEM},
	{"stable_gate", 5, NO, "F13", 2, 0, "CCMPP", 2, UNSTABLE, -ENOMEM},

	/* Pages of VMA k: it is part of the head. */
	{"zero_marker zero_marker_sem late_publish count_only_walkers",
	 5, NO, "F18", 0, 1, "CMPPP", 1, 0, -ENOMEM},
	{"zero_marker_flagged", 5, NO, "F18", 0, 1, "CMPPP", 1, UNSTABLE | SKIP, -ENOMEM},
	{"stable_gate", 5, NO, "F18", 0, 1, "CMPPP", 1, UNSTABLE, -ENOMEM},
	{"insert_one_by_one prune_in_place", 5, NO, "F18", 0, 1, "C....", 1, 0, -ENOMEM},
	{"prune_tail", 5, NO, "F18", 0, 1, "C....", 1, RCU, -ENOMEM},
	{"prune_tail_flagged", 5, NO, "F18", 0, 1, "C....", 1, UNSTABLE | RCU, -ENOMEM},
	{"full_teardown_both_locks full_teardown_child_lock async_teardown",
	 5, NO, "F18", 0, 1, "", 1, UNSTABLE | SKIP, -ENOMEM},

	/* The last VMA's pages: no marker, no skip flag, a tree that is complete. */
	{"insert_one_by_one zero_marker zero_marker_sem late_publish count_only_walkers "
	 "prune_in_place",
	 1, NO, "F18", 0, 0, "C", 1, 0, -ENOMEM},
	{"prune_tail", 1, NO, "F18", 0, 0, "C", 1, RCU, -ENOMEM},
	{"zero_marker_flagged stable_gate", 1, NO, "F18", 0, 0, "C", 1, UNSTABLE, -ENOMEM},
	{"prune_tail_flagged", 1, NO, "F18", 0, 0, "C", 1, UNSTABLE | RCU, -ENOMEM},
	{"full_teardown_both_locks full_teardown_child_lock async_teardown",
	 1, NO, "F18", 0, 0, "", 1, UNSTABLE | SKIP, -ENOMEM},

	/* Of several: a pinned page of the last one cannot be copied. */
	{"insert_one_by_one zero_marker zero_marker_sem late_publish count_only_walkers "
	 "prune_in_place",
	 5, NO, "F20", 4, 0, "CCCCC", 5, 0, -ENOMEM},
	{"prune_tail", 5, NO, "F20", 4, 0, "CCCCC", 5, RCU, -ENOMEM},
	{"zero_marker_flagged stable_gate", 5, NO, "F20", 4, 0, "CCCCC", 5, UNSTABLE, -ENOMEM},
	{"prune_tail_flagged", 5, NO, "F20", 4, 0, "CCCCC", 5, UNSTABLE | RCU, -ENOMEM},
	{"full_teardown_both_locks full_teardown_child_lock async_teardown",
	 5, NO, "F20", 4, 0, "", 5, UNSTABLE | SKIP, -ENOMEM},
	{"zero_marker", 5, NO, "F20", 2, 0, "CCCMP", 3, 0, -ENOMEM},
	{"prune_tail", 5, NO, "F20", 2, 0, "CCC..", 3, RCU, -ENOMEM},

	/* A parent of one VMA: the marker is the whole tree. */
	{"zero_marker zero_marker_sem late_publish count_only_walkers",
	 1, NO, "F13", 0, 0, "M", 0, 0, -ENOMEM},
	{"zero_marker_flagged", 1, NO, "F13", 0, 0, "M", 0, UNSTABLE | SKIP, -ENOMEM},
	{"stable_gate", 1, NO, "F13", 0, 0, "M", 0, UNSTABLE, -ENOMEM},
	{"insert_one_by_one prune_in_place", 1, NO, "F13", 0, 0, "", 0, 0, -ENOMEM},
	{"prune_tail", 1, NO, "F13", 0, 0, "", 0, RCU, -ENOMEM},

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

/* What is left of the VMAs that were copied, when the child is unlocked. */
enum left {
	LEFT_ALIVE = 1, /* all: entries, ties, slots */
	LEFT_PRIVATE,	/* nobody finds it */
	LEFT_NOTHING,	/* a place on mmlist */
	LEFT_TO_WORKER, /* who may have begun */
};

static const struct {
	const char *sem; /* the last one named */
	enum left left;
} lefts[] = {
	{"insert_one_by_one", LEFT_ALIVE},
	{"zero_marker", LEFT_ALIVE},
	{"zero_marker_sem", LEFT_ALIVE},
	{"zero_marker_flagged", LEFT_ALIVE},
	{"full_teardown_both_locks", LEFT_NOTHING},
	{"full_teardown_child_lock", LEFT_NOTHING},
	{"prune_tail", LEFT_ALIVE},
	{"prune_in_place", LEFT_ALIVE},
	{"prune_tail_flagged", LEFT_ALIVE},
	{"stable_gate", LEFT_ALIVE},
	{"late_publish", LEFT_PRIVATE},
	{"count_only_walkers", LEFT_ALIVE},
	{"async_teardown", LEFT_TO_WORKER},
};

static enum left left_of(const struct row *row, const char *sem)
{
	const char *name = strrchr(sem, '+');

	/* A recovery that gets no memory does what needs none: it takes all apart. */
	if (row->site && row->site[0] == 'R')
		return LEFT_NOTHING;
	name = name ? name + 1 : sem;
	for (unsigned i = 0; i < ARRAY_SIZE(lefts); i++) {
		if (!strcmp(lefts[i].sem, name))
			return lefts[i].left;
	}
	return 0;
}

/* The head is the first map_count VMAs, but for one that is not for the child. */
static void expected_picture(const struct row *row, enum left left, struct picture *p)
{
	bool by_table = row->site && !strcmp(row->site, "F18");
	bool by_page = row->site && !strcmp(row->site, "F20");
	long nr = row->map_count;

	*p = (struct picture){0};
	for (unsigned long i = 0; i < row->vmas; i++) {
		bool copied = nr && i != row->dontcopy, last, alive;

		nr -= copied;
		last = copied && !nr;
		alive = copied && left != LEFT_NOTHING && !(last && by_table);
		p->entries[i] = !alive ? '.' : last && by_page ? 'p' : 'f';
		p->ties[i] = copied && left == LEFT_ALIVE ? 't' : '.';
		p->slots[i] = alive ? 's' : '.';
		p->listed |= copied && !(last && by_table) && left != LEFT_PRIVATE;
	}
}

static struct fork_shape shape_now;
static struct mm_struct *parent_now;
static bool looked;

/* Instead of fork_run's: at the moment of the unlocking nobody else is about. */
static void look(const struct mm_struct *mm, enum mm_mark mark)
{
	if (mark != MARK_UNLOCK)
		return;
	looked = true;
	seen.rcu = mt_in_rcu(&mm->mm_mt) ? RCU : 0;
	read_tree((struct mm_struct *)mm, &shape_now);
	read_pages((struct mm_struct *)mm, parent_now, &shape_now);
}

static void expect_picture(struct ktest *t, const struct row *row, const char *sem)
{
	enum left left = left_of(row, sem);
	struct picture expected;

	t_expect_str_eq(t, seen.tree, row->tree);
	t_expect_ne(t, left, 0);
	if (left == LEFT_TO_WORKER)
		return;
	expected_picture(row, left, &expected);
	t_expect_str_eq(t, seen.entries, expected.entries);
	t_expect_str_eq(t, seen.ties, expected.ties);
	t_expect_str_eq(t, seen.slots, expected.slots);
	t_expect_eq(t, seen.listed, expected.listed);
}

static void check_row(struct ktest *t, const struct row *row, const char *sem)
{
	struct fork_stage stage;
	struct fork_run run;
	char why[160];

	shape_now = (struct fork_shape){
		.vmas = row->vmas, .pages = 3, .swap = 1, .dontcopy = row->dontcopy,
		.k = NO, .kill = NO};
	t_assert_eq(t, sem_parse(sem, &shape_now.sem, why, sizeof(why)), 0);
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
	parent_now = stage.mm;
	looked = false;
	seen = (struct picture){0};
	fork_run_look = look;
	t_expect_eq(t, fork_run_once(&shape_now, &stage, &run), 0);
	fork_run_look = NULL;
	t_expect(t, run.fired);
	t_expect_eq(t, run.err, row->err);
	t_expect_eq(t, looked, row->err != 0);
	if (looked)
		expect_picture(t, row, sem);
	t_expect_eq(t, run.map_count, row->map_count);
	t_expect_eq(t, (run.flags & (UNSTABLE | SKIP)) | seen.rcu, row->flags);
	t_expect_eq(t, run.nr_ends, 1);
	t_expect_eq(t, fork_stage_end(&stage), 0);
}

static void check_each(struct ktest *t, const struct row *row)
{
	char sem[64];

	for (const char *at = row->sems; *at; at += strspn(at, " ")) {
		size_t len = strcspn(at, " ");

		t_assert(t, len < sizeof(sem));
		memcpy(sem, at, len);
		sem[len] = '\0';
		check_row(t, row, sem);
		at += len;
	}
}

KTEST(fork_state, is_what_the_semantics_says, KT_UNIT)
{
	fork_run_begin();
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		u32 failed = t->nr_failed;

		check_each(t, &rows[i]);
		if (t->nr_failed != failed)
			t_note(t, "row %u: %s site=%s k=%lu", i, rows[i].sems,
			       rows[i].site ? rows[i].site : "kill", rows[i].k);
	}
	fork_run_end();
}
