/*
 * fork_cost.c - questions 1, 2 and 7: what the failing path of a fork costs, whom, and when memory
 * is back.
 */
#include <stdio.h>
#include <string.h>

#include "kernel/core/clock.h"
#include "tests/lab/fork_stall.h"
#include "tests/questions/question.h"

#define HALF 128 /* of the 256 VMAs of bench fork_fail_* */

static bool bench_of(const char *kind, const char *sem, char *name, size_t len)
{
	snprintf(name, len, "fork_fail_%s_%s", kind, sem);
	return registry_find(bench, name) != NULL;
}

/* The total of bench fork_fail_@kind_@sem at @k, into a cell. */
static bool cell_of(const char *kind, const char *sem, u64 k, u64 *total)
{
	const struct bench_result *result;
	char name[64];

	if (!bench_of(kind, sem, name, sizeof(name))) {
		q_fail("there is no bench %s", name);
		return false;
	}
	result = q_bench(name, k);
	if (!result)
		return false;
	*total = result->total.median;
	q_u64(*total);
	return true;
}

static bool has_benches(const struct semantics *sem)
{
	char name[64];

	return bench_of("hold", sem->name, name, sizeof(name));
}

/* ---- 1 ---- */

static int row_of_cost(const struct semantics *sem, u64 success)
{
	u64 held, all;

	q_str(sem->name);
	if (!cell_of("hold", sem->name, 0, &held) || !cell_of("hold", sem->name, HALF, &held) ||
	    !cell_of("hold", sem->name, 255, &held) || !cell_of("total", sem->name, HALF, &all))
		return -1;
	/* Percent by which the mean fork grows if one in a thousand fails. */
	q_ratio(((s64)all - (s64)success) * 100, success * 1000, 4);
	q_row();
	return 0;
}

QUESTION(01, "Does cost on the failing path of a fork matter at all?",
	 "A parent of 256 VMAs with a page each; the copy fails at VMA k because the commit "
	 "limit is reached there, no site armed. held: from the call until the parent is "
	 "unlocked, which is what its threads wait for; all: until the child is gone. 1 in "
	 "1000: by how many percent the mean fork becomes dearer if one in a thousand fails at "
	 "half of the way.",
	 "The rate of failing forks is an assumption of the last column: what it is in the "
	 "field only the field can tell. Work that a rule set gives to a worker is not in "
	 "`all`.")
{
	const struct bench_result *whole = q_bench("fork_vma_page", 256);
	const struct semantics *sem;
	u64 success;

	if (!whole)
		return -1;
	success = whole->total.median;
	Q_COLUMNS("semantics", "held k=0", "held 128", "held 255", "all 128", "1 in 1000");
	q_str("(a fork that succeeds)");
	q_none(), q_none(), q_u64(success), q_none(), q_none();
	q_row();
	for_each_registered(semantics, sem) {
		if (has_benches(sem) && row_of_cost(sem, success))
			return -1;
	}
	return 0;
}

/* ---- 7 ---- */

static int row_of_stall(const struct semantics *sem)
{
	u64 early, half, late;

	q_str(sem->name);
	if (!cell_of("hold", sem->name, 0, &early) || !cell_of("hold", sem->name, HALF, &half) ||
	    !cell_of("hold", sem->name, 255, &late))
		return -1;
	/* Faults that come at any time of the hold wait for what is left of it. */
	q_u64(half / 2);
	q_ratio((s64)late - (s64)early, 255, 0);
	q_row();
	return 0;
}

/* Siblings that write all the while, in virtual time. */
static int row_of_siblings(const struct semantics *sem)
{
	struct fork_stall stall;
	char words[128], why[256];

	snprintf(words, sizeof(words), "vmas=32 pages=2 threads=2 site=F13 k=24 sem=%s",
		 sem->name);
	if (fork_stall_measure(words, &stall, why, sizeof(why)))
		return q_fail("%s", why);
	q_str(sem->name);
	q_u64(stall.accesses);
	q_u64(stall.longest);
	q_ratio((s64)stall.sum, stall.accesses, 0);
	q_row();
	return 0;
}

QUESTION(07, "What does teardown under both locks cost the parent?",
	 "The same parent; its mmap_lock is held for writing all the while, so a thread of it "
	 "that faults waits. max: the whole hold, for a fault that comes at its start; mean: "
	 "for faults spread evenly over it (k=128); per VMA: growth of the hold with each VMA "
	 "copied before the failure, which for teardown under both locks holds the copy and its "
	 "undoing. Then two of its threads write all the while, in virtual time: the longest "
	 "and the mean time that a write took.",
	 "The distribution follows from the hold, which is measured alone on one vCPU: faults "
	 "that are served under the VMA's own lock wait only for VMAs that the copy has locked "
	 "already, and caches shared with a running sibling are not in it.")
{
	const struct semantics *sem;

	Q_COLUMNS("semantics", "max k=0", "max k=128", "max k=255", "mean 128", "per VMA");
	for_each_registered(semantics, sem) {
		if (has_benches(sem) && row_of_stall(sem))
			return -1;
	}
	if (!clock_is_insn()) {
		q_note("stalls of siblings in virtual time need --clock insn --smp 1");
		return 0;
	}
	Q_COLUMNS("siblings that write, under", "writes", "longest", "mean");
	for_each_registered(semantics, sem) {
		if (has_benches(sem) && row_of_siblings(sem))
			return -1;
	}
	return 0;
}

/* ---- 2 ---- */

static int row_of_memory(const struct semantics *sem)
{
	u64 half, most, all;

	q_str(sem->name);
	if (!cell_of("back50", sem->name, HALF, &half) ||
	    !cell_of("back90", sem->name, HALF, &most) ||
	    !cell_of("back100", sem->name, HALF, &all))
		return -1;
	q_row();
	return 0;
}

QUESTION(02, "Is full teardown the fastest way to return memory?",
	 "The parent of question 1; the copy fails at VMA 128. The clock from the failure until "
	 "50, 90 and 100 % of the frames and page tables that the child was charged were given "
	 "back, by whomever.",
	 "Nobody else holds the child: with a walker that has pinned it, everything but "
	 "teardown under the lock waits for that walker. Tables that are given back wait for a "
	 "grace period before anybody can have them. Pages that the parent shares are not "
	 "memory of the child.")
{
	const struct semantics *sem;

	Q_COLUMNS("semantics", "50 %", "90 %", "100 %");
	for_each_registered(semantics, sem) {
		if (has_benches(sem) && row_of_memory(sem))
			return -1;
	}
	return 0;
}
