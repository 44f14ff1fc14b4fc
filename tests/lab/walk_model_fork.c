/*
 * walk_model_fork.c - a random space is copied while a thread of it uses it and pages go out.
 *
 * Owns: the case `model-fork` and its mutants. Not here: one page of each kind (walk_fork.c), what
 *       happens to a space at random (tests/mm_model.h).
 * Idea: the thread beside the copy faults, breaks sharing and writes what is there already, so the
 *       child is known whenever it is made; behind that both write words of their own, which the
 *       other must not find. program=N chooses the space.
 */
#include <errno.h>

#include "kernel/base/err.h"
#include "mm/block_ram.h"
#include "mm/mman.h"
#include "mm/reclaim.h"
#include "tests/lab/case.h"
#include "tests/lab/walk_model.h"
#include "tests/lab/walk_space.h"
#include "tests/mm_swap.h"
#include "tests/mm_user.h"

#define SLOTS	  128u
#define TOUCHES	  8u
#define LINGER	  1000u /* looks: about as long as a copy takes */
#define RECLAIMED 12u /* frames wanted from one call */

enum { MUT_NOT_PROTECTED, MUT_NOT_COPIED };
enum { REACH_DURING, REACH_BEHIND, REACH_RECLAIMED };

static struct mm_model model __lab_world;
static struct block_device *bdev __lab_world;
static unsigned child __lab_world;
static u64 forked __lab_world;

static u64 seed(void)
{
	return case_program() * 4 + 4;
}

/* ---- the actors ---- */

/* What fork forgot. */
static void mistake(void)
{
	for (unsigned i = 0; i < MODEL_PAGES; i++) {
		unsigned long addr = mm_model_addr(&model, i);

		if (case_mutant(MUT_NOT_PROTECTED) && mm_model_is_own(&model.page[0][i]) &&
		    user_page(model.mm[0], addr))
			walk_give_write(model.mm[0], addr);
		if (case_mutant(MUT_NOT_COPIED))
			(void)vm_madvise(model.mm[child], addr, PAGE_SIZE, MADV_DONTNEED);
	}
}

static void forker(void *arg)
{
	struct rng rng;

	(void)arg;
	rng_init(&rng, seed() + 1);
	mm_model_use(&model);
	lab_assert(mm_model_fork(&model, &child) == 0);
	mistake();
	WRITE_ONCE(forked, 1);
	mm_model_switch_to(&model, child);
	for (unsigned i = 0; i < 2; i++)
		lab_assert(mm_model_touch_new(&model, child, &rng));
	mm_model_unuse(&model);
}

static void sibling(void *arg)
{
	struct mm_struct *mm = model.mm[0];
	struct rng rng;

	(void)arg;
	rng_init(&rng, seed() + 2);
	mm_use(mm);
	for (unsigned i = 0; i < TOUCHES && !READ_ONCE(forked); i++) {
		lab_assert(mm_model_touch(&model, 0, &rng));
		lab_reach(REACH_DURING);
	}
	for (unsigned i = 0; i < LINGER && !READ_ONCE(forked); i++)
		;
	for (unsigned i = 0; i < TOUCHES && READ_ONCE(forked); i++) {
		lab_assert(mm_model_touch_new(&model, 0, &rng));
		lab_reach(REACH_BEHIND);
	}
	mm_unuse(mm);
}

static void reclaimer(void *arg)
{
	(void)arg;
	if (reclaim_frames(RECLAIMED))
		lab_reach(REACH_RECLAIMED);
}

/* ---- before and after ---- */

static void fill(void)
{
	for (unsigned n = 0; n < WALK_MODEL_FILLING && !model.wrong; n++) {
		mm_model_step(&model);
		if (n % 8 == 0)
			mm_model_pin(&model);
	}
	walk_model_check(&model); /* which brings in what is out */
	for (unsigned i = 0; i < MODEL_PAGES; i += 3)
		(void)vm_madvise(model.mm[0], mm_model_addr(&model, i), PAGE_SIZE, MADV_PAGEOUT);
}

static int setup(unsigned actors)
{
	int err;

	forked = 0;
	bdev = block_ram_create(0, SLOTS);
	if (IS_ERR(bdev) || swapon(bdev) < 0 || mm_model_begin(&model, seed(), 2))
		return -ENOMEM;
	fill();
	mm_model_unuse(&model);
	lab_name(model.mm[0], sizeof(*model.mm[0]), "parent");
	err = lab_actor("forker", 0, forker, NULL);
	if (!err)
		err = lab_actor("sibling", 1, sibling, NULL);
	if (!err && actors > 2)
		err = lab_actor("reclaimer", 2, reclaimer, NULL);
	return err;
}

static void check(unsigned actors)
{
	(void)actors;
	mm_model_use(&model);
	for (unsigned i = 0; i < 2; i++) {
		mm_model_switch_to(&model, i);
		walk_model_check(&model);
	}
	mm_model_end(&model);
	lab_assert(swap_check() == 0);
	lab_assert(swapoff(bdev) == 0);
	block_ram_destroy(bdev);
}

static const char *const reach[] = {"during?", "behind?", "reclaimed?", NULL};
static const struct lab_mutant mutants[] = {
	[MUT_NOT_PROTECTED] = {"not-protected", "the parent's entries keep their right to write",
			       LV_CORRUPT},
	[MUT_NOT_COPIED] = {"not-copied", "the child's memory is not its parent's", LV_CORRUPT},
	{NULL, NULL, LV_SAFE},
};

static const struct lab_case case_model_fork = {
	.name = "model-fork",
	.kind = "walk",
	.what = "a random space is copied, used and reclaimed",
	.actors = 3,
	.actors_min = 2,
	.actors_max = 3,
	.slow = true,
	.programs = true,
	.reach = reach,
	.mutants = mutants,
	.setup = setup,
	.check = check,
};
LAB_CASE(case_model_fork);
