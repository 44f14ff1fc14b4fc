/*
 * case_ref.c - an object of a slab cache shared by reference count: who frees it, and when.
 */
#include "kernel/core/once.h"
#include "kernel/core/refcount.h"
#include "kernel/base/err.h"
#include "mm/slab.h"
#include "tests/lab/case.h"

enum { MUT_MISSING_PUT, MUT_EARLY_FREE, MUT_DOUBLE_FREE };
enum { REACH_OTHER_LAST };

struct shared {
	refcount_t refs;
	u64 value;
};

KMEM_CACHE(shared_cache, "lab_shared", sizeof(struct shared), 8, NULL, SLAB_OWN_PAGE);

static struct shared *object __lab_world;

static void put(struct shared *s, bool careless)
{
	if (careless) {
		/* The mistake: look and give back are two steps. */
		bool last = refcount_read(&s->refs) == 1;

		refcount_dec(&s->refs);
		if (last)
			kmem_cache_free(&shared_cache, s);
		return;
	}
	if (refcount_dec_and_test(&s->refs))
		kmem_cache_free(&shared_cache, s);
}

static void actor(void *index)
{
	bool second = index != NULL;
	struct shared *s = object;

	WRITE_ONCE(s->value, READ_ONCE(s->value) | 1ull << (unsigned long)index);
	if (second && refcount_read(&s->refs) > 1)
		lab_reach(REACH_OTHER_LAST);
	if (second && case_mutant(MUT_MISSING_PUT))
		return;
	if (second && case_mutant(MUT_EARLY_FREE)) {
		kmem_cache_free(&shared_cache, s);
		return;
	}
	put(s, case_mutant(MUT_DOUBLE_FREE));
}

static int setup(unsigned actors)
{
	object = kmem_cache_alloc(&shared_cache, GFP_KERNEL);
	if (!object)
		return -ENOMEM;
	refcount_set(&object->refs, (int)actors);
	object->value = 0;
	lab_name(&object->refs, sizeof(object->refs), "refs");
	lab_name(&object->value, sizeof(object->value), "value");
	return case_actors("user", actors, actor);
}

static void check(unsigned actors)
{
	(void)actors;
}

static const char *const reach[] = {"other-still-holds", NULL};
static const struct lab_mutant mutants[] = {
	[MUT_MISSING_PUT] = {"missing-put", "one user forgets to give its reference back", LV_LEAK},
	[MUT_EARLY_FREE] = {"early-free", "one user frees instead of giving back", LV_UAF},
	[MUT_DOUBLE_FREE] = {"test-then-dec", "looking and giving back are two steps", LV_CORRUPT},
	{NULL, NULL, LV_SAFE},
};
static const struct lab_case the_case = {
	.name = "ref",
	.what = "an object shared by reference count",
	.actors = 2,
	.actors_min = 2,
	.actors_max = 8,
	.reach = reach,
	.mutants = mutants,
	.setup = setup,
	.check = check,
};
LAB_CASE(the_case);
