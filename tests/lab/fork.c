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
#include "kernel/shell/out.h"
#include "kernel/x86/cpu.h"
#include "mm/mm_check.h"
#include "mm/mmap_lock.h"
#include "tests/fork_shape.h"
#include "tests/lab/fork_stall.h"
#include "tests/lab/fork_walkers.h"
#include "tests/lab/lab.h"

#define SIBLINGS_MAX 4

/* ---- host side: what was asked for ---- */

static struct fork_shape shape;
static u64 nr_siblings, nr_work;
static bool stalls; /* siblings go on until the fork is over, by the clock */
static struct fork_stall stall;

/* ---- the world ---- */

static struct fork_stage stage __lab_world;
static u64 fork_done __lab_world;

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
	WRITE_ONCE(fork_done, 1);
	if (fork_fault_fired())
		lab_reach(FORK_REACH_FAULT);
	lab_assert(IS_ERR(child) || !fork_fault_fired() || shape.kill != SHAPE_NO);
	if (!IS_ERR(child))
		fork_stage_put_child(&stage, child);
}

/*
 * One write of a sibling, and how long it took in its own virtual time. By the tables: a
 * translation from before the copy would let it write on until the parent is flushed.
 */
static void write_timed(unsigned long addr, u64 value)
{
	u64 waited, before = lockstep_my_vtime(&waited), took;

	invlpg((void *)addr);
	lab_assert(put_user(value, addr) == 0);
	took = lockstep_my_vtime(&waited) - before;
	stall.accesses++;
	stall.sum += took;
	stall.longest = max(stall.longest, took);
}

/* A thread of the parent that writes all the time, page after page, as long as the fork lasts. */
static void stalled_sibling(void *arg)
{
	unsigned long nr = (unsigned long)arg, i = 0;

	mm_use(stage.mm);
	while (!READ_ONCE(fork_done)) {
		write_timed(fork_shape_addr(&shape, i % shape.vmas) +
				    (nr + i / shape.vmas) % shape.pages * PAGE_SIZE,
			    1000 + nr);
		i++;
	}
	mm_unuse(stage.mm);
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
	stalls = false;
	kv_bool(kv, "stall", &stalls);
	if (stalls && (!nr_siblings || sc->strategy.ops != &strategy_vtime))
		kv_fail(kv, "stall=on: only with threads= and strategy=vtime");
	fork_shape_parse(&shape, kv, scenario_room(sc));
	fork_walkers_parse(kv, &shape);
	if (shape.hog)
		kv_fail(kv, "hog: only for the command fork; here it would starve the others");
	if (sc->cpus == 0)
		sc->cpus = 1 + fork_walkers_nr() + (unsigned)nr_siblings;
	/* Kernel threads are at home on the last one: not on a sibling's. */
	if (sc->cpus == 1 + fork_walkers_nr() + nr_siblings)
		sc->cpus += stalls;
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
		err = lab_actor(name, cpu++, stalls ? stalled_sibling : sibling, (void *)i);
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
	stall = (struct fork_stall){0};
	fork_walkers_enter();
	fork_fault_arm(&shape);
}

static void end(void)
{
	fork_fault_disarm();
	fork_walkers_leave();
}

static void tell(void)
{
	if (stalls)
		out("  siblings wrote %lu times, the longest took %lu, all %lu instructions\n",
		    stall.accesses, stall.longest, stall.sum);
}

struct fork_stall fork_stall_last(void)
{
	return stall;
}

static const struct scenario_kind fork_kind = {
	.name = "fork",
	.usage = FORK_SHAPE_USAGE
	"\n"
	"  walkers=NAME,NAME.CHECK=0,... (`walkers` lists them);\n"
	"             sem=linux-6.8: without the checks of later releases\n"
	"  rounds=N linger=N hold=MS of each; threads=0..4 of the parent\n"
	"  stay=on    probes stay in;   to_child=on   nobody is led to another mm\n"
	"  stall=on   threads write until the fork is over: how long\n"
	"  work=N     accesses of the forker before it forks",
	.parse = parse,
	.setup = setup,
	.check = check,
	.reach = reach,
	.begin = begin,
	.end = end,
	.tell = tell,
};
SCENARIO_KIND(fork_kind);
