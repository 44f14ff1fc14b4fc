/*
 * fork_cost.c - questions 1, 2 and 7: what the failing path of a fork costs, whom, and when memory
 * is back.
 */
#include <stdio.h>
#include <string.h>

#include "mm/page_alloc.h"
#include "mm/slab.h"
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

QUESTION(07, "What does teardown under both locks cost the parent?",
	 "The same parent; its mmap_lock is held for writing all the while, so a thread of it "
	 "that faults waits. max: the whole hold, for a fault that comes at its start; mean: "
	 "for faults spread evenly over it (k=128); per VMA: growth of the hold with each VMA "
	 "copied before the failure, which for teardown under both locks holds the copy and its "
	 "undoing.",
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
	return 0;
}

/* ---- 2 ---- */

/* Bytes in use at each moment of the last run. */
static u64 bytes_at[MARK_NR];

/* Objects that live, and frames that hold no objects. */
static u64 bytes_in_use(void)
{
	struct kmem_cache *cache;
	u64 bytes = 0;

	for (unsigned kind = FK_KERNEL; kind < FK_NR; kind++) {
		if (kind != FK_SLAB)
			bytes += (u64)frames_live(kind) * PAGE_SIZE;
	}
	for_each_registered(kmem_cache, cache)
		bytes += (u64)kmem_cache_live(cache) * cache->size;
	return bytes;
}

static void take_bytes(const struct mm_struct *mm, enum mm_mark mark)
{
	(void)mm;
	bytes_at[mark] = bytes_in_use();
}

/* When, after the failure, @percent of what the copy took was free; -1: not before its end. */
static s64 back_at(const struct fork_run *run, u64 percent)
{
	const struct fork_moment *failed = q_moment(run, MARK_RECOVER);
	u64 taken = bytes_at[MARK_RECOVER] - bytes_at[MARK_CLONE];

	for (unsigned i = 0; i < run->nr_moments && failed; i++) {
		const struct fork_moment *m = &run->moment[i];
		s64 back = (s64)(bytes_at[MARK_RECOVER] - bytes_at[m->mark]);

		if (m->clock > failed->clock && back * 100 >= (s64)(taken * percent))
			return (s64)(m->clock - failed->clock);
	}
	return -1;
}

static void cell_back(const struct fork_run *run, u64 percent)
{
	s64 at = back_at(run, percent);

	if (at < 0)
		q_none();
	else
		q_s64(at);
}

static int row_of_memory(const struct semantics *sem, u64 k)
{
	const struct fork_run *run;

	fork_run_look = take_bytes;
	run = q_fork("vmas=256 pages=16 site=F13 k=%lu sem=%s", k, sem->name);
	fork_run_look = NULL;
	if (!run)
		return -1;
	q_str(sem->name);
	q_u64(k);
	q_u64((bytes_at[MARK_RECOVER] - bytes_at[MARK_CLONE]) >> 10);
	cell_back(run, 50);
	cell_back(run, 80);
	cell_back(run, 95);
	q_ratio((s64)(bytes_at[MARK_END] - bytes_at[MARK_CLONE]), 1024, 1);
	q_row();
	return 0;
}

QUESTION(02, "Is full teardown the fastest way to return memory?",
	 "A parent of 256 VMAs of 16 pages; the copy fails at VMA k (an object for it is not to "
	 "be had). KiB: what the child holds when it fails (objects, nodes, tables: its pages "
	 "are the parent's). Then the clock from the failure until 50, 80 and 95 % of that are "
	 "free, looked at where one window ends and the next begins; and the KiB that were "
	 "still not free at the last mmdrop.",
	 "Nobody else holds the child: with a walker that has pinned it everything but teardown "
	 "under the lock waits for that walker. Tables and some nodes are free only when a "
	 "grace period is over, so a dash says that it was not at the last mmdrop. The rows see "
	 "the ends of windows; watching them is in the figures.")
{
	const struct semantics *sem;

	Q_COLUMNS("semantics", "k", "KiB", "50 %", "80 %", "95 %", "KiB left");
	for (u64 k = 64; k <= 192; k += 128) {
		for_each_registered(semantics, sem) {
			if (has_benches(sem) && row_of_memory(sem, k))
				return -1;
		}
	}
	return 0;
}
