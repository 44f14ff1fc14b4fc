/*
 * walk_lazy.c - an address space that a vCPU still has loaded, though nobody uses it any more.
 *
 * Owns: the cases `lazy-shootdown` and `lazy-refcount`, and their wrong forms.
 * Idea: the user lays the mm down and ends; its vCPU goes on with the mm's page directory, lazily,
 *       until it uses another. The owner drops what is then the last user. Nothing was ever mapped,
 *       so no flush on the way tells the vCPU to leave: only the scheme does.
 * What must not be: the directory is freed while a vCPU has it (stale), or a vCPU leaves an mm that
 *       is no more (uaf).
 */
#include "kernel/base/err.h"
#include "mm/lazy_tlb.h"
#include "mm/mm.h"
#include "mm/tlb.h"
#include "tests/lab/case.h"

static struct mm_struct *mm __lab_world, *other __lab_world;
static u64 laid_down __lab_world;

enum { REACH_LAZY, REACH_IN_USE };

enum { MUT_NOT_TOLD };			     /* of lazy-shootdown */
enum { MUT_NOT_COUNTED, MUT_NOT_DROPPED }; /* of lazy-refcount */

/* ---- the mistakes: an mm that passes for counted, and is not, or for ever ---- */

static void grab(struct tlb_ctx *ctx)
{
	mmgrab(container_of(ctx, struct mm_struct, tables.tlb));
}

static void nothing(struct tlb_ctx *ctx)
{
	(void)ctx;
}

static const struct tlb_lazy_ops never_counted = {.grab = nothing, .drop = nothing};
static const struct tlb_lazy_ops never_dropped = {.grab = grab, .drop = nothing};

/* ---- actors ---- */

static void user(void *arg)
{
	(void)arg;
	mm_use(mm);
	mm_unuse(mm);
	WRITE_ONCE(laid_down, 1);
	mmput(mm);
	/* Its vCPU takes another one on. */
	mm_use(other);
	mm_unuse(other);
}

static void owner(void *arg)
{
	(void)arg;
	lab_reach(READ_ONCE(laid_down) ? REACH_LAZY : REACH_IN_USE);
	mmput(mm);
}

static int make_space(bool refcount)
{
	lazy_tlb_refcount = refcount;
	laid_down = 0;
	mm = mm_alloc();
	other = mm_alloc();
	if (!mm || !other)
		return -ENOMEM;
	mmget(mm); /* the user's */
	lab_name(mm, sizeof(*mm), "mm");
	return 0;
}

static int make_actors(void)
{
	int err = lab_actor("user", 0, user, NULL);

	return err ? err : lab_actor("owner", 1, owner, NULL);
}

static void check(unsigned actors)
{
	(void)actors;
	mmput(other);
	tlb_leave_lazy();
}

static const char *const reach[] = {"lazy", "in-use", NULL};

/* ---- told by the last mmdrop ---- */

static const struct lab_mutant shootdown_mutants[] = {
	[MUT_NOT_TOLD] = {"not-told", "the last mmdrop tells no vCPU", LV_STALE},
	{NULL, NULL, LV_SAFE},
};

static int shootdown_setup(unsigned actors)
{
	int err = make_space(false);

	(void)actors;
	if (!err && case_mutant(MUT_NOT_TOLD)) {
		tlb_lazy_ops_set(&never_counted);
		mm->tables.tlb.counted = true;
	}
	return err ? err : make_actors();
}

static const struct lab_case case_lazy_shootdown = {
	.name = "lazy-shootdown",
	.kind = "walk",
	.what = "an mm ends while a vCPU has it loaded lazily, which is told to leave",
	.actors = 2,
	.actors_min = 2,
	.actors_max = 2,
	.reach = reach,
	.mutants = shootdown_mutants,
	.setup = shootdown_setup,
	.check = check,
};
LAB_CASE(case_lazy_shootdown);

/* ---- counted ---- */

static const struct lab_mutant refcount_mutants[] = {
	[MUT_NOT_COUNTED] = {"not-counted", "a vCPU takes no reference when it becomes lazy",
			     LV_STALE},
	[MUT_NOT_DROPPED] = {"not-dropped", "nor gives it back when it leaves", LV_LEAK},
	{NULL, NULL, LV_SAFE},
};

static int refcount_setup(unsigned actors)
{
	int err = make_space(true);

	(void)actors;
	if (case_mutant(MUT_NOT_COUNTED))
		tlb_lazy_ops_set(&never_counted);
	if (case_mutant(MUT_NOT_DROPPED))
		tlb_lazy_ops_set(&never_dropped);
	return err ? err : make_actors();
}

static const struct lab_case case_lazy_refcount = {
	.name = "lazy-refcount",
	.kind = "walk",
	.what = "an mm ends while a vCPU has it loaded lazily, which counts",
	.actors = 2,
	.actors_min = 2,
	.actors_max = 2,
	.reach = reach,
	.mutants = refcount_mutants,
	.setup = refcount_setup,
	.check = check,
};
LAB_CASE(case_lazy_refcount);
