/*
 * fork.c - the scenario kind `fork`: a copy that fails, and walkers that meet the child.
 *
 * Owns: the forker, the parent's other threads, what must hold at the end.
 * Not here: the parent's shape and the failure (tests/fork_shape.h), walkers and what counts as
 *           having met the child (fork_walkers.c), the rules of a failed copy, which nothing here
 *           knows.
 */
#include <stdio.h>

#include "kernel/base/err.h"
#include "kernel/core/user.h"
#include "mm/mm_check.h"
#include "mm/mmap_lock.h"
#include "tests/fork_shape.h"
#include "tests/lab/fork_walkers.h"
#include "tests/lab/lab.h"

#define SIBLINGS_MAX 4

/* ---- host side: what was asked for ---- */

static struct fork_shape shape;
static u64 nr_siblings, nr_work;

/* ---- the world ---- */

static struct fork_stage stage __lab_world;

/* ---- actors ---- */

/* What the parent's thread does before it forks: time for others to come first. */
static void work_a_while(void)
{
	unsigned long addr =
		fork_shape_addr(&shape, shape.vmas - 1) + (shape.pages - 1) * PAGE_SIZE;
	u64 value;

	mm_use(stage.mm);
	for (u64 i = 0; i < nr_work; i++)
		lab_assert(get_user(&value, addr) == 0);
	mm_unuse(stage.mm);
}

static void forker(void *arg)
{
	struct mm_struct *child;

	(void)arg;
	if (nr_work)
		work_a_while();
	fork_fault_rearm();
	fork_walkers_copying(true);
	child = dup_mm(stage.mm);
	fork_walkers_copying(false);
	if (fork_fault_fired())
		lab_reach(FORK_REACH_FAULT);
	lab_assert(IS_ERR(child) || !fork_fault_fired() || shape.kill != SHAPE_NO);
	if (!IS_ERR(child))
		mmput(child);
}

/* A thread of the parent: it goes on writing while the copy is made. */
static void sibling(void *arg)
{
	unsigned long nr = (unsigned long)arg;

	mm_use(stage.mm);
	for (unsigned long i = 0; i < shape.vmas; i++) {
		unsigned long addr = fork_shape_addr(&shape, i) + nr % shape.pages * PAGE_SIZE;
		u64 value;

		lab_assert(put_user((u64)(1000 + nr), addr) == 0);
		lab_assert(get_user(&value, addr) == 0);
	}
	mm_unuse(stage.mm);
}

/* ---- the scenario ---- */

static void parse(struct scenario *sc, struct kv *kv)
{
	nr_siblings = nr_work = 0;
	kv_u64(kv, "work", 0, 10000, &nr_work);
	kv_u64(kv, "threads", 0, SIBLINGS_MAX, &nr_siblings);
	fork_shape_parse(&shape, kv);
	fork_walkers_parse(kv, &shape);
	if (shape.hog)
		kv_fail(kv, "hog: only for the command fork; here it would starve the others");
	if (sc->cpus == 0)
		sc->cpus = 1 + fork_walkers_nr() + (unsigned)nr_siblings;
}

static int setup(void)
{
	unsigned cpu = 0;
	int err = fork_stage_build(&shape, &stage);

	if (!err)
		err = lab_actor("forker", cpu++, forker, NULL);
	if (!err)
		err = fork_walkers_setup(&stage, cpu);
	cpu += fork_walkers_nr();
	for (unsigned long i = 0; !err && i < nr_siblings; i++) {
		char name[16];

		snprintf(name, sizeof(name), "sibling%lu", i);
		err = lab_actor(name, cpu++, sibling, (void *)i);
	}
	if (err)
		return err;
	lab_name(stage.mm, sizeof(*stage.mm), "parent");
	return 0;
}

/* Every page still says which VMA it is of, unless a sibling wrote. */
static void check_contents(void)
{
	mm_use(stage.mm);
	for (unsigned long i = 0; i < shape.vmas; i++) {
		u64 value = 0;

		lab_assert(get_user(&value, fork_shape_addr(&shape, i)) == 0);
		lab_assert(value >= 1000 || value == i + 1 || shape.shared || shape.file);
	}
	mm_unuse(stage.mm);
}

static void check(void)
{
	check_contents();
	mmap_write_lock(stage.mm);
	lab_assert(mm_check(stage.mm) == 0);
	mmap_write_unlock(stage.mm);
	lab_assert(fork_walkers_end() == 0);
	lab_assert(fork_stage_end(&stage) == 0);
}

static const char *const *reach(void)
{
	return fork_walkers_reach(shape.site || shape.kill != SHAPE_NO);
}

static void begin(void)
{
	fork_walkers_enter();
	fork_fault_arm(&shape);
}

static void end(void)
{
	fork_fault_disarm();
	fork_walkers_leave();
}

static const struct scenario_kind fork_kind = {
	.name = "fork",
	.usage = FORK_SHAPE_USAGE "\n"
				  "  walkers=NAME,NAME.CHECK=0,... (`walkers` lists them)\n"
				  "  rounds=N linger=N of each; threads=0..4 of the parent\n"
				  "  work=N     accesses of the forker before it forks",
	.parse = parse,
	.setup = setup,
	.check = check,
	.reach = reach,
	.begin = begin,
	.end = end,
};
SCENARIO_KIND(fork_kind);
