/*
 * walkers.c - what each walk costs per VMA and per entry, with its check and without.
 *
 * A healthy mm: a check costs what it takes to find nothing wrong. It is asked once per mm, but for
 * `fault`, which asks for every page.
 */
#include "kernel/base/err.h"
#include "kernel/core/user.h"
#include "kernel/sched/rcu.h"
#include "kernel/sched/work.h"
#include "mm/block_ram.h"
#include "mm/mman.h"
#include "mm/swap.h"
#include "mm/walkers/walker.h"
#include "tests/bench.h"
#include "tests/mm_file.h"
#include "tests/mm_user.h"

#define BASE  USER_BASE
#define RW    (PROT_READ | PROT_WRITE)
#define VMAS  BENCH_SWEEP("vmas", 64, 128, 256)
#define PAGES BENCH_SWEEP("pages", 256, 512, 1024)

/* @nr VMAs of a page each that touch each other and differ in rights; nothing in them. */
static struct mm_struct *many_vmas(struct bench *b, unsigned long nr)
{
	struct mm_struct *mm = mm_alloc();
	int err = mm ? 0 : -1;

	for (unsigned long i = 0; i < nr && !err; i++)
		err = user_mmap(mm, BASE + i * PAGE_SIZE, 1, i % 2 ? RW : PROT_READ);
	if (err)
		bench_fail(b, "no memory for %lu VMAs", nr);
	return mm;
}

/* One VMA of @nr pages, all touched. */
static struct mm_struct *many_pages(struct bench *b, unsigned long nr)
{
	struct mm_struct *mm = mm_alloc();
	int err = mm ? user_mmap(mm, BASE, nr, RW) : -1;

	if (!err) {
		mm_use(mm);
		err = user_touch(BASE, nr, 1);
		mm_unuse(mm);
	}
	if (err)
		bench_fail(b, "no memory for %lu pages", nr);
	return mm;
}

/* One walk of @w, without @off (NULL: with all its checks), is measured as @units. */
static void measure(struct bench *b, const char *name, const char *off, struct walk *w, u64 units)
{
	struct walker_check *check = off ? walker_check_find(off) : NULL;
	const struct walker *walker = walker_find(name);
	long done;

	if (check)
		check->on = false;
	bench_start(b);
	done = walker_run(walker, w);
	bench_stop(b, units);
	if (check)
		check->on = true;
	if (done < 0)
		bench_fail(b, "%s: %ld", name, done);
}

static void end(struct mm_struct *mm)
{
	if (mm)
		mmput(mm);
	rcu_barrier();
}

static void per_vma(struct bench *b, const char *name, const char *off)
{
	struct mm_struct *mm = many_vmas(b, bench_x(b));
	struct walk w = {.mm = mm, .addr = BASE, .step = PAGE_SIZE, .nr = bench_x(b)};

	if (mm)
		measure(b, name, off, &w, bench_x(b));
	end(mm);
}

static void per_page(struct bench *b, const char *name, const char *off)
{
	struct mm_struct *mm = many_pages(b, bench_x(b));
	struct walk w = {.mm = mm, .addr = BASE, .step = PAGE_SIZE, .nr = bench_x(b)};

	if (mm)
		measure(b, name, off, &w, bench_x(b));
	end(mm);
}

#define WALK_BENCH(id, name, off)              \
	BENCH(walk_##id##_vma, "vma", VMAS)    \
	{                                      \
		per_vma(b, name, off);         \
	}                                      \
	BENCH(walk_##id##_page, "page", PAGES) \
	{                                      \
		per_page(b, name, off);        \
	}

WALK_BENCH(numa, "numa", NULL)
WALK_BENCH(numa_old, "numa", "numa.empty")
WALK_BENCH(migrate, "migrate", NULL)
WALK_BENCH(migrate_old, "migrate", "migrate.empty")
WALK_BENCH(pin_mgrab, "pin", NULL)
WALK_BENCH(pin_mget, "pin", "pin.count")
WALK_BENCH(fault, "fault", NULL)
WALK_BENCH(fault_old, "fault", "fault.owner")

BENCH(walk_maps_vma, "vma", VMAS)
{
	per_vma(b, "maps", NULL);
}

/* By address: each VMA is looked up from the root. */
BENCH(walk_maps_old_vma, "vma", VMAS)
{
	per_vma(b, "maps", "maps.iterate");
}

/* ---- swapoff: led to an mm that has nothing on the device ---- */

static void swapoff_walk(struct bench *b, struct mm_struct *mm, const char *off)
{
	struct block_device *dev = block_ram_create(0, SWAP_MIN_SLOTS);
	struct walk w = {.mm = mm, .swap = dev};

	if (!mm)
		return;
	if (IS_ERR(dev) || swapon(dev) < 0) {
		bench_fail(b, "no memory for a device");
		return;
	}
	measure(b, "swapoff", off, &w, bench_x(b));
	end(mm);
	if (swapoff(dev))
		bench_fail(b, "slots are left");
	block_ram_destroy(dev);
}

BENCH(walk_swapoff_vma, "vma", VMAS)
{
	swapoff_walk(b, many_vmas(b, bench_x(b)), NULL);
}

BENCH(walk_swapoff_old_vma, "vma", VMAS)
{
	swapoff_walk(b, many_vmas(b, bench_x(b)), "swapoff.stable");
}

BENCH(walk_swapoff_page, "page", PAGES)
{
	swapoff_walk(b, many_pages(b, bench_x(b)), NULL);
}

BENCH(walk_swapoff_old_page, "page", PAGES)
{
	swapoff_walk(b, many_pages(b, bench_x(b)), "swapoff.stable");
}

/* ---- by file: so many mms map its only page ---- */

#define MMS_MAX 32

static void by_file(struct bench *b, const char *name, const char *off, unsigned long flags,
		    u64 value)
{
	static struct mm_struct *mm[MMS_MAX];
	struct file *file = file_create("walked", PAGE_SIZE);
	struct walk w = {.file = file, .offset = 8};
	int err = IS_ERR(file);

	for (unsigned i = 0; i < bench_x(b) && !err; i++) {
		mm[i] = mm_alloc();
		err = !mm[i] || file_mmap(mm[i], BASE, 1, RW, flags, file, 0);
		if (err)
			break;
		mm_use(mm[i]);
		err = value ? put_user(value, BASE) : get_user(&value, BASE);
		mm_unuse(mm[i]);
	}
	if (err)
		bench_fail(b, "no memory for %lu mappings", bench_x(b));
	else
		measure(b, name, off, &w, bench_x(b));
	for (unsigned i = 0; i < bench_x(b) && !err; i++)
		mmput(mm[i]);
	if (!IS_ERR(file))
		fput(file);
	rcu_barrier();
}

#define MAPPINGS BENCH_SWEEP("mms", 8, 16, MMS_MAX)

/* In and out again: two walks of all mappings, and a copy of the page in each mm. */
BENCH(walk_uprobe, "mapping", MAPPINGS)
{
	by_file(b, "uprobe", NULL, MAP_PRIVATE, 0);
}

BENCH(walk_uprobe_old, "mapping", MAPPINGS)
{
	by_file(b, "uprobe", "uprobe.stable", MAP_PRIVATE, 0);
}

BENCH(walk_rmap_clean, "mapping", MAPPINGS)
{
	by_file(b, "rmap_clean", NULL, MAP_SHARED, 7);
}
