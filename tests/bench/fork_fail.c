/*
 * fork_fail.c - what a failed fork costs, under each rule set, by how far the copy came.
 *
 * Owns: a parent of N VMAs of a page each, at whose k-th VMA the commit limit ends the copy.
 * Idea: the failing call is the real one, with no site armed and nothing watched: VMA k is promised
 *       more than there can be, which was allowed when it was mapped and is not when it is copied.
 * hold: until the parent is unlocked. total: until the child is gone, but for what a worker does
 * later. back50, back90, back100: from the failure until so many percent of the frames and tables
 * that the child was charged were given back, by whomever; tables then wait for a grace period.
 */
#include "kernel/base/err.h"
#include "kernel/sched/rcu.h"
#include "kernel/sched/work.h"
#include "mm/commit.h"
#include "mm/dup_mmap.h"
#include "mm/mm_marks.h"
#include "mm/mman.h"
#include "mm/mmu_gather.h"
#include "mm/semantics.h"
#include "tests/bench.h"
#include "tests/mm_user.h"

#define N    256u
#define RW   (PROT_READ | PROT_WRITE)
#define HUGE (1ul << 42)
#define K    BENCH_SWEEP("k", 0, 64, 128, 192, 255)
#define BACK_K BENCH_CASES("k", 128)

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
	mm_marks_watch(stop_at_unlock);
	bench_start(b);
	err = dup_mmap(child, mm);
	mm_marks_watch(NULL);
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

/* ---- memory back ---- */

static struct {
	struct bench *b;
	const struct mm_tables *tables; /* the child's; NULL: not failed yet, or enough is back */
	u64 percent, charged, freed;
} back;

static void start_at_failure(const struct mm_struct *mm, enum mm_mark mark)
{
	if (mark != MARK_RECOVER)
		return;
	back.tables = &mm->tables;
	back.freed = 0;
	back.charged = (u64)(atomic_long_read_nopoint(&mm->rss_stat[MM_ANONPAGES]) +
			     atomic_long_read_nopoint(&mm->tables.pgtables_bytes) / PAGE_SIZE);
	bench_start(back.b);
}

static void stop_when_back(const struct mm_tables *mt, unsigned long frames, unsigned long tables)
{
	if (mt != back.tables)
		return;
	back.freed += frames + tables;
	if (back.freed * 100 < back.charged * back.percent)
		return;
	bench_stop(back.b, 1);
	back.tables = NULL;
}

static void measure_back(struct bench *b, struct mm_struct *mm, unsigned percent)
{
	struct mm_struct *child;

	back.b = b;
	back.percent = percent;
	mm_marks_watch(start_at_failure);
	gather_freed_hook = stop_when_back;
	static_key_set(&gather_key, true);
	child = dup_mm(mm);
	flush_workqueue(&system_wq);
	static_key_set(&gather_key, false);
	mm_marks_watch(NULL);
	gather_freed_hook = NULL;
	if (!IS_ERR(child)) {
		bench_fail(b, "the copy did not fail");
		mmput(child);
	}
	if (back.tables)
		bench_fail(b, "%lu of %lu came back", back.freed, back.charged);
}

enum { HOLD, TOTAL }; /* or percent */

static void failing(struct bench *b, const char *sem, unsigned what)
{
	struct mm_struct *mm = parent(b, bench_x(b));

	if (!mm)
		return;
	if (choose(b, sem)) {
		if (what == HOLD)
			measure_hold(b, mm);
		else if (what == TOTAL)
			measure_total(b, mm);
		else
			measure_back(b, mm, what);
		flush_workqueue(&system_wq);
	}
	sem_install(NULL);
	mmput(mm);
	rcu_barrier();
}

#define FAILING(sem)                                                                               \
	BENCH(fork_fail_hold_##sem, "fork", K)                                                     \
	{                                                                                          \
		failing(b, #sem, HOLD);                                                            \
	}                                                                                          \
	BENCH(fork_fail_total_##sem, "fork", K)                                                    \
	{                                                                                          \
		failing(b, #sem, TOTAL);                                                           \
	}                                                                                          \
	BENCH(fork_fail_back50_##sem, "fork", BACK_K)                                              \
	{                                                                                          \
		failing(b, #sem, 50);                                                              \
	}                                                                                          \
	BENCH(fork_fail_back90_##sem, "fork", BACK_K)                                              \
	{                                                                                          \
		failing(b, #sem, 90);                                                              \
	}                                                                                          \
	BENCH(fork_fail_back100_##sem, "fork", BACK_K)                                             \
	{                                                                                          \
		failing(b, #sem, 100);                                                             \
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
