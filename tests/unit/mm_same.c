/*
 * mm_same.c - the comparison of address spaces: what it must find, and that each difference it
 * allows occurs.
 */
#include "tests/mm_same.h"

#include "kernel/core/user.h"
#include "mm/mempolicy.h"
#include "mm/mman.h"
#include "mm/mmap_lock.h"
#include "mm/pgtable_types.h"
#include "mm/tables.h"
#include "tests/ktest.h"
#include "tests/mm_layout.h"
#include "tests/mm_user.h"

#define RW (PROT_READ | PROT_WRITE)

static struct mm_struct *space;
static struct mm_picture *before;

static void begin(struct ktest *t, const char *text)
{
	space = mm_alloc();
	t_assert(t, space);
	t_expect_eq(t, layout_map(space, text), 0);
	mm_use(space);
}

static void take(struct ktest *t)
{
	mm_picture_free(before);
	before = mm_picture_take(space);
	t_assert(t, before);
}

static void end(void)
{
	mm_picture_free(before);
	before = NULL;
	mm_unuse(space);
	mmput(space);
}

/* Differences that are not allowed, without the lines in the log counting as trouble. */
static int nr_wrong(struct ktest *t)
{
	struct mm_picture *after = mm_picture_take(space);
	int bad;

	t_assert(t, after);
	bad = mm_same(before, after, NULL);
	mm_picture_free(after);
	return bad;
}

/* ---- what must be found ---- */

KTEST(mm_same, equal_is_equal, KT_UNIT)
{
	begin(t, "AAbb..CC");
	t_expect_eq(t, user_touch(layout_addr(0), 2, 7), 0);
	take(t);
	t_expect_eq(t, t_expect_same(t, before, space), 0);
	end();
}

KTEST(mm_same, every_wrong_difference_is_found, KT_UNIT)
{
	begin(t, "AAbb..CC");
	t_expect_eq(t, user_touch(layout_addr(0), 2, 7), 0);

	take(t);
	t_expect_eq(t, put_user((u64)8, layout_addr(1) + 8), 0);
	t_expect_eq(t, nr_wrong(t), 1); /* contents */

	take(t);
	t_expect_eq(t, vm_madvise(space, layout_addr(0), PAGE_SIZE, MADV_DONTNEED), 0);
	t_expect_eq(t, nr_wrong(t), 2); /* an entry, the counter */

	take(t);
	t_expect_eq(t, vm_mprotect(space, layout_addr(6), PAGE_SIZE, PROT_READ), 0);
	t_expect_lt(t, 0, nr_wrong(t)); /* rights */

	take(t);
	t_expect_eq(t, vm_mbind(space, layout_addr(7), PAGE_SIZE, MPOL_LOCAL, 0), 0);
	t_expect_eq(t, nr_wrong(t), 1); /* the policy */

	take(t);
	t_expect_eq(t, vm_munmap(space, layout_addr(2), PAGE_SIZE), 0);
	t_expect_eq(t, nr_wrong(t), 2); /* a page less, total_vm */

	take(t);
	t_expect_eq(t, layout_map(space, "....a"), 0);
	t_expect_lt(t, 0, nr_wrong(t)); /* a page more */

	take(t);
	t_expect_lt(t, space->brk, vm_brk(space, space->brk + 1)); /* the heap */
	t_expect_lt(t, 0, nr_wrong(t));

	take(t);
	add_mm_counter(space, MM_ANONPAGES, 1);
	t_expect_eq(t, nr_wrong(t), 1); /* a counter */
	add_mm_counter(space, MM_ANONPAGES, -1);
	t_expect_eq(t, nr_wrong(t), 0);
	end();
}

KTEST(mm_same, a_mapping_too_many_is_found, KT_UNIT)
{
	struct mm_struct *other = mm_alloc();

	t_assert(t, other);
	begin(t, "AA");
	t_expect_eq(t, user_touch(layout_addr(0), 2, 7), 0);
	t_expect_eq(t, layout_map(other, "AA"), 0);
	take(t);
	t_expect_eq(t, user_share(space, other, layout_addr(0), 2), 0);
	t_expect_eq(t, nr_wrong(t), 2); /* each page has one mapping more */
	mmput(other);
	t_expect_eq(t, nr_wrong(t), 0);
	end();
}

/* ---- what is allowed, and occurs ---- */

static unsigned met;

static void meet(struct ktest *t)
{
	met |= t_expect_same(t, before, space);
}

static void expect_met(struct ktest *t, enum mm_allowed what)
{
	t_note(t, "%s: %s", mm_allowed_names[what], met >> what & 1 ? "met" : "not met");
	t_expect(t, met >> what & 1);
	met = 0;
}

KTEST(mm_same, a_failed_mprotect_leaves_a_split, KT_SWEEP)
{
	begin(t, "AAAAAA");
	take(t);
	met = 0;
	fault_sweep(t, vm_mprotect(space, layout_addr(2), 2 * PAGE_SIZE, PROT_READ), meet(t));
	t_expect(t, met >> ALLOW_LOCK_SEQ & 1);
	expect_met(t, ALLOW_SPLIT);
	end();
}

KTEST(mm_same, a_failed_first_write_leaves_tables, KT_SWEEP)
{
	begin(t, "AAAAAA");
	take(t);
	met = 0;
	fault_sweep(t, put_user((u64)1, layout_addr(2)), meet(t));
	expect_met(t, ALLOW_TABLES);
	end();
}

/* Where the tables are there: what fails is the anon_vma, and then the page. */
KTEST(mm_same, a_failed_first_write_leaves_an_anon_vma, KT_SWEEP)
{
	begin(t, "AA..BB");
	t_expect_eq(t, user_touch(layout_addr(0), 1, 7), 0);
	take(t);
	met = 0;
	fault_sweep(t, put_user((u64)1, layout_addr(4)), meet(t));
	expect_met(t, ALLOW_ANON_VMA);
	end();
}

KTEST(mm_same, a_read_maps_the_zero_page, KT_UNIT)
{
	u64 value;

	begin(t, "AAAAAA");
	take(t);
	met = 0;
	t_expect_eq(t, get_user(&value, layout_addr(3)), 0);
	meet(t);
	expect_met(t, ALLOW_ZERO);
	end();
}

/* Shared once, as by a child that went: a write will find out that the page is its own. */
KTEST(mm_same, a_child_that_went_leaves_entries_read_only, KT_UNIT)
{
	struct mm_struct *child = mm_alloc();
	unsigned seen;

	t_assert(t, child);
	begin(t, "AA");
	t_expect_eq(t, user_touch(layout_addr(0), 2, 7), 0);
	t_expect_eq(t, layout_map(child, "AA"), 0);
	take(t);
	t_expect_eq(t, user_share(space, child, layout_addr(0), 2), 0);
	mmput(child);
	met = 0;
	meet(t);
	seen = met;
	expect_met(t, ALLOW_WRITE_BIT);
	met = seen;
	expect_met(t, ALLOW_EXCLUSIVE);
	end();
}

/* As reclaim's look at a page does: the next access brings the bit back. */
KTEST(mm_same, a_look_at_a_page_takes_its_accessed_bit, KT_UNIT)
{
	pte_t *pte;

	begin(t, "AA");
	t_expect_eq(t, user_touch(layout_addr(0), 2, 7), 0);
	take(t);
	pte = pte_walk(&space->tables, layout_addr(0));
	t_assert(t, pte);
	pte->pte = pte_mkold(*pte).pte;
	met = 0;
	meet(t);
	expect_met(t, ALLOW_ACCESSED);
	end();
}
