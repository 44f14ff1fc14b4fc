/*
 * uprobe.c - breakpoints in the mappings of a file: where they are, and where they are not.
 */
#include "mm/walkers/uprobe.h"

#include <errno.h>

#include "kernel/base/err.h"
#include "kernel/core/fault.h"
#include "kernel/core/user.h"
#include "mm/dup_mmap.h"
#include "mm/file.h"
#include "mm/mman.h"
#include "mm/mmap_lock.h"
#include "mm/vma.h"
#include "mm/walkers/walker.h"
#include "tests/ktest.h"
#include "tests/mm_file.h"
#include "tests/mm_user.h"

#define RW     (PROT_READ | PROT_WRITE)
#define OFFSET (PAGE_SIZE + 5)

static u8 byte_at(struct ktest *t, struct mm_struct *mm, unsigned long addr)
{
	u8 value = 0;

	mm_use(mm);
	t_expect_eq(t, get_user(&value, addr), 0);
	mm_unuse(mm);
	return value;
}

static struct mm_struct *map_file(struct ktest *t, struct file *file, int flags)
{
	struct mm_struct *mm = mm_alloc();

	t_assert(t, mm != NULL);
	t_assert_eq(t, file_mmap(mm, USER_BASE, 2, PROT_READ | PROT_EXEC, flags, file, 0), 0);
	return mm;
}

/* Private mappings get it, in a page of their own; shared ones and the file do not. */
KTEST(uprobe, goes_into_private_mappings, KT_UNIT)
{
	struct file *file = file_create("probed", 2 * PAGE_SIZE);
	struct mm_struct *a, *b, *shared;
	u8 old = 7;

	t_assert(t, !IS_ERR(file));
	t_expect_eq(t, file_write(file, &old, 1, OFFSET), 1);
	a = map_file(t, file, MAP_PRIVATE);
	b = map_file(t, file, MAP_PRIVATE);
	shared = map_file(t, file, MAP_SHARED);
	t_expect_eq(t, byte_at(t, a, USER_BASE + OFFSET), 7);

	t_expect_eq(t, uprobe_register(file, OFFSET), 2);
	t_expect_eq(t, byte_at(t, a, USER_BASE + OFFSET), UPROBE_INT3);
	t_expect_eq(t, byte_at(t, b, USER_BASE + OFFSET), UPROBE_INT3);
	t_expect_eq(t, byte_at(t, shared, USER_BASE + OFFSET), 7);
	t_expect_eq(t, file_read(file, &old, 1, OFFSET), 1);
	t_expect_eq(t, old, 7);
	t_expect_eq(t, get_mm_counter(a, MM_ANONPAGES), 1);
	t_expect_eq(t, get_mm_counter(a, MM_FILEPAGES), 0);
	t_expect_sane(t, a);

	t_expect_eq(t, uprobe_unregister(file, OFFSET), 2);
	t_expect_eq(t, byte_at(t, a, USER_BASE + OFFSET), 7);
	t_expect_sane(t, b);
	mmput(a);
	mmput(b);
	mmput(shared);
	fput(file);
}

/* A child has its parent's; taking it out of one leaves the other's page alone. */
KTEST(uprobe, children_inherit_it, KT_UNIT)
{
	struct file *file = file_create("probed", 2 * PAGE_SIZE);
	struct mm_struct *mm, *child;

	t_assert(t, !IS_ERR(file));
	mm = map_file(t, file, MAP_PRIVATE);
	t_expect_eq(t, uprobe_register(file, OFFSET), 1);
	child = dup_mm(mm);
	t_assert(t, !IS_ERR(child));
	t_expect_eq(t, byte_at(t, child, USER_BASE + OFFSET), UPROBE_INT3);
	t_expect_eq(t, uprobe_unregister(file, OFFSET), 2);
	t_expect_eq(t, byte_at(t, child, USER_BASE + OFFSET), 0);
	t_expect_eq(t, byte_at(t, mm, USER_BASE + OFFSET), 0);
	t_expect_sane(t, child);
	t_expect_sane(t, mm);
	mmput(mm);
	mmput(child);
	fput(file);
}

/* A neighbour that touches shares its anon_vma, however it is looked for. */
static void expect_shared(struct ktest *t, struct file *file)
{
	struct mm_struct *mm = map_file(t, file, MAP_PRIVATE);
	struct vm_area_struct *first, *second;

	t_assert_eq(t, vm_mprotect(mm, USER_BASE, PAGE_SIZE, PROT_READ), 0);
	t_expect_eq(t, uprobe_register(file, OFFSET), 1);
	t_expect_eq(t, uprobe_register(file, 0), 1);
	t_expect_eq(t, byte_at(t, mm, USER_BASE), UPROBE_INT3);
	mmap_read_lock(mm);
	first = vma_lookup(mm, USER_BASE);
	second = vma_lookup(mm, USER_BASE + PAGE_SIZE);
	t_expect(t, first != second && first->anon_vma && first->anon_vma == second->anon_vma);
	mmap_read_unlock(mm);
	t_expect_sane(t, mm);
	mmput(mm);
}

KTEST(uprobe, a_neighbours_anon_vma_is_shared, KT_UNIT)
{
	struct walker_check *iterate = walker_check_find("uprobe.iterate");
	struct file *file = t_file(t, "probed", 2, 7);

	t_assert(t, iterate && iterate->is_form);
	expect_shared(t, file);
	iterate->on = false;
	expect_shared(t, file);
	iterate->on = true;
	fput(file);
}

/* As a walker it takes out again what it put in, unless that is to stay. */
KTEST(uprobe, may_stay, KT_UNIT)
{
	struct file *file = t_file(t, "probed", 2, 7);
	struct mm_struct *mm = map_file(t, file, MAP_PRIVATE);
	struct walk w = {.file = file, .offset = OFFSET};

	t_expect_eq(t, walker_run(walker_find("uprobe"), &w), 1);
	t_expect(t, byte_at(t, mm, USER_BASE + OFFSET) != UPROBE_INT3);
	w.stay = true;
	t_expect_eq(t, walker_run(walker_find("uprobe"), &w), 1);
	t_expect_eq(t, byte_at(t, mm, USER_BASE + OFFSET), UPROBE_INT3);
	mmput(mm);
	fput(file);
}

/*
 * Whatever is missing, each mapping has the breakpoint or has not, and all is sound. Not the usual
 * sweep: what cannot be had without waiting is asked for again, so a failure may have no effect.
 */
KTEST(uprobe, survives_every_enomem, KT_UNIT)
{
	struct file *file = file_create("probed", 2 * PAGE_SIZE);
	u64 failed = 0;
	bool fired = true;

	t_assert(t, !IS_ERR(file));
	while (fired) {
		struct mm_struct *a = map_file(t, file, MAP_PRIVATE);
		struct mm_struct *b = map_file(t, file, MAP_PRIVATE);
		int nr;

		fault_nth_arm(failed);
		nr = uprobe_register(file, OFFSET);
		fired = fault_nth_fired();
		fault_nth_disarm();
		failed += fired;
		t_expect(t, nr == -ENOMEM || (nr >= 0 && nr <= 2));
		t_expect(t, fired || nr == 2);
		t_expect_sane(t, a);
		t_expect_sane(t, b);
		mmput(a);
		mmput(b);
	}
	t_note(t, "%lu allocations failed in turn", failed);
	t_expect_ge(t, failed, 6);
	fput(file);
}
