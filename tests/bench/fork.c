/*
 * fork.c - what fork and exit cost: per entry, per VMA, per table; and what a failed fork costs.
 *
 * The parent lives already; the child is measured from dup_mm() to its address, and its end from
 * mmput() on. Grace periods are not measured. Slopes are what counts: a fork's fixed part is an
 * mm, a directory, the tables above.
 */
#include "kernel/base/err.h"
#include "kernel/core/fault.h"
#include "kernel/core/user.h"
#include "kernel/sched/rcu.h"
#include "mm/fault.h"
#include "mm/maple_tree.h"
#include "mm/mman.h"
#include "mm/semantics.h"
#include "mm/vma.h"
#include "tests/bench.h"
#include "tests/mm_user.h"

#define BASE  USER_BASE
#define RW    (PROT_READ | PROT_WRITE)
#define PAGES BENCH_SWEEP("pages", 512, 2048, 8192)
#define VMAS  BENCH_SWEEP("vmas", 64, 256, 1024)

/* A parent with @nr pages in one VMA, in folios of 2^@order; NULL: the bench has failed. */
static struct mm_struct *parent_pages(struct bench *b, unsigned long nr, unsigned order)
{
	struct mm_struct *mm = mm_alloc();
	unsigned before = anon_order;
	int err;

	if (!mm) {
		bench_fail(b, "no memory for a parent");
		return NULL;
	}
	anon_order = order;
	err = user_mmap(mm, BASE, nr, RW);
	mm_use(mm);
	for (unsigned long i = 0; i < nr && !err; i += 1ul << order)
		err = put_user((u64)1, BASE + i * PAGE_SIZE);
	mm_unuse(mm);
	anon_order = before;
	if (err)
		bench_fail(b, "no memory for %lu pages: %d", nr, err);
	return mm;
}

/*
 * A parent with @nr VMAs of @each pages side by side, every second one read-only; all pages of it
 * or none are there.
 */
static struct mm_struct *parent_vmas_of(struct bench *b, unsigned long nr, unsigned long each,
					bool touched)
{
	struct mm_struct *mm = mm_alloc();
	unsigned long len = each * PAGE_SIZE;
	int err;

	if (!mm) {
		bench_fail(b, "no memory for a parent");
		return NULL;
	}
	err = user_mmap(mm, BASE, nr * each, RW);
	mm_use(mm);
	if (!err && touched)
		err = user_touch(BASE, nr * each, 1);
	mm_unuse(mm);
	for (unsigned long i = 0; i < nr && !err; i += 2)
		err = vm_mprotect(mm, BASE + i * len, len, PROT_READ);
	if (err)
		bench_fail(b, "no memory for %lu VMAs: %d", nr, err);
	return mm;
}

static struct mm_struct *parent_vmas(struct bench *b, unsigned long nr, bool touched)
{
	return parent_vmas_of(b, nr, 1, touched);
}

static void end_all(struct mm_struct *mm)
{
	mmput(mm);
	rcu_barrier();
}

/* A fork that is measured, per @nr; its child ends unmeasured. @again: it was copied before. */
static void fork_measured(struct bench *b, struct mm_struct *mm, unsigned long nr, bool again)
{
	struct mm_struct *child, *first = again ? dup_mm(mm) : NULL;

	bench_start(b);
	child = dup_mm(mm);
	bench_stop(b, nr);
	if (IS_ERR(child) || (again && IS_ERR(first)))
		bench_fail(b, "no memory for a child");
	else
		end_all(child);
	if (again && !IS_ERR(first))
		end_all(first);
	end_all(mm);
}

/* The end of a child that shares everything. */
static void exit_measured(struct bench *b, struct mm_struct *mm, unsigned long nr)
{
	struct mm_struct *child = dup_mm(mm);

	if (IS_ERR(child)) {
		bench_fail(b, "no memory for a child");
	} else {
		bench_start(b);
		mmput(child);
		bench_stop(b, nr);
		rcu_barrier();
	}
	end_all(mm);
}

/* ---- fork ---- */

BENCH(fork_pte, "pte", PAGES)
{
	struct mm_struct *mm = parent_pages(b, bench_x(b), 0);

	if (mm)
		fork_measured(b, mm, bench_x(b), false);
}

/* Nothing is writable or exclusive any more. */
BENCH(fork_pte_again, "pte", PAGES)
{
	struct mm_struct *mm = parent_pages(b, bench_x(b), 0);

	if (mm)
		fork_measured(b, mm, bench_x(b), true);
}

BENCH(fork_pte_folio, "pte", PAGES)
{
	struct mm_struct *mm = parent_pages(b, bench_x(b), 9);

	if (mm)
		fork_measured(b, mm, bench_x(b), false);
}

BENCH(fork_pte_order, "pte", BENCH_CASES("order", 1, 2, 4, 9))
{
	struct mm_struct *mm = parent_pages(b, 8192, bench_x(b));

	if (mm)
		fork_measured(b, mm, 8192, false);
}

/* One page in each table. */
BENCH(fork_table, "table", BENCH_SWEEP("tables", 16, 32, 64))
{
	struct mm_struct *mm = mm_alloc();
	int err = mm ? user_mmap(mm, BASE, bench_x(b) * 512, RW) : -1;

	if (!mm) {
		bench_fail(b, "no memory for a parent");
		return;
	}
	mm_use(mm);
	for (u64 i = 0; i < bench_x(b) && !err; i++)
		err = put_user(i, BASE + i * (512 * PAGE_SIZE));
	mm_unuse(mm);
	if (err)
		bench_fail(b, "no memory for pages: %d", err);
	fork_measured(b, mm, bench_x(b), false);
}

/* VMAs without pages, and with one each (and an anon_vma that all share). */
BENCH(fork_vma, "vma", VMAS)
{
	struct mm_struct *mm = parent_vmas(b, bench_x(b), false);

	if (mm)
		fork_measured(b, mm, bench_x(b), false);
}

BENCH(fork_vma_page, "vma", VMAS)
{
	struct mm_struct *mm = parent_vmas(b, bench_x(b), true);

	if (mm)
		fork_measured(b, mm, bench_x(b), false);
}

/*
 * As many pages in ever more VMAs: the slope is what a VMA adds, without its pages. So the peer's
 * figures for a VMA were taken.
 */
#define SPLIT_PAGES 4096ul
#define SPLIT	    BENCH_SWEEP("vmas", 16, 256, 1024)

static struct mm_struct *parent_split(struct bench *b)
{
	return parent_vmas_of(b, bench_x(b), SPLIT_PAGES / bench_x(b), true);
}

BENCH(fork_vma_split, "fork", SPLIT)
{
	struct mm_struct *mm = parent_split(b);

	if (mm)
		fork_measured(b, mm, 1, false);
}

/* The tree alone. */
BENCH(fork_clone, "entry", VMAS)
{
	struct mm_struct *mm = parent_vmas(b, bench_x(b), false);
	struct maple_tree mt;
	int err;

	if (!mm)
		return;
	mt_init_flags(&mt, MM_MT_FLAGS);
	bench_start(b);
	err = __mt_dup(&mm->mm_mt, &mt, GFP_KERNEL);
	bench_stop(b, bench_x(b));
	if (err)
		bench_fail(b, "no memory for a tree");
	__mt_destroy(&mt);
	end_all(mm);
}

/* ---- exit ---- */

BENCH(exit_pte_shared, "pte", PAGES)
{
	struct mm_struct *mm = parent_pages(b, bench_x(b), 0);

	if (mm)
		exit_measured(b, mm, bench_x(b));
}

BENCH(exit_pte_folio, "pte", PAGES)
{
	struct mm_struct *mm = parent_pages(b, bench_x(b), 9);

	if (mm)
		exit_measured(b, mm, bench_x(b));
}

BENCH(exit_vma, "vma", VMAS)
{
	struct mm_struct *mm = parent_vmas(b, bench_x(b), false);

	if (mm)
		exit_measured(b, mm, bench_x(b));
}

BENCH(exit_vma_page, "vma", VMAS)
{
	struct mm_struct *mm = parent_vmas(b, bench_x(b), true);

	if (mm)
		exit_measured(b, mm, bench_x(b));
}

BENCH(exit_vma_split, "exit", SPLIT)
{
	struct mm_struct *mm = parent_split(b);

	if (mm)
		exit_measured(b, mm, 1);
}

/* Of pages that nobody shares. */
BENCH(exit_vma_split_private, "exit", SPLIT)
{
	struct mm_struct *mm = parent_split(b);

	if (!mm)
		return;
	bench_start(b);
	mmput(mm);
	bench_stop(b, 1);
	rcu_barrier();
}
