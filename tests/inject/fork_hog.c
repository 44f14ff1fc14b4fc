/*
 * fork_hog.c - a copy that fails because memory has run out leaves what an injected failure leaves.
 *
 * Idea: the same fork fails twice at the same place: once since the site says so, once since a hog
 *       has taken all there is just before the call. What both left is compared: the error, the
 *       moments passed, all that lives when the copy has failed, the child's tree and flags when it
 *       is unlocked, the parent. (What recovery frees later comes back when it does.)
 * Rule: on a machine where others run, something may be freed between the hog and the call; then it
 *       is tried again.
 * A run of the tests does a part that turns with the seed; scale=1000 does all rule sets.
 */
#include <errno.h>
#include <string.h>

#include "kernel/base/err.h"
#include "kernel/core/fault.h"
#include "kernel/core/user.h"
#include "kernel/sched/rcu.h"
#include "kernel/sched/work.h"
#include "mm/mm.h"
#include "mm/mman.h"
#include "mm/page_alloc.h"
#include "mm/slab.h"
#include "mm/vma.h"
#include "mm/xarray_entry.h"
#include "tests/fork_hog.h"
#include "tests/fork_run.h"
#include "tests/ktest.h"
#include "tests/mm_same.h"
#include "tests/mm_user.h"

/* What a failed fork may leave changed in the parent; reclaim, that looked for memory, A bits. */
#define ALLOWED (1u << ALLOW_WRITE_BIT | 1u << ALLOW_EXCLUSIVE | 1u << ALLOW_LOCK_SEQ)
#define TRIES	20

static const char *const caches[] = {"vm_area_struct", "anon_vma",  "anon_vma_chain",
				     "maple_node",     "mm_struct", "mempolicy",
				     "userfaultfd_ctx"};
#define NR_CACHES ARRAY_SIZE(caches)

/* At a moment: what lives, until recovery begins; whose entries the child's tree has. */
struct living {
	long frames[FK_NR];
	long objects[NR_CACHES];
	unsigned own, foreign, reserved;
	enum mm_mark mark; /* no padding: compared as bytes */
};

static struct left {
	struct fork_run run;
	unsigned nr;
	struct living at[FORK_MOMENTS_MAX];
} injected, starved, *watching;

static void count_entries(const struct mm_struct *mm, struct living *l)
{
	struct vma_iterator vmi = {.mas = {.tree = (struct maple_tree *)&mm->mm_mt,
					   .status = ma_start, .max = ~0ul}};
	struct vm_area_struct *vma;

	for_each_vma(vmi, vma) {
		if (mt_is_reserved(vma))
			l->reserved++;
		else if (vma->vm_mm == mm)
			l->own++;
		else
			l->foreign++;
	}
}

static void look(const struct mm_struct *mm, enum mm_mark mark)
{
	struct living *l = &watching->at[watching->nr];

	if (watching->nr == FORK_MOMENTS_MAX)
		return;
	watching->nr++;
	l->mark = mark;
	if (mark == MARK_RECOVER || mark == MARK_UNLOCK)
		count_entries(mm, l);
	if (mark > MARK_RECOVER)
		return;
	for (unsigned i = 0; i < FK_NR; i++)
		l->frames[i] = i == FK_TABLE || i == FK_ANON ? frames_live(i) : 0;
	for (unsigned i = 0; i < NR_CACHES; i++)
		l->objects[i] = kmem_cache_live(registry_find(kmem_cache, caches[i]));
}

/* Once, with nothing on its way to be freed. */
static void fork_once(struct ktest *t, struct fork_stage *stage, const struct fork_shape *shape,
		      struct left *left)
{
	rcu_barrier();
	flush_workqueue(&system_wq);
	memset(left, 0, sizeof(*left));
	watching = left;
	fork_run_look = look;
	t_assert_eq(t, fork_run_once(shape, stage, &left->run), 0);
	fork_run_look = NULL;
}

static void expect_equal(struct ktest *t, const char *site)
{
	const struct fork_run *a = &injected.run, *b = &starved.run;

	t_expect_eq(t, a->err, b->err);
	t_expect_eq(t, a->map_count, b->map_count);
	t_expect_eq(t, a->flags, b->flags);
	t_expect_eq(t, a->nr_ends, b->nr_ends);
	t_expect_eq(t, injected.nr, starved.nr);
	for (unsigned i = 0; i < injected.nr && i < starved.nr; i++) {
		if (memcmp(&injected.at[i], &starved.at[i], sizeof(injected.at[i])))
			t_fail(t, "%s: at %s others live", site, mm_mark_name[injected.at[i].mark]);
	}
}

/* Both failures of @shape; false: it does not fail there. */
static bool compare_once(struct ktest *t, struct fork_stage *stage, struct fork_shape *shape,
			 struct mm_picture *before)
{
	unsigned tries = 0;

	shape->hog = false;
	fork_once(t, stage, shape, &injected);
	if (!injected.run.fired)
		return false;
	t_expect_eq(t, t_expect_same(t, before, stage->mm) & ~ALLOWED, 0);
	shape->hog = true;
	do
		fork_once(t, stage, shape, &starved);
	while (!starved.run.fired && ++tries < TRIES);
	t_expect(t, starved.run.fired);
	t_expect_eq(t, t_expect_same(t, before, stage->mm) & ~(ALLOWED | 1u << ALLOW_ACCESSED), 0);
	expect_equal(t, shape->site->name);
	return true;
}

static const struct {
	const char *site;
	u64 k, occ;
} places[] = {
	{"F02", SHAPE_NO, 0}, {"F08", SHAPE_NO, 0}, {"F09", SHAPE_NO, 0}, {"F09", SHAPE_NO, 1},
	{"F13", 0, 0},	      {"F13", 17, 0},	    {"F14", 4, 0},	  {"F15", 1, 0},
	{"F16", 0, 0},	      {"F16", 39, 0},	    {"F18", 0, 0},	  {"F18", 0, 2},
	{"F20", 1, 0},
};

static unsigned compare_places(struct ktest *t, const struct semantics *sem)
{
	struct fork_shape shape = {.vmas = 40, .pages = 2, .pinned = 3, .policy = 5, .userfault = 4,
				   .dontcopy = SHAPE_NO, .kill = SHAPE_NO};
	struct fork_stage stage;
	struct mm_picture *before;
	unsigned nr = 0;

	shape.sem.chosen[sem->axis] = sem;
	t_assert_eq(t, fork_stage_build(&shape, &stage), 0);
	before = mm_picture_take(stage.mm);
	t_assert(t, before != NULL);
	for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
		shape.site = fault_site_find(places[i].site);
		shape.k = places[i].k;
		shape.occ = places[i].occ;
		nr += compare_once(t, &stage, &shape, before);
	}
	mm_picture_free(before);
	t_expect_eq(t, fork_stage_end(&stage), 0);
	return nr;
}

KTEST(fork_hog, memory_that_runs_out_is_as_a_failure_asked_for, KT_MODEL)
{
	unsigned i = 0, every = t_scale(t, 1) < 12 ? 12 : 1, first = t_rand_below(t, every), nr = 0;
	const struct semantics *sem;

	fork_run_begin();
	for_each_registered(semantics, sem) {
		if (sem->axis == SEM_FORK && i++ % every == first % 11)
			nr += compare_places(t, sem);
	}
	fork_run_end();
	/* Where nodes are got one by one there is no clone that could fail. */
	t_expect_ge(t, nr, 8);
	t_note(t, "%u places compared", nr);
}

/* ---- by itself ---- */

#define SPREAD	   300u /* VMAs of the parent, each with page tables of its own */
#define LEFT	   48u	/* frames that can be had, fewer than its copy needs */
#define STRIDE	   (2ul << 20)

static struct mm_struct *spread_parent(struct ktest *t, const struct semantics *sem)
{
	struct sem_choice choice = {.chosen[SEM_FORK] = sem};
	struct mm_struct *mm;

	sem_install(sem_set_of(&choice));
	mm = mm_alloc();
	sem_install(NULL);
	t_assert(t, mm);
	mm_use(mm);
	for (unsigned long i = 0; i < SPREAD; i++) {
		t_expect_eq(t, user_mmap(mm, USER_BASE + i * STRIDE, 1, PROT_READ | PROT_WRITE), 0);
		t_expect_eq(t, put_user((u64)i, USER_BASE + i * STRIDE), 0);
	}
	mm_unuse(mm);
	return mm;
}

static int fork_and_end(struct mm_struct *mm)
{
	struct mm_struct *child = dup_mm(mm);

	if (!IS_ERR(child))
		mmput(child);
	flush_workqueue(&system_wq);
	return IS_ERR(child) ? (int)PTR_ERR(child) : 0;
}

/* Nothing is armed: the copy asks for more than there is, wherever that may be. */
KTEST(fork_hog, a_copy_larger_than_memory_leaves_its_parent_alone, KT_UNIT)
{
	const struct semantics *sem;

	for_each_registered(semantics, sem) {
		struct mm_picture *before;
		struct mm_struct *mm;

		if (sem->axis != SEM_FORK)
			continue;
		mm = spread_parent(t, sem);
		before = mm_picture_take(mm);
		t_assert(t, before);
		rcu_barrier();
		flush_workqueue(&system_wq);
		fork_hog_all(LEFT);
		t_expect_eq(t, fork_and_end(mm), -ENOMEM);
		fork_hog_end();
		t_expect_eq(t, t_expect_same(t, before, mm) & ~(ALLOWED | 1u << ALLOW_ACCESSED), 0);
		t_expect_eq(t, fork_and_end(mm), 0);
		mm_picture_free(before);
		mmput(mm);
	}
}
