/*
 * walk_model.c - actors in windows of one address space, each against its model.
 *
 * Owns: the case `model`. Not here: the operations and what they must show (tests/mm_model.h).
 * Idea: the windows lie apart, so each actor knows what it must see, and all it shares with the
 *       others is the kernel's: the locks, the tree, tables above its own, the allocators, the LRU.
 */
#include <errno.h>

#include "mm/mm_check.h"
#include "mm/mmap_lock.h"
#include "tests/lab/case.h"
#include "tests/mm_layout.h"
#include "tests/mm_model.h"

#define MAX_ACTORS 4
#define STEPS	   5
#define DISTANCE   0x20000000ul /* from window to window */

static struct mm_model models[MAX_ACTORS] __lab_world;
static struct mm_struct *mm __lab_world;

static void work(void *index)
{
	struct mm_model *m = &models[(unsigned long)index];

	mm_model_use(m);
	for (unsigned i = 0; i < STEPS; i++)
		mm_model_step(m);
	mm_model_unuse(m);
}

static int setup(unsigned actors)
{
	mm = mm_alloc();
	if (!mm)
		return -ENOMEM;
	lab_name(mm, sizeof(*mm), "mm");
	for (unsigned i = 0; i < actors; i++) {
		if (mm_model_join(&models[i], 1 + i, mm, LAYOUT_BASE + i * DISTANCE))
			return -ENOMEM;
	}
	return case_actors("actor", actors, work);
}

static void check(unsigned actors)
{
	for (unsigned i = 0; i < actors; i++) {
		struct mm_model *m = &models[i];

		mm_model_use(m);
		mm_model_compare(m);
		if (m->wrong)
			lab_fail(LV_CORRUPT, "mm_model.c:%d: %s: %lu, %lu", m->wrong_line, m->wrong,
				 (unsigned long)m->wrong_left, (unsigned long)m->wrong_right);
		mm_model_unuse(m);
		mm_model_free(m);
	}
	mmput(mm);
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
	.reach = reach,
	.setup = setup,
	.check = check,
};
LAB_CASE(case_model);
