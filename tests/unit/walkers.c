/*
 * walkers.c - what each walker does to a healthy address space, and what it leaves.
 *
 * Not here: swapoff and uprobe (unit/swapoff.c, unit/uprobe.c), mms without VMAs
 *           (unit/conformance.c), what walkers meet in the lab (unit/lab_fork.c).
 */
#include "mm/walkers/walker.h"

#include <errno.h>
#include <string.h>

#include "kernel/base/err.h"
#include "kernel/core/fault.h"
#include "kernel/core/user.h"
#include "kernel/sched/work.h"
#include "mm/gup.h"
#include "mm/mman.h"
#include "mm/swap.h"
#include "tests/ktest.h"
#include "tests/mm_file.h"
#include "tests/mm_swap.h"
#include "tests/mm_user.h"

#define RW	(PROT_READ | PROT_WRITE)
#define NR	8ul
#define ADDR(i) (USER_BASE + (i)*PAGE_SIZE)

static long run(struct ktest *t, const char *name, struct walk *w)
{
	const struct walker *walker = walker_find(name);

	t_assert(t, walker);
	return walker_run(walker, w);
}

static void set_check(struct ktest *t, const char *name, bool on)
{
	struct walker_check *check = walker_check_find(name);

	t_assert(t, check);
	check->on = on;
}

/* NR pages, page i holding 100 + i in its first word. */
static struct mm_struct *filled(struct ktest *t)
{
	struct mm_struct *mm = mm_alloc();

	t_assert(t, mm);
	t_assert_eq(t, user_mmap(mm, USER_BASE, NR, RW), 0);
	mm_use(mm);
	for (unsigned long i = 0; i < NR; i++)
		t_assert_eq(t, put_user((u64)(100 + i), ADDR(i)), 0);
	mm_unuse(mm);
	return mm;
}

static void expect_filled(struct ktest *t, struct mm_struct *mm)
{
	mm_use(mm);
	for (unsigned long i = 0; i < NR; i++) {
		u64 value = 0;

		t_expect_eq(t, get_user(&value, ADDR(i)), 0);
		t_expect_eq(t, value, 100 + i);
	}
	mm_unuse(mm);
}

static unsigned long nr_hints(struct mm_struct *mm)
{
	unsigned long nr = 0;

	for (unsigned long i = 0; i < NR; i++)
		nr += (user_pte(mm, ADDR(i)) & PTE_MAPS_MASK) == _PAGE_PROTNONE;
	return nr;
}

/* ---- numa ---- */

KTEST(walkers, numa_takes_access_and_a_fault_gives_it_back, KT_UNIT)
{
	struct mm_struct *mm = filled(t);
	struct walk w = {.mm = mm};

	t_expect_eq(t, run(t, "numa", &w), NR);
	t_expect_eq(t, nr_hints(mm), NR);
	t_expect_sane(t, mm);
	/* Nothing is left to be made a hint. */
	t_expect_eq(t, run(t, "numa", &w), 0);
	mm_use(mm);
	t_expect_eq(t, put_user((u64)100, ADDR(0)), 0);
	mm_unuse(mm);
	t_expect_eq(t, nr_hints(mm), NR - 1);
	t_expect(t, pte_write(__pte(user_pte(mm, ADDR(0)))));
	expect_filled(t, mm);
	t_expect_eq(t, nr_hints(mm), 0);
	t_expect_sane(t, mm);
	mmput(mm);
}

/* A scan ends where its budget does; the next goes on there, and the one after the last anew. */
KTEST(walkers, numa_goes_on_where_it_ended, KT_UNIT)
{
	struct mm_struct *mm = filled(t);
	struct walk w = {.mm = mm, .budget = 3};

	t_expect_eq(t, run(t, "numa", &w), 3);
	t_expect_eq(t, mm->numa_scan_offset, ADDR(3));
	t_expect_eq(t, run(t, "numa", &w), 3);
	t_expect_eq(t, run(t, "numa", &w), 2);
	t_expect_eq(t, mm->numa_scan_offset, 0);
	expect_filled(t, mm);
	t_expect_eq(t, run(t, "numa", &w), 3);
	t_expect_eq(t, nr_hints(mm), 3);
	mmput(mm);
}

/* Hints are copied, protected, swapped and cut like other entries. */
KTEST(walkers, hints_live_with_everything_else, KT_UNIT)
{
	struct block_device *bdev = t_swapon(t, 64);
	struct mm_struct *mm = filled(t), *child;
	struct walk w = {.mm = mm};

	t_expect_eq(t, run(t, "numa", &w), NR);
	child = dup_mm(mm);
	t_assert(t, !IS_ERR(child));
	t_expect_sane(t, child);
	expect_filled(t, child);
	mm_use(child);
	t_expect_eq(t, put_user((u64)5, ADDR(1)), 0);
	mm_unuse(child);
	expect_filled(t, mm);
	mmput(child);

	t_expect_eq(t, run(t, "numa", &w), NR);
	t_expect_eq(t, vm_mprotect(mm, ADDR(0), 2 * PAGE_SIZE, PROT_READ), 0);
	t_expect_eq(t, vm_mprotect(mm, ADDR(0), 2 * PAGE_SIZE, RW), 0);
	t_expect_eq(t, run(t, "numa", &w), 2);
	t_expect_eq(t, user_swap_out(mm, ADDR(2), 2), 2);
	t_expect_sane(t, mm);
	expect_filled(t, mm);
	t_expect_eq(t, run(t, "numa", &w), NR);
	t_expect_eq(t, vm_munmap(mm, ADDR(0), NR / 2 * PAGE_SIZE), 0);
	t_expect_sane(t, mm);
	mmput(mm);
	t_swapoff(t, bdev);
}

/* ---- migrate ---- */

KTEST(walkers, migrate_moves_what_is_ours_alone, KT_UNIT)
{
	struct mm_struct *mm = filled(t);
	struct walk w = {.mm = mm};
	struct page *was[NR], *pinned = pin_user_page(mm, ADDR(2));

	t_assert(t, pinned);
	for (unsigned long i = 0; i < NR; i++)
		was[i] = user_page(mm, ADDR(i));
	t_expect_eq(t, run(t, "migrate", &w), NR - 1);
	for (unsigned long i = 0; i < NR; i++)
		t_expect_eq(t, user_page(mm, ADDR(i)) == was[i], i == 2);
	expect_filled(t, mm);
	t_expect_sane(t, mm);
	unpin_user_page(pinned);
	mmput(mm);
}

KTEST(walkers, migrate_leaves_what_others_map, KT_UNIT)
{
	struct mm_struct *mm = filled(t), *child = dup_mm(mm);
	struct walk w = {.mm = mm};

	t_assert(t, !IS_ERR(child));
	t_expect_eq(t, run(t, "migrate", &w), 0);
	expect_filled(t, mm);
	expect_filled(t, child);
	mmput(child);
	t_expect_sane(t, mm);
	mmput(mm);
}

/* What was moved before the failure stays moved; nothing is lost. */
KTEST(walkers, migrate_survives_every_enomem, KT_SWEEP)
{
	struct mm_struct *mm = filled(t);
	struct walk w = {.mm = mm};

	fault_sweep(t, run(t, "migrate", &w) < 0 ? -ENOMEM : 0, {
		t_expect_sane(t, mm);
		expect_filled(t, mm);
	});
	mmput(mm);
}

/* ---- maps ---- */

KTEST(walkers, maps_reads_all_in_both_forms, KT_UNIT)
{
	struct mm_struct *mm = mm_alloc();
	struct walk old = {.mm = mm, .linger = 1}, new = {.mm = mm};

	t_assert(t, mm);
	for (unsigned long i = 0; i < 40; i++)
		t_assert_eq(t, user_mmap(mm, ADDR(2 * i), 1, i % 2 ? RW : PROT_READ), 0);
	set_check(t, "maps.iterate", false);
	t_expect_eq(t, run(t, "maps", &old), 40);
	set_check(t, "maps.iterate", true);
	t_expect_eq(t, run(t, "maps", &new), 40);
	t_expect_eq(t, old.sum, new.sum);
	mmput(mm);
}

/* ---- fault ---- */

/* Four pages of a file, none of them mapped yet. */
static struct mm_struct *of_file(struct ktest *t)
{
	struct file *file = t_file(t, "faulted", 4, 7);
	struct mm_struct *mm = mm_alloc();

	t_assert(t, mm);
	t_assert_eq(t, file_mmap(mm, USER_BASE, 4, PROT_READ, MAP_PRIVATE, file, 0), 0);
	fput(file); /* the mapping holds it */
	return mm;
}

KTEST(walkers, fault_makes_anothers_pages_present, KT_UNIT)
{
	struct mm_struct *mm = of_file(t);
	struct walk w = {.mm = mm, .addr = USER_BASE, .step = PAGE_SIZE, .nr = 6};

	/* Behind the file's four there is nothing. */
	t_expect_eq(t, run(t, "fault", &w), 4);
	t_expect_eq(t, get_mm_counter(mm, MM_FILEPAGES), 4);
	t_expect_sane(t, mm);
	mmput(mm);
}

KTEST(walkers, fault_survives_every_enomem, KT_SWEEP)
{
	struct mm_struct *mm = of_file(t);
	struct walk w = {.mm = mm, .addr = USER_BASE, .step = PAGE_SIZE, .nr = 4};

	fault_sweep(t, run(t, "fault", &w) < 0 ? -ENOMEM : 0, t_expect_sane(t, mm));
	t_expect_eq(t, get_mm_counter(mm, MM_FILEPAGES), 4);
	mmput(mm);
}

/* ---- pin ---- */

static void pin_once(struct ktest *t, bool count)
{
	struct mm_struct *mm = filled(t);
	struct walk w = {.mm = mm};
	int users = atomic_read(&mm->mm_users), structs = atomic_read(&mm->mm_count);

	set_check(t, "pin.count", count);
	t_expect_eq(t, run(t, "pin", &w), NR);
	/* Nobody has used them since. */
	t_expect_eq(t, run(t, "pin", &w), 0);
	/* Of all mms there are at least this one is visited. (A page used before is in the TLB.) */
	t_assert_eq(t, user_mmap(mm, ADDR(NR + 1), 1, RW), 0);
	mm_use(mm);
	t_expect_eq(t, put_user((u64)100, ADDR(NR + 1)), 0);
	mm_unuse(mm);
	w.mm = NULL;
	t_expect_ge(t, run(t, "pin", &w), 1);
	set_check(t, "pin.count", true);
	flush_workqueue(&system_wq);
	t_expect_eq(t, atomic_read(&mm->mm_users), users);
	t_expect_eq(t, atomic_read(&mm->mm_count), structs);
	t_expect_sane(t, mm);
	mmput(mm);
}

KTEST(walkers, pin_asks_by_users, KT_UNIT)
{
	pin_once(t, false);
}

KTEST(walkers, pin_asks_by_count, KT_UNIT)
{
	pin_once(t, true);
}

/* ---- by rmap ---- */

static struct {
	struct mm_struct *mm;
	unsigned nr[WALKER_DEPTHS];
} met;

static void count_reach(const struct walker *walker, struct mm_struct *mm, enum walker_depth depth,
			const struct vm_area_struct *vma)
{
	(void)walker;
	(void)vma;
	if (mm == met.mm)
		met.nr[depth]++;
}

/* Who is led to what is young comes to no older one, and holds each as long as it was told to. */
KTEST(walkers, are_led_to_later_ones_only, KT_UNIT)
{
	struct mm_struct *mm = filled(t), *child = dup_mm(mm);
	struct walk w = {.after = mm->id, .linger = 2, .hold_ns = 1, .addr = USER_BASE, .nr = 1};
	static const char *const names[] = {"maps", "pin", "fault"};

	t_assert(t, !IS_ERR(child));
	memset(met.nr, 0, sizeof(met.nr));
	walker_reach_hook = count_reach;
	met.mm = mm;
	t_expect_eq(t, run(t, "maps", &w), 1);
	t_expect_eq(t, met.nr[WALKER_PIN], 0);
	met.mm = child;
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		t_expect_eq(t, run(t, names[i], &w), i != 1); /* nothing was used yet */
	walker_reach_hook = NULL;
	t_expect_eq(t, met.nr[WALKER_PIN], 3);
	t_expect_eq(t, met.nr[WALKER_WAIT], 3 * 3);
	mmput(mm);
	mmput(child);
	flush_workqueue(&system_wq); /* pin's last reference */
}

KTEST(walkers, rmap_unmap_reaches_parent_and_child, KT_UNIT)
{
	struct block_device *bdev = t_swapon(t, 64);
	struct mm_struct *mm = filled(t), *child = dup_mm(mm);
	struct walk w = {.budget = 200};
	long swapped;

	t_assert(t, !IS_ERR(child));
	met.mm = child;
	met.nr[WALKER_VMA] = met.nr[WALKER_PTE] = 0;
	walker_reach_hook = count_reach;
	t_expect_ge(t, run(t, "rmap_unmap", &w), 0);
	walker_reach_hook = NULL;
	swapped = get_mm_counter(child, MM_SWAPENTS);
	t_expect_eq(t, swapped, met.nr[WALKER_PTE]);
	t_expect_eq(t, swapped + get_mm_counter(child, MM_ANONPAGES), NR);
	t_note(t, "%ld of %lu pages went", swapped, NR);
	expect_filled(t, mm);
	expect_filled(t, child);
	t_expect_sane(t, mm);
	t_expect_sane(t, child);
	mmput(mm);
	mmput(child);
	t_swapoff(t, bdev);
}

/* Reclaim without memory leaves pages where they are. Not a sweep: what fails has no effect. */
KTEST(walkers, rmap_unmap_loses_nothing_without_memory, KT_UNIT)
{
	struct block_device *bdev = t_swapon(t, 64);
	u64 failed = 0;
	bool fired = true;

	while (fired) {
		struct mm_struct *mm = filled(t), *child = dup_mm(mm);
		struct walk w = {.budget = 200};

		t_assert(t, !IS_ERR(child));
		fault_nth_arm(failed);
		t_expect_ge(t, run(t, "rmap_unmap", &w), 0);
		fired = fault_nth_fired();
		fault_nth_disarm();
		failed += fired;
		t_expect_sane(t, child);
		expect_filled(t, mm);
		expect_filled(t, child);
		mmput(child);
		mmput(mm);
	}
	t_note(t, "%lu allocations failed in turn", failed);
	t_swapoff(t, bdev);
}

/* These need no memory: with every allocation failing they do what they do. */
KTEST(walkers, numa_pin_and_maps_need_no_memory, KT_UNIT)
{
	static const char *const names[] = {"numa", "pin", "maps"};
	struct mm_struct *mm = filled(t);
	struct walk w = {.mm = mm};

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		long done;

		fault_nth_arm(0);
		done = run(t, names[i], &w);
		t_expect(t, !fault_nth_fired());
		fault_nth_disarm();
		t_expect_gt(t, done, 0);
		expect_filled(t, mm);
	}
	mmput(mm);
}

KTEST(walkers, rmap_clean_takes_write_away, KT_UNIT)
{
	struct file *file = t_file(t, "cleaned", 2, 7);
	struct mm_struct *mm = mm_alloc();
	struct walk w = {.file = file};

	t_assert(t, mm);
	t_assert_eq(t, file_mmap(mm, USER_BASE, 2, RW, MAP_SHARED, file, 0), 0);
	mm_use(mm);
	t_expect_eq(t, put_user((u64)9, ADDR(0)), 0);
	mm_unuse(mm);
	t_expect(t, pte_write(__pte(user_pte(mm, ADDR(0)))));
	t_expect_eq(t, run(t, "rmap_clean", &w), 0);
	t_expect(t, !pte_write(__pte(user_pte(mm, ADDR(0)))));
	t_expect_eq(t, file_word(file, 0), 9);
	t_expect_sane(t, mm);
	mmput(mm);
	fput(file);
}

/* What is stored has its place already; a page that cannot be written stays dirty. */
KTEST(walkers, rmap_clean_loses_nothing_on_errors, KT_UNIT)
{
	struct file *file = t_file(t, "cleaned", 2, 7);
	struct mm_struct *mm = mm_alloc();
	struct walk w = {.file = file};
	u64 failed = 0;
	bool fired = true;

	t_assert(t, mm);
	t_assert_eq(t, file_mmap(mm, USER_BASE, 2, RW, MAP_SHARED, file, 0), 0);
	while (fired) {
		mm_use(mm);
		t_expect_eq(t, put_user(20 + failed, ADDR(0)), 0);
		mm_unuse(mm);
		fault_nth_arm(failed);
		t_expect_eq(t, run(t, "rmap_clean", &w) < 0, fault_nth_fired());
		fired = fault_nth_fired();
		fault_nth_disarm();
		t_expect_eq(t, run(t, "rmap_clean", &w), 0);
		t_expect_eq(t, file_word(file, 0), 20 + failed);
		t_expect_sane(t, mm);
		failed += fired;
	}
	t_expect_ge(t, failed, 1);
	mmput(mm);
	fput(file);
}

KTEST(walkers, sibling_survives_every_enomem, KT_SWEEP)
{
	struct mm_struct *mm = mm_alloc();
	struct walk w = {.mm = mm, .addr = USER_BASE, .step = PAGE_SIZE, .nr = 3};

	t_assert(t, mm);
	t_assert_eq(t, user_mmap(mm, USER_BASE, 3, RW), 0);
	fault_sweep(t, run(t, "sibling", &w) == 3 ? 0 : -ENOMEM, t_expect_sane(t, mm));
	t_expect_eq(t, get_mm_counter(mm, MM_ANONPAGES), 3);
	mmput(mm);
}

KTEST(walkers, sibling_is_a_thread_of_the_owner, KT_UNIT)
{
	struct mm_struct *mm = filled(t);
	struct walk w = {.mm = mm, .addr = USER_BASE, .step = PAGE_SIZE, .nr = NR};

	t_expect_eq(t, run(t, "sibling", &w), NR);
	w.nr = NR + 1;
	t_expect_eq(t, run(t, "sibling", &w), -EFAULT);
	mmput(mm);
}

/* Every walker has a name of design, and every check is a walker's. */
KTEST(walkers, checks_belong_to_walkers, KT_UNIT)
{
	const struct walker_check *check;
	const struct walker *walker;
	unsigned nr = 0;

	for_each_registered(walker_check, check) {
		unsigned owners = 0;

		for_each_registered(walker, walker)
			owners += walker_owns_check(walker, check);
		t_expect_eq(t, owners, 1);
		t_expect(t, check->on);
	}
	for_each_registered(walker, walker) {
		t_expect(t, walker->walk || walker->walk_mm);
		nr++;
	}
	t_expect_ge(t, nr, 10);
}
