/*
 * case_vandal.c - an actor that overwrites everything of its world that it can reach.
 *
 * What it leaves must not be able to reach the next run, nor the system outside: tests run another
 * scenario before and after and compare the traces. Its verdict is whatever breaks first.
 */
#include "kernel/core/once.h"
#include "kernel/x86/boot_info.h"
#include "kernel/x86/kmap.h"
#include "tests/lab/case.h"

enum { REACH_BEGAN };

static u64 canary __lab_world;

/* All present pages of [va, end) but the one the vandal stands on. */
static void wreck(char *va, char *end, unsigned long keep)
{
	for (; va < end; va += PAGE_SIZE) {
		const u64 *pte = kmap_pte((unsigned long)va);

		if (!pte || !(*pte & KM_PRESENT) || ((unsigned long)va ^ keep) < PAGE_SIZE)
			continue;
		for (unsigned i = 0; i < PAGE_SIZE / 8; i++)
			((volatile u64 *)va)[i] = 0xdeadbeef00000000ull + i;
	}
}

static void actor(void *index)
{
	char *arena = phys_to_virt(arena_phys);
	unsigned long here = (unsigned long)&arena & ~(PAGE_SIZE - 1);

	(void)index;
	lab_reach(REACH_BEGAN);
	WRITE_ONCE(canary, 1);
	wreck(arena, arena + arena_bytes, here);
	wreck(__world_start, __world_end, here);
	/*
	 * With its lists, locks and stacks gone the world cannot go on; the next point or wait
	 * shows it.
	 */
	lab_fail(LV_CORRUPT, "everything reachable was overwritten");
}

static int setup(unsigned actors)
{
	canary = 0;
	return case_actors("vandal", actors, actor);
}

static void check(unsigned actors)
{
	(void)actors;
}

static const char *const reach[] = {"began", NULL};
static const struct lab_case the_case = {
	.name = "vandal",
	.what = "an actor that overwrites its whole world",
	.actors = 1,
	.actors_min = 1,
	.actors_max = 1,
	.reach = reach,
	.setup = setup,
	.check = check,
};
LAB_CASE(the_case);
