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

/* A parent with @nr VMAs side by side, every second one read-only; @touched pages of it. */
static struct mm_struct *parent_vmas(struct bench *b, unsigned long nr, unsigned long touched)
{
	struct mm_struct *mm = mm_alloc();
	int err;

	if (!mm) {
		bench_fail(b, "no memory for a parent");
		return NULL;
	}
	err = user_mmap(mm, BASE, nr, RW);
	mm_use(mm);
	if (!err)
		err = user_touch(BASE, touched, 1);
	mm_unuse(mm);
	for (unsigned long i = 0; i < nr && !err; i += 2)
		err = vm_mprotect(mm, BASE + i * PAGE_SIZE, PAGE_SIZE, PROT_READ);
	if (err)
		bench_fail(b, "no memory for %lu VMAs: %d", nr, err);
	return mm;
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
	struct mm_struct *mm = parent_vmas(b, bench_x(b), 0);

	if (mm)
		fork_measured(b, mm, bench_x(b), false);
}

BENCH(fork_vma_page, "vma", VMAS)
{
	struct mm_struct *mm = parent_vmas(b, bench_x(b), bench_x(b));

	if (mm)
		fork_measured(b, mm, bench_x(b), false);
}

/* The tree alone. */
BENCH(fork_clone, "entry", VMAS)
{
	struct mm_struct *mm = parent_vmas(b, bench_x(b), 0);
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
	struct mm_struct *mm = parent_vmas(b, bench_x(b), 0);

	if (mm)
		exit_measured(b, mm, bench_x(b));
}

BENCH(exit_vma_page, "vma", VMAS)
{
	struct mm_struct *mm = parent_vmas(b, bench_x(b), bench_x(b));

	if (mm)
		exit_measured(b, mm, bench_x(b));
}
