/*
 * fork_marks.c - see fork_marks.h.
 *
 * Idea: a bench that is not in the list: the harness settles the machine, warms up and calls it in
 *       a thread of its own; while it samples, each moment takes a stamp of its clock.
 */
#include "tests/bench/fork_marks.h"

#include <stdio.h>
#include <string.h>

#include "kernel/base/err.h"
#include "kernel/drivers/block.h"
#include "kernel/sched/rcu.h"
#include "kernel/sched/work.h"
#include "kernel/shell/env.h"
#include "mm/block_ram.h"
#include "mm/commit.h"
#include "mm/fault.h"
#include "mm/mman.h"
#include "mm/semantics.h"
#include "mm/swap.h"
#include "tests/bench_internal.h"
#include "tests/mm_swap.h"
#include "tests/mm_user.h"

#define RW	    (PROT_READ | PROT_WRITE)
#define HUGE	    (1ul << 42)
#define SHARERS_MAX 16u

static const struct fork_parent *parent;
static const struct sem_set *rules;
static struct fork_marks seen; /* in this call; */
static struct fork_marks kept; /* what is given out */
static u64 called;	       /* the clock at the call */

/* What one call of the body made. */
struct family {
	struct mm_struct *mm;
	struct mm_struct *sharer[SHARERS_MAX];
	struct block_device *swap; /* NULL: nothing is swapped */
};

/* ---- the parent ---- */

/* VMA i, its neighbours a folio away; k itself is the huge one. */
static unsigned long addr_of(u64 i)
{
	unsigned long stride = (parent->pages + (1ul << parent->order)) * PAGE_SIZE;

	return USER_BASE + i * stride + (i > parent->k ? HUGE : 0);
}

static int map_vma(struct mm_struct *mm, u64 i)
{
	unsigned long pages = i == parent->k ? HUGE >> PAGE_SHIFT : parent->pages;
	int err = user_mmap(mm, addr_of(i), pages, RW);

	if (!err)
		err = user_touch(addr_of(i), parent->pages, i + 1);
	if (!err && parent->swapped &&
	    user_swap_out(mm, addr_of(i), parent->swapped) != parent->swapped)
		err = -EIO;
	return err;
}

static int swap_begin(struct family *f)
{
	u64 slots = 4 * parent->vmas * parent->swapped;
	struct block_device *bdev;

	if (!slots)
		return 0;
	bdev = block_ram_create(0, slots);
	if (IS_ERR(bdev))
		return PTR_ERR(bdev);
	f->swap = bdev;
	return swapon(bdev) < 0 ? -ENOMEM : 0;
}

static int make_sharers(struct family *f)
{
	for (u64 i = 0; i < parent->sharers; i++) {
		struct mm_struct *mm = dup_mm(f->mm);

		if (IS_ERR(mm))
			return PTR_ERR(mm);
		f->sharer[i] = mm;
	}
	return 0;
}

/* What is promised in excess was allowed when it was mapped, and is not when it is copied. */
static int make_family(struct family *f)
{
	unsigned overcommit = sysctl_overcommit_memory, order = anon_order;
	int err = swap_begin(f);

	f->mm = err ? NULL : mm_alloc();
	if (!f->mm)
		return -ENOMEM;
	sysctl_overcommit_memory = OVERCOMMIT_ALWAYS;
	anon_order = (unsigned)parent->order;
	mm_use(f->mm);
	for (u64 i = 0; i < parent->vmas && !err; i++)
		err = map_vma(f->mm, i);
	mm_unuse(f->mm);
	anon_order = order;
	if (!err)
		err = make_sharers(f);
	sysctl_overcommit_memory = overcommit;
	return err;
}

static void end_family(struct bench *b, struct family *f)
{
	for (unsigned i = 0; i < SHARERS_MAX; i++) {
		if (f->sharer[i])
			mmput(f->sharer[i]);
	}
	if (f->mm)
		mmput(f->mm);
	rcu_barrier();
	if (!f->swap)
		return;
	if (swapoff(f->swap) != 0 && swap_count(swp_entry(0, 0)) >= 0)
		bench_fail(b, "slots are left");
	block_ram_destroy(f->swap);
}

/* ---- the fork ---- */

static void stamp(const struct mm_struct *mm __maybe_unused, enum mm_mark mark)
{
	seen.at[mark] = bench_clock() - called;
}

/* Where the clock is exact the last sample, behind those that warm up; else the quickest. */
static void keep_seen(const struct bench *b)
{
	bool exact = clock_kind() != CLOCK_TSC;

	if (!b->run->counting && (exact || !kept.done || seen.done < kept.done))
		kept = seen;
}

static void fork_once(struct bench *b, struct family *f)
{
	bool fails = parent->k < parent->vmas;
	struct mm_struct *child;

	memset(&seen, 0, sizeof(seen));
	(void)mm_marks_watch(stamp);
	bench_start(b);
	called = b->start;
	child = dup_mm(f->mm);
	seen.done = bench_clock() - called;
	bench_stop(b, 1);
	if (!IS_ERR(child)) {
		u64 before = bench_clock();

		mmput(child);
		seen.exit = bench_clock() - before;
	}
	flush_workqueue(&system_wq);
	(void)mm_marks_watch(NULL);
	keep_seen(b);
	if (IS_ERR(child) != fails)
		bench_fail(b, "the copy %s", fails ? "did not fail" : "failed");
}

static void body(struct bench *b)
{
	struct family f = {0};
	int err;

	sem_install(rules);
	err = parent->swapped && parent->order ? -EINVAL : make_family(&f);
	if (err)
		bench_fail(b, "there is no such parent: %d", err);
	else
		fork_once(b, &f);
	sem_install(NULL);
	end_family(b, &f);
}

/* ---- the measurement ---- */

static u64 counts(u64 clock)
{
	return clock_kind() == CLOCK_MODEL ? clock / MODEL_UNITS_PER_CYCLE : clock;
}

static const struct sem_set *rules_of(const char *sem, char why[FORK_MARKS_WHY])
{
	const struct sem_set *set = NULL;
	struct sem_choice choice;

	if (!sem_parse(sem, &choice, why, FORK_MARKS_WHY)) {
		set = sem_set_of(&choice);
		if (!set)
			snprintf(why, FORK_MARKS_WHY, "no room for the rules %s", sem);
	}
	return set;
}

int fork_marks_measure(const struct fork_parent *shape, const char *sem, struct fork_marks *marks,
		       char why[FORK_MARKS_WHY])
{
	static const struct bench_case bc = {
		.name = "fork_marks", .per = "fork", .fn = body, .axis = BENCH_ONCE};
	const struct bench_opts opts = {.glob = bc.name,
					.nr_samples = clock_kind() == CLOCK_TSC ? 7 : 1,
					.nr_warm = 2,
					.seed = SEED_DEFAULT};
	static struct bench_result result;
	static struct bench_run run;

	parent = shape;
	kept = (struct fork_marks){.done = 0};
	rules = rules_of(sem, why);
	if (!rules)
		return -1;
	run = (struct bench_run){.bc = &bc, .opts = &opts};
	if (bench_measure(&run, 0, &result) != BENCH_RAN) {
		snprintf(why, FORK_MARKS_WHY, "%s", run.why);
		return -1;
	}
	for (unsigned i = 0; i < MARK_NR; i++)
		marks->at[i] = counts(kept.at[i]);
	marks->done = counts(kept.done);
	marks->exit = counts(kept.exit);
	return 0;
}

u64 fork_marks_between(const struct fork_marks *marks, enum mm_mark from, enum mm_mark to)
{
	return marks->at[from] && marks->at[to] > marks->at[from] ? marks->at[to] - marks->at[from]
								  : 0;
}
