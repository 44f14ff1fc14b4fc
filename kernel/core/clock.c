/*
 * clock.c - the promise about the counter, its proof, and nanoseconds.
 */
#include "kernel/core/clock.h"

#include <errno.h>
#include <string.h>
#include "kernel/core/format.h"
#include "kernel/core/model.h"
#include "kernel/core/sched_ops.h"
#include "kernel/x86/tsc.h"

#define PROOF_BLOCKS 100

static const char *const names[] = {
	[CLOCK_TSC] = "tsc",
	[CLOCK_INSN] = "insn",
	[CLOCK_MODEL] = "model",
};

static enum clock_kind kind;
static u64 start_tsc;
static char trouble[160];

/* Counts between two reads around a loop of @turns turns: 2 * @turns instructions, and a few. */
static u64 timed_block(u32 turns)
{
	u32 before, after, scratch;

	__asm__ volatile("rdtsc\n\t"
			 "mov %%eax, %0\n\t"
			 "1: dec %1\n\t"
			 "jnz 1b\n\t"
			 "rdtsc"
			 : "=&r"(before), "+r"(turns), "=&a"(after), "=&d"(scratch)
			 :
			 : "cc");
	return after - before;
}

/* Every block must count its own length and the two reads' share: the same everywhere, to one. */
static int prove_insn(void)
{
	for (u32 i = 1; i <= PROOF_BLOCKS; i++) {
		u64 counted = timed_block(i), expected = 2 * i + 2;

		if (counted == expected)
			continue;
		format(trouble, sizeof(trouble),
		       "clock=%s was promised, but block %u of %lu instructions counted %lu "
		       "(QEMU needs -icount shift=0,sleep=off)",
		       names[kind], i, expected, counted);
		return -EINVAL;
	}
	return 0;
}

int clock_init(const char *promised, const char **why)
{
	unsigned wanted = CLOCK_TSC;

	if (promised) {
		while (wanted < ARRAY_SIZE(names) && strcmp(promised, names[wanted]))
			wanted++;
	}
	if (wanted == ARRAY_SIZE(names)) {
		format(trouble, sizeof(trouble), "clock=%s: accepted are tsc, insn, model",
		       promised);
		*why = trouble;
		return -EINVAL;
	}
	kind = wanted;
	if (kind != CLOCK_TSC && prove_insn()) {
		*why = trouble;
		return -EINVAL;
	}
	if (kind == CLOCK_MODEL && !model_find()) {
		format(trouble, sizeof(trouble), "clock=model was promised, but there is no model "
						 "(QEMU needs -plugin model.so)");
		*why = trouble;
		return -EINVAL;
	}
	start_tsc = rdtsc();
	return 0;
}

enum clock_kind clock_kind(void)
{
	return kind;
}

bool clock_is_insn(void)
{
	return kind != CLOCK_TSC;
}

const char *clock_name(void)
{
	return names[kind];
}

const char *clock_record_name(void)
{
	if (kind == CLOCK_TSC && !strcmp(cpu_facts.hypervisor, "TCGTCGTCGTCG"))
		return "tcg-tsc";
	return names[kind];
}

u64 clock_ns(void)
{
	return tsc_to_ns(rdtsc() - start_tsc);
}

u64 time_ns(void)
{
	return sched_ops ? sched_ops->now() : clock_ns();
}
