/*
 * walk_model.c - actors in windows of one address space, each against its model.
 *
 * Owns: the cases `model` and `model-swap`. Not here: the operations and what they must show
 *       (tests/mm_model.h).
 * Idea: the windows lie apart, so each actor knows what it must see, and all it shares with the
 *       others is the kernel's: the locks, the tree, tables above its own, the allocators, the LRU.
 *       In `model-swap` one actor more reclaims, and one turns swap off and on: nothing of that may
 *       be seen. program=N chooses the operations: those before the snapshot, which fill the
 *       windows, and those that are searched.
 */
#include "tests/lab/walk_model.h"

#include <errno.h>

#include "kernel/base/err.h"
#include "kernel/core/user.h"
#include "mm/block_ram.h"
#include "mm/mman.h"
#include "mm/reclaim.h"
#include "tests/lab/case.h"
#include "tests/mm_layout.h"
#include "tests/mm_swap.h"
#include "tests/mm_user.h"

#define MAX_ACTORS 4
#define STEPS	   5
#define DISTANCE   0x20000000ul /* from window to window */
#define SLOTS	   128u
#define RECLAIMED  12u /* frames wanted from one call */

enum { MUT_DROPS, MUT_SWAPOFF_DROPS, MUT_WRITES_BACK };
enum { REACH_RECLAIMED, REACH_SWITCHED };

static struct mm_model models[MAX_ACTORS] __lab_world;
static struct mm_struct *mm __lab_world;
static struct block_device *bdev __lab_world; /* of model-swap */

static void work(void *index)
{
	struct mm_model *m = &models[(unsigned long)index];

	mm_model_use(m);
	for (unsigned i = 0; i < STEPS; i++)
		mm_model_step(m);
	mm_model_unuse(m);
}

static int join(unsigned i)
{
	struct mm_model *m = &models[i];

	if (mm_model_join(m, case_program() * MAX_ACTORS + i, mm, LAYOUT_BASE + i * DISTANCE))
		return -ENOMEM;
	mm_model_use(m);
	for (unsigned n = 0; n < WALK_MODEL_FILLING && !m->wrong; n++)
		mm_model_step(m);
	mm_model_compare(m); /* which brings in what is out */
	mm_model_unuse(m);
	return m->wrong ? -EIO : 0;
}

static int setup(unsigned actors)
{
	int err = 0;

	mm = mm_alloc();
	if (!mm)
		return -ENOMEM;
	lab_name(mm, sizeof(*mm), "mm");
	for (unsigned i = 0; i < actors && !err; i++)
		err = join(i);
	return err ? err : case_actors("actor", actors, work);
}

void walk_model_check(struct mm_model *m)
{
	mm_model_compare(m);
	if (m->wrong)
		lab_fail(LV_CORRUPT, "%s:%d: %s: %lu, %lu", m->wrong_file, m->wrong_line, m->wrong,
			 (unsigned long)m->wrong_left, (unsigned long)m->wrong_right);
}

static void check(unsigned actors)
{
	for (unsigned i = 0; i < actors; i++) {
		struct mm_model *m = &models[i];

		mm_model_use(m);
		walk_model_check(m);
		mm_model_unuse(m);
		mm_model_free(m);
	}
	mmput(mm);
}

/* ---- with swap ---- */

/* For a mutant: pages of the windows give up what they hold, all or those that are out. */
static void drop_contents(bool out_only)
{
	for (unsigned i = 0; i < 2 * MODEL_PAGES; i++) {
		unsigned long addr = mm_model_addr(&models[i / MODEL_PAGES], i % MODEL_PAGES);

		if (!out_only || user_swap_entry(mm, addr).val)
			(void)vm_madvise(mm, addr, PAGE_SIZE, MADV_DONTNEED);
	}
}

/* For a mutant: every word is read, and later written back where that is allowed. */
static void write_back_words(void)
{
	u64 word[MODEL_PAGES] = {0};
	int err[MODEL_PAGES];

	mm_use(mm);
	for (unsigned i = 0; i < MODEL_PAGES; i++)
		err[i] = get_user(&word[i], mm_model_addr(&models[0], i));
	for (unsigned i = 0; i < MODEL_PAGES; i++) {
		if (!err[i])
			(void)put_user(word[i], mm_model_addr(&models[0], i));
	}
	mm_unuse(mm);
}

/* A page that was used is spared the first time. */
static void reclaim(void)
{
	for (unsigned i = 0; i < 3; i++) {
		if (reclaim_frames(RECLAIMED))
			lab_reach(REACH_RECLAIMED);
	}
}

static void reclaimer(void *arg)
{
	(void)arg;
	if (case_mutant(MUT_DROPS))
		drop_contents(false);
	else if (case_mutant(MUT_WRITES_BACK))
		write_back_words();
	else
		reclaim();
}

static void switcher(void *arg)
{
	(void)arg;
	if (case_mutant(MUT_SWAPOFF_DROPS))
		drop_contents(true);
	lab_assert(swapoff(bdev) == 0);
	lab_assert(swapon(bdev) >= 0);
	lab_reach(REACH_SWITCHED);
}

static int swap_setup(unsigned actors)
{
	int err;

	bdev = block_ram_create(0, SLOTS);
	if (IS_ERR(bdev) || swapon(bdev) < 0)
		return -ENOMEM;
	err = setup(actors - 2);
	if (!err)
		err = lab_actor("reclaimer", actors - 2, reclaimer, NULL);
	return err ? err : lab_actor("swapoff", actors - 1, switcher, NULL);
}

static void swap_after(unsigned actors)
{
	check(actors - 2);
	lab_assert(swap_check() == 0);
	lab_assert(swapoff(bdev) == 0);
	block_ram_destroy(bdev);
}

static const char *const reach[] = {NULL};

static const struct lab_case case_model = {
	.name = "model",
	.kind = "walk",
	.what = "random operations in windows of one space",
	.actors = 2,
	.actors_min = 2,
	.actors_max = MAX_ACTORS,
	.slow = true,
	.programs = true,
	.reach = reach,
	.setup = setup,
	.check = check,
};
LAB_CASE(case_model);

static const char *const swap_reach[] = {"reclaimed?", "switched", NULL};
static const struct lab_mutant swap_mutants[] = {
	[MUT_DROPS] = {"drops", "reclaim gives up pages that it did not send out", LV_CORRUPT},
	[MUT_SWAPOFF_DROPS] = {"swapoff-drops", "swapoff gives up what is out", LV_CORRUPT},
	[MUT_WRITES_BACK] = {"writes-back", "writes what it read a while ago", LV_CORRUPT},
	{NULL, NULL, LV_SAFE},
};
static const struct lab_case case_model_swap = {
	.name = "model-swap",
	.kind = "walk",
	.what = "the same while memory is reclaimed and swap goes off and on",
	.actors = 4,
	.actors_min = 4,
	.actors_max = 4,
	.slow = true,
	.programs = true,
	.reach = swap_reach,
	.mutants = swap_mutants,
	.setup = swap_setup,
	.check = swap_after,
};
LAB_CASE(case_model_swap);
