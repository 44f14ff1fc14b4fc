/*
 * case_vandal.c - an actor that overwrites everything of its world that it can reach, or goes
 * astray in other ways.
 *
 * What it leaves must not be able to reach the next run, nor the system outside: tests run another
 * scenario before and after and compare the traces.
 */
#include "kernel/core/once.h"
#include "kernel/x86/boot_info.h"
#include "kernel/x86/kmap.h"
#include "tests/lab/case.h"

enum { MUT_WILD, MUT_NULL, MUT_MARKER };
enum { REACH_BEGAN };

#define WILD   0xffff900000123000ul /* in the kernel's half, never mapped */
#define MARKER 0x406ul		     /* the entry that says "this tree is going" */

enum { VM_START = 8 }; /* some field of a VMA */

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

/* A pointer that the compiler knows nothing about. */
static u64 *astray(unsigned long addr)
{
	__asm__("" : "+r"(addr));
	return (u64 *)addr;
}

static void actor(void *index)
{
	char *arena = phys_to_virt(arena_phys);
	unsigned long here = (unsigned long)&arena & ~(PAGE_SIZE - 1);

	(void)index;
	lab_reach(REACH_BEGAN);
	WRITE_ONCE(canary, 1);
	if (case_mutant(MUT_WILD))
		WRITE_ONCE_NOPOINT(*astray(WILD), 1);
	if (case_mutant(MUT_NULL))
		WRITE_ONCE(canary, READ_ONCE_NOPOINT(*astray(VM_START)));
	if (case_mutant(MUT_MARKER))
		WRITE_ONCE(canary, READ_ONCE_NOPOINT(*astray(MARKER + VM_START)));
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
static const struct lab_mutant mutants[] = {
	[MUT_WILD] = {"wild", "stores through a wild pointer instead", LV_CORRUPT},
	[MUT_NULL] = {"null", "believes in a first VMA instead", LV_NULL},
	[MUT_MARKER] = {"marker", "takes the reserved entry for a VMA instead", LV_MARKER},
	{NULL, NULL, LV_SAFE},
};
static const struct lab_case the_case = {
	.name = "vandal",
	.what = "an actor that overwrites its whole world",
	.actors = 1,
	.actors_min = 1,
	.actors_max = 1,
	.wrong = true,
	.reach = reach,
	.mutants = mutants,
	.setup = setup,
	.check = check,
};
LAB_CASE(the_case);
