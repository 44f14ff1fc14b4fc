/*
 * fork_fail.c - what a failed fork costs, under each rule set, by how far the copy came.
 *
 * Owns: a parent of N VMAs of a page each, at whose k-th VMA the commit limit ends the copy.
 * Idea: the failing call is the real one, with no site armed and nothing watched: VMA k is promised
 *       more than there can be, which was allowed when it was mapped and is not when it is copied.
 * hold: until the parent is unlocked. total: until the child is gone, but for what a worker does
 * later.
 */
#include "kernel/base/err.h"
#include "kernel/sched/rcu.h"
#include "kernel/sched/work.h"
#include "mm/commit.h"
#include "mm/dup_mmap.h"
#include "mm/mm_marks.h"
#include "mm/mman.h"
#include "mm/semantics.h"
#include "tests/bench.h"
#include "tests/mm_user.h"

#define N    256u
#define RW   (PROT_READ | PROT_WRITE)
#define HUGE (1ul << 42)
#define K    BENCH_CASES("k", 0, 64, 128, 192, 255)

/* VMA i < k; k itself, the huge one; and those behind it. */
static unsigned long addr_of(u64 i, u64 k)
{
	unsigned long addr = USER_BASE + 2 * i * PAGE_SIZE;

	return i > k ? addr + HUGE : addr;
}

static int map_all(struct mm_struct *mm, u64 k)
{
	int err = 0;

	for (u64 i = 0; i < N && !err; i++) {
		err = user_mmap(mm, addr_of(i, k), i == k ? HUGE >> PAGE_SHIFT : 1, RW);
		if (!err)
			err = user_touch(addr_of(i, k), 1, i);
	}
	return err;
}

static struct mm_struct *parent(struct bench *b, u64 k)
{
	unsigned before = sysctl_overcommit_memory;
	struct mm_struct *mm = mm_alloc();
	int err;

	if (!mm) {
		bench_fail(b, "no memory for a parent");
		return NULL;
	}
	sysctl_overcommit_memory = OVERCOMMIT_ALWAYS;
	mm_use(mm);
	err = map_all(mm, k);
	mm_unuse(mm);
	sysctl_overcommit_memory = before;
	if (err)
		bench_fail(b, "no memory for %u VMAs: %d", N, err);
	return mm;
}

static bool choose(struct bench *b, const char *sem)
{
	struct sem_choice choice;
	const struct sem_set *set = NULL;
	char why[160];

	if (!sem_parse(sem, &choice, why, sizeof(why)))
		set = sem_set_of(&choice);
	if (!set)
		bench_fail(b, "no rule set %s", sem);
	else
		sem_install(set);
	return set;
}

static struct bench *holding;

static void stop_at_unlock(const struct mm_struct *mm, enum mm_mark mark)
{
	if (mark == MARK_PARENT)
		bench_stop(holding, 1);
}

static void measure_hold(struct bench *b, struct mm_struct *mm)
{
	struct mm_struct *child = mm_alloc();
	int err;

	if (!child) {
		bench_fail(b, "no memory for a child");
		return;
	}
	holding = b;
	mm_marks_hook = stop_at_unlock;
	static_key_set(&mm_marks_key, true);
	bench_start(b);
	err = dup_mmap(child, mm);
	static_key_set(&mm_marks_key, false);
	if (!err)
		bench_fail(b, "the copy did not fail");
	mmput(child);
}

static void measure_total(struct bench *b, struct mm_struct *mm)
{
	struct mm_struct *child;

	bench_start(b);
	child = dup_mm(mm);
	bench_stop(b, 1);
	if (!IS_ERR(child)) {
		bench_fail(b, "the copy did not fail");
		mmput(child);
	}
}

static void failing(struct bench *b, const char *sem, bool hold)
{
	struct mm_struct *mm = parent(b, bench_x(b));

	if (!mm)
		return;
	if (choose(b, sem)) {
		if (hold)
			measure_hold(b, mm);
		else
			measure_total(b, mm);
		flush_workqueue(&system_wq);
	}
	sem_install(NULL);
	mmput(mm);
	rcu_barrier();
}

#define FAILING(sem)                                                                               \
	BENCH(fork_fail_hold_##sem, "fork", K)                                                     \
	{                                                                                          \
		failing(b, #sem, true);                                                            \
	}                                                                                          \
	BENCH(fork_fail_total_##sem, "fork", K)                                                    \
	{                                                                                          \
		failing(b, #sem, false);                                                           \
	}

FAILING(insert_one_by_one)
FAILING(zero_marker)
FAILING(zero_marker_sem)
FAILING(zero_marker_flagged)
FAILING(full_teardown_both_locks)
FAILING(full_teardown_child_lock)
FAILING(prune_tail)
FAILING(prune_in_place)
FAILING(prune_tail_flagged)
FAILING(late_publish)
FAILING(async_teardown)
FAILING(stable_gate)
FAILING(count_only_walkers)
