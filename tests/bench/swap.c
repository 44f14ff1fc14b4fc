/*
 * swap.c - what swap costs: a page in, an entry dropped, swapoff passing by and bringing back.
 *
 * On a RAM device, so that moving a page is one copy: 513 instructions.
 */
#include "kernel/base/err.h"
#include "kernel/core/user.h"
#include "kernel/drivers/block.h"
#include "kernel/sched/rcu.h"
#include "mm/block_ram.h"
#include "mm/mman.h"
#include "mm/page_alloc.h"
#include "mm/swap.h"
#include "mm/vma.h"
#include "tests/bench.h"
#include "tests/mm_swap.h"
#include "tests/mm_user.h"

#define BASE  USER_BASE
#define RW    (PROT_READ | PROT_WRITE)
#define SWEEP BENCH_SWEEP("pages", 512, 2048, 8192)
#define ROOM  4 /* slots to a page: a device that is not nearly full */

struct swap_bench {
	struct mm_struct *mm;
	struct block_device *bdev;
};

/* @nr pages mapped, of every @step-th one touched, and a device with @slots. */
static bool swap_begin(struct bench *b, struct swap_bench *s, unsigned long nr, unsigned long step,
		       unsigned long slots)
{
	int err = 0;

	s->bdev = block_ram_create(0, slots);
	if (IS_ERR(s->bdev) || swapon(s->bdev) < 0) {
		bench_fail(b, "no memory for %lu slots", slots);
		return false;
	}
	s->mm = mm_alloc();
	if (!s->mm || user_mmap(s->mm, BASE, nr, RW)) {
		bench_fail(b, "no memory for %lu pages", nr);
		return false;
	}
	mm_use(s->mm);
	for (unsigned long i = 0; i < nr && !err; i += step)
		err = put_user((u64)i, BASE + i * PAGE_SIZE);
	if (err)
		bench_fail(b, "no memory for %lu pages", nr);
	return !err;
}

static void swap_end(struct bench *b, struct swap_bench *s)
{
	mm_unuse(s->mm);
	mmput(s->mm);
	if (swapoff(s->bdev) != 0 && swap_count(swp_entry(0, 0)) >= 0)
		bench_fail(b, "slots are left");
	block_ram_destroy(s->bdev);
	rcu_barrier();
}

static void all_out(struct bench *b, struct swap_bench *s, unsigned long nr)
{
	if (user_swap_out(s->mm, BASE, nr) != nr)
		bench_fail(b, "pages were not swapped out");
}

/* ---- one entry ---- */

BENCH(swap_in_read, "page", SWEEP)
{
	unsigned long nr = bench_x(b);
	struct swap_bench s;
	int err = 0;
	u64 value;

	if (!swap_begin(b, &s, nr, 1, ROOM * nr))
		return;
	all_out(b, &s, nr);
	bench_start(b);
	for (unsigned long i = 0; i < nr; i++)
		err |= get_user(&value, BASE + i * PAGE_SIZE);
	bench_stop(b, nr);
	if (err)
		bench_fail(b, "a read failed: %d", err);
	swap_end(b, &s);
}

BENCH(swap_in_write, "page", SWEEP)
{
	unsigned long nr = bench_x(b);
	struct swap_bench s;
	int err;

	if (!swap_begin(b, &s, nr, 1, ROOM * nr))
		return;
	all_out(b, &s, nr);
	bench_start(b);
	err = user_touch(BASE, nr, 2);
	bench_stop(b, nr);
	if (err)
		bench_fail(b, "a write failed: %d", err);
	swap_end(b, &s);
}

/* Entries of neighbouring slots, as they come from one mm that was swapped out in order. */
BENCH(swap_zap, "entry", SWEEP)
{
	unsigned long nr = bench_x(b);
	struct swap_bench s;
	int err;

	if (!swap_begin(b, &s, nr, 1, ROOM * nr))
		return;
	all_out(b, &s, nr);
	bench_start(b);
	err = vm_madvise(s.mm, BASE, nr * PAGE_SIZE, MADV_DONTNEED);
	bench_stop(b, nr);
	if (err)
		bench_fail(b, "madvise failed: %d", err);
	swap_end(b, &s);
}

/* Every other entry is another slot's neighbour: none goes together with the next. */
BENCH(swap_zap_single, "entry", SWEEP)
{
	unsigned long nr = bench_x(b);
	struct swap_bench s;
	int err;

	if (!swap_begin(b, &s, nr, 1, ROOM * nr))
		return;
	for (unsigned long i = 0; i < nr; i += 2)
		user_swap_out(s.mm, BASE + i * PAGE_SIZE, 1);
	for (unsigned long i = 1; i < nr; i += 2)
		user_swap_out(s.mm, BASE + i * PAGE_SIZE, 1);
	bench_start(b);
	err = vm_madvise(s.mm, BASE, nr * PAGE_SIZE, MADV_DONTNEED);
	bench_stop(b, nr);
	if (err)
		bench_fail(b, "madvise failed: %d", err);
	swap_end(b, &s);
}

/* ---- fork and exit ---- */

/* Each slot gets one name more; those of the parent are nobody's alone any more. */
BENCH(fork_pte_swapped, "entry", SWEEP)
{
	unsigned long nr = bench_x(b);
	struct mm_struct *child;
	struct swap_bench s;

	if (!swap_begin(b, &s, nr, 1, ROOM * nr))
		return;
	all_out(b, &s, nr);
	bench_start(b);
	child = dup_mm(s.mm);
	bench_stop(b, nr);
	if (IS_ERR(child))
		bench_fail(b, "no memory for a child");
	else
		mmput(child);
	swap_end(b, &s);
}

BENCH(exit_pte_swapped, "entry", SWEEP)
{
	unsigned long nr = bench_x(b);
	struct mm_struct *child;
	struct swap_bench s;

	if (!swap_begin(b, &s, nr, 1, ROOM * nr))
		return;
	all_out(b, &s, nr);
	child = dup_mm(s.mm);
	if (IS_ERR(child)) {
		bench_fail(b, "no memory for a child");
	} else {
		bench_start(b);
		mmput(child);
		bench_stop(b, nr);
	}
	swap_end(b, &s);
}

/* ---- swapoff ---- */

static void swapoff_measured(struct bench *b, struct swap_bench *s, unsigned long nr)
{
	int err;

	bench_start(b);
	err = swapoff(s->bdev);
	bench_stop(b, nr);
	if (err || swapon(s->bdev) < 0)
		bench_fail(b, "swapoff or swapon failed: %d", err);
}

/* One page is out, the others are there. */
BENCH(swapoff_scan_present, "page", BENCH_SWEEP("pages", 2048, 8192, 32768))
{
	unsigned long nr = bench_x(b);
	struct swap_bench s;

	if (!swap_begin(b, &s, nr, 1, 64))
		return;
	all_out(b, &s, 1);
	swapoff_measured(b, &s, nr);
	swap_end(b, &s);
}

/* One page of each table was touched. */
BENCH(swapoff_scan_absent, "page", BENCH_SWEEP("pages", 2048, 8192, 32768))
{
	unsigned long nr = bench_x(b);
	struct swap_bench s;

	if (!swap_begin(b, &s, nr, PTRS_PER_TABLE, 64))
		return;
	all_out(b, &s, 1);
	swapoff_measured(b, &s, nr);
	swap_end(b, &s);
}

BENCH(swapoff_all, "page", SWEEP)
{
	unsigned long nr = bench_x(b);
	struct swap_bench s;

	if (!swap_begin(b, &s, nr, 1, ROOM * nr))
		return;
	all_out(b, &s, nr);
	swapoff_measured(b, &s, nr);
	swap_end(b, &s);
}
