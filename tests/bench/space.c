/*
 * space.c - what an address space costs its user: faults, rights, giving memory back, VMAs.
 *
 * Per page unless said otherwise. A first touch, and a copy, contain zeroing or copying one frame:
 * 513 instructions. Everything is measured from outside, as a program would see it.
 */
#include "kernel/core/user.h"
#include "mm/fault.h"
#include "mm/page_alloc.h"
#include "mm/vma.h"
#include "tests/bench/space_frame.h"

#define SWEEP BENCH_SWEEP("pages", 512, 2048, 8192)

/* Touched as in SWEEP, all tables there. */
static struct mm_struct *space_touched(struct bench *b, unsigned long nr)
{
	struct mm_struct *mm = space_begin(b, nr);

	if (mm && user_touch(BASE, nr, 1))
		bench_fail(b, "no memory for %lu pages", nr);
	return mm;
}

static void touch_measured(struct bench *b, unsigned long nr)
{
	int err;

	bench_start(b);
	err = user_touch(BASE, nr, 2);
	bench_stop(b, nr);
	if (err)
		bench_fail(b, "a write failed: %d", err);
}

/* ---- faults ---- */

/* Page tables are made on the way. */
BENCH(space_first_touch, "page", SWEEP)
{
	struct mm_struct *mm = space_begin(b, bench_x(b));

	if (!mm)
		return;
	touch_measured(b, bench_x(b));
	space_end(mm);
}

BENCH(space_touch_order, "page", BENCH_CASES("order", 0, 2, 4, 9))
{
	struct mm_struct *mm = space_begin(b, 2048);
	unsigned before = anon_order;

	if (!mm)
		return;
	anon_order = bench_x(b);
	touch_measured(b, 2048);
	anon_order = before;
	space_end(mm);
}

BENCH(space_read_fault, "page", SWEEP)
{
	unsigned long nr = bench_x(b);
	struct mm_struct *mm = space_begin(b, nr);
	int err = 0;
	u64 value;

	if (!mm)
		return;
	bench_start(b);
	for (unsigned long i = 0; i < nr; i++)
		err |= get_user(&value, BASE + i * PAGE_SIZE);
	bench_stop(b, nr);
	if (err)
		bench_fail(b, "a read failed: %d", err);
	space_end(mm);
}

/* A page that another address space maps too. */
BENCH(space_cow_copy, "page", SWEEP)
{
	unsigned long nr = bench_x(b);
	struct mm_struct *mm = space_touched(b, nr), *other = mm_alloc();

	if (!mm || !other || user_mmap(other, BASE, nr, RW) || user_share(mm, other, BASE, nr))
		bench_fail(b, "no memory for %lu pages", nr);
	else
		touch_measured(b, nr);
	if (mm)
		space_end(mm);
	if (other)
		mmput(other);
}

BENCH(space_cow_reuse, "page", SWEEP)
{
	struct mm_struct *mm = space_touched(b, bench_x(b));

	if (!mm)
		return;
	user_wrprotect(mm, BASE, bench_x(b));
	touch_measured(b, bench_x(b));
	space_end(mm);
}

/* Read before, so the zero page is there. */
BENCH(space_cow_zero, "page", SWEEP)
{
	unsigned long nr = bench_x(b);
	struct mm_struct *mm = space_begin(b, nr);
	u64 value;

	if (!mm)
		return;
	for (unsigned long i = 0; i < nr; i++) {
		if (get_user(&value, BASE + i * PAGE_SIZE))
			bench_fail(b, "a read failed");
	}
	touch_measured(b, nr);
	space_end(mm);
}

/* ---- rights ---- */

static void protect_measured(struct bench *b, struct mm_struct *mm, unsigned long prot)
{
	int err;

	bench_start(b);
	err = vm_mprotect(mm, BASE, bench_x(b) * PAGE_SIZE, prot);
	bench_stop(b, bench_x(b));
	if (err)
		bench_fail(b, "mprotect failed: %d", err);
}

BENCH(space_mprotect_read, "page", SWEEP)
{
	struct mm_struct *mm = space_touched(b, bench_x(b));

	if (!mm)
		return;
	protect_measured(b, mm, PROT_READ);
	space_end(mm);
}

BENCH(space_mprotect_write, "page", SWEEP)
{
	struct mm_struct *mm = space_touched(b, bench_x(b));

	if (!mm)
		return;
	if (vm_mprotect(mm, BASE, bench_x(b) * PAGE_SIZE, PROT_READ))
		bench_fail(b, "mprotect failed");
	protect_measured(b, mm, RW);
	space_end(mm);
}

/* ---- giving memory back ---- */

static void give_back(struct bench *b, struct mm_struct *mm, bool unmap)
{
	unsigned long len = bench_x(b) * PAGE_SIZE;
	int err;

	bench_start(b);
	err = unmap ? vm_munmap(mm, BASE, len) : vm_madvise(mm, BASE, len, MADV_DONTNEED);
	bench_stop(b, bench_x(b));
	if (err)
		bench_fail(b, "failed: %d", err);
}

/* Entry, rmap, counters, gather, flush, frame. */
BENCH(space_dontneed, "page", SWEEP)
{
	struct mm_struct *mm = space_touched(b, bench_x(b));

	if (!mm)
		return;
	give_back(b, mm, false);
	space_end(mm);
}

/* The other address space keeps the frames. */
BENCH(space_dontneed_shared, "page", SWEEP)
{
	unsigned long nr = bench_x(b);
	struct mm_struct *mm = space_touched(b, nr), *other = mm_alloc();

	if (!mm || !other || user_mmap(other, BASE, nr, RW) || user_share(mm, other, BASE, nr))
		bench_fail(b, "no memory for %lu pages", nr);
	else
		give_back(b, mm, false);
	if (mm)
		space_end(mm);
	if (other)
		mmput(other);
}

/* Folios of 512 frames: one reference and one slot for each. */
BENCH(space_dontneed_folio, "page", SWEEP)
{
	unsigned before = anon_order;
	struct mm_struct *mm;

	anon_order = ANON_ORDER_MAX;
	mm = space_touched(b, bench_x(b));
	anon_order = before;
	if (!mm)
		return;
	give_back(b, mm, false);
	space_end(mm);
}

BENCH(space_munmap, "page", SWEEP)
{
	struct mm_struct *mm = space_touched(b, bench_x(b));

	if (!mm)
		return;
	give_back(b, mm, true);
	space_end(mm);
}

BENCH(space_munmap_empty, "page", SWEEP)
{
	struct mm_struct *mm = space_begin(b, bench_x(b));

	if (!mm)
		return;
	give_back(b, mm, true);
	space_end(mm);
}

/* The last user goes: nothing is left but the struct. */
BENCH(space_exit, "page", SWEEP)
{
	struct mm_struct *mm = space_touched(b, bench_x(b));

	if (!mm)
		return;
	mm_unuse(mm);
	bench_start(b);
	mmput(mm);
	bench_stop(b, bench_x(b));
	rcu_barrier();
}

/* ---- VMAs ---- */

#define VMAS BENCH_SWEEP("vmas", 1, 16, 256, 4096, 65536)

/* One page each with one between, so that no two may merge. */
static int map_vmas(struct mm_struct *mm, unsigned long nr)
{
	int err = 0;

	for (unsigned long i = 0; i < nr && !err; i++)
		err = user_mmap(mm, BASE + 2 * i * PAGE_SIZE, 1, RW);
	return err;
}

static unsigned long max_map_count;

static struct mm_struct *vmas_begin(struct bench *b)
{
	struct mm_struct *mm = mm_alloc();

	if (!mm)
		bench_fail(b, "no memory");
	max_map_count = sysctl_max_map_count;
	sysctl_max_map_count = 1ul << 20;
	return mm;
}

static void vmas_end(struct bench *b, struct mm_struct *mm, int err)
{
	if (err)
		bench_fail(b, "a call failed: %d", err);
	if (mm)
		mmput(mm);
	sysctl_max_map_count = max_map_count;
	rcu_barrier();
}

BENCH(space_vma_map, "vma", VMAS)
{
	struct mm_struct *mm = vmas_begin(b);
	int err = 0;

	if (mm) {
		bench_start(b);
		err = map_vmas(mm, bench_x(b));
		bench_stop(b, bench_x(b));
	}
	vmas_end(b, mm, err);
}

/* All of them by one call. */
BENCH(space_vma_unmap, "vma", VMAS)
{
	struct mm_struct *mm = vmas_begin(b);
	unsigned long nr = bench_x(b);
	int err = mm ? map_vmas(mm, nr) : 0;

	if (mm && !err) {
		bench_start(b);
		err = vm_munmap(mm, BASE, 2 * nr * PAGE_SIZE);
		bench_stop(b, nr);
	}
	vmas_end(b, mm, err);
}

#define SPLITS BENCH_SWEEP("splits", 16, 256, 4096, 16384)

/* Every second page of one VMA, one call each. */
BENCH(space_vma_split, "split", SPLITS)
{
	struct mm_struct *mm = vmas_begin(b);
	unsigned long nr = bench_x(b);
	int err = mm ? user_mmap(mm, BASE, 2 * nr + 1, RW) : 0;

	if (mm && !err) {
		bench_start(b);
		for (unsigned long i = 0; i < nr; i++)
			err |= user_mmap(mm, BASE + (2 * i + 1) * PAGE_SIZE, 1, PROT_READ);
		bench_stop(b, nr);
	}
	vmas_end(b, mm, err);
}

/* The same pages unmapped. */
BENCH(space_vma_hole, "hole", SPLITS)
{
	struct mm_struct *mm = vmas_begin(b);
	unsigned long nr = bench_x(b);
	int err = mm ? user_mmap(mm, BASE, 2 * nr + 1, RW) : 0;

	if (mm && !err) {
		bench_start(b);
		for (unsigned long i = 0; i < nr; i++)
			err |= vm_munmap(mm, BASE + (2 * i + 1) * PAGE_SIZE, PAGE_SIZE);
		bench_stop(b, nr);
	}
	vmas_end(b, mm, err);
}
