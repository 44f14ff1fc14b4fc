/*
 * fork_copy.c - what fork makes of each entry, to the bit: pages of every kind, in stretches that
 *               are alike and in such that end early, across tables that the child does not have.
 */
#include "kernel/base/err.h"
#include "kernel/core/user.h"
#include "mm/fault.h"
#include "mm/mman.h"
#include "mm/rmap.h"
#include "tests/ktest.h"
#include "tests/mm_file.h"
#include "tests/mm_swap.h"
#include "tests/mm_user.h"

#define RW    (PROT_READ | PROT_WRITE)
#define NR    96u
#define START (USER_BASE + PMD_SIZE - NR / 2 * PAGE_SIZE)

static unsigned long addr_of(unsigned i)
{
	return START + i * PAGE_SIZE;
}

/* ---- parents ---- */

static struct mm_struct *parent_anon(struct ktest *t, unsigned order)
{
	struct mm_struct *mm = mm_alloc();
	unsigned before = anon_order;

	t_assert(t, mm != NULL);
	anon_order = order;
	t_expect_eq(t, user_mmap(mm, START, NR, RW), 0);
	mm_use(mm);
	t_expect_eq(t, user_touch(START, NR, 7), 0);
	mm_unuse(mm);
	anon_order = before;
	return mm;
}

/* Every page is read; pages 30 to 49, and one more, are written, so they are not the file's. */
static struct mm_struct *parent_file(struct ktest *t, struct file *file)
{
	struct mm_struct *mm = mm_alloc();
	u64 value;

	t_assert(t, mm != NULL);
	t_expect_eq(t, file_mmap(mm, START, NR, RW, MAP_PRIVATE, file, 0), 0);
	mm_use(mm);
	for (unsigned i = 0; i < NR; i++)
		t_expect_eq(t, get_user(&value, addr_of(i)), 0);
	t_expect_eq(t, user_touch(addr_of(30), 20, 7), 0);
	t_expect_eq(t, user_touch(addr_of(81), 1, 7), 0);
	mm_unuse(mm);
	return mm;
}

/* Holes, and entries whose history differs from their neighbours'. */
static void make_uneven(struct ktest *t, struct mm_struct *mm)
{
	t_expect_eq(t, vm_madvise(mm, addr_of(0), PAGE_SIZE, MADV_DONTNEED), 0);
	t_expect_eq(t, vm_madvise(mm, addr_of(18), 9 * PAGE_SIZE, MADV_DONTNEED), 0);
	for (unsigned i = 9; i < 75; i += 11) {
		pte_t *pte = pte_walk(&mm->tables, addr_of(i));

		if (pte->pte)
			pte->pte ^= i % 2 ? _PAGE_ACCESSED : _PAGE_DIRTY;
	}
}

/* ---- what becomes of them ---- */

static void expect_page_shared(struct ktest *t, struct page *page, int mapped)
{
	t_expect_eq(t, page_mapcount(page), mapped);
	t_expect(t, !PageAnonExclusive(page));
	if (!page->order)
		t_expect_eq(t, page_count(page), mapped + (page->kind == FK_FILE));
}

static void expect_copied(struct ktest *t, struct mm_struct *mm, struct mm_struct *child,
			  const u64 *before, int mapped)
{
	for (unsigned i = 0; i < NR; i++) {
		t_expect_eq(t, user_pte(mm, addr_of(i)), before[i] & ~_PAGE_RW);
		t_expect_eq(t, user_pte(child, addr_of(i)),
			    before[i] & ~(_PAGE_RW | _PAGE_ACCESSED));
		if (before[i])
			expect_page_shared(t, user_page(mm, addr_of(i)), mapped);
	}
	t_expect_sane(t, mm);
	t_expect_sane(t, child);
}

/* The child's two tables hold nothing else. */
static void expect_rest_empty(struct ktest *t, struct mm_struct *child)
{
	for (unsigned long addr = USER_BASE; addr < USER_BASE + 2 * PMD_SIZE; addr += PAGE_SIZE) {
		if (addr == START)
			addr += NR * PAGE_SIZE;
		t_expect_eq(t, user_pte(child, addr), 0);
	}
}

/* The first child takes write and the mark away, the second finds neither. */
static void copy_twice(struct ktest *t, struct mm_struct *mm)
{
	struct mm_struct *child[2];
	u64 before[NR];

	for (int c = 0; c < 2; c++) {
		for (unsigned i = 0; i < NR; i++)
			before[i] = user_pte(mm, addr_of(i));
		child[c] = dup_mm(mm);
		t_assert(t, !IS_ERR(child[c]));
		expect_copied(t, mm, child[c], before, c + 2);
		expect_rest_empty(t, child[c]);
	}
	mmput(child[0]);
	t_expect_sane(t, mm);
	mmput(mm);
	t_expect_sane(t, child[1]);
	mmput(child[1]);
}

KTEST(fork_copy, anon_writable, KT_UNIT)
{
	for (unsigned order = 0; order <= 6; order++) {
		struct mm_struct *mm = parent_anon(t, order);

		make_uneven(t, mm);
		copy_twice(t, mm);
	}
}

/* Exclusive all the same: whoever gives write back must not find them so afterwards. */
KTEST(fork_copy, anon_read_only, KT_UNIT)
{
	for (unsigned order = 0; order <= 6; order += 2) {
		struct mm_struct *mm = parent_anon(t, order);

		make_uneven(t, mm);
		t_expect_eq(t, vm_mprotect(mm, START, NR * PAGE_SIZE, PROT_READ), 0);
		copy_twice(t, mm);
	}
}

KTEST(fork_copy, private_file, KT_UNIT)
{
	struct file *file = t_file(t, "copied", NR, 3);
	struct mm_struct *mm = parent_file(t, file);

	make_uneven(t, mm);
	copy_twice(t, mm);
	t_expect_file_sane(t, file);
	fput(file);
}

/* ---- swapped ---- */

/* Pages 4 to 59 out, a hole in between; swap entries are their mm's own. */
static struct mm_struct *parent_swapped(struct ktest *t)
{
	struct mm_struct *mm = parent_anon(t, 0);

	t_expect_eq(t, user_swap_out(mm, addr_of(4), 56), 56);
	t_expect_eq(t, vm_madvise(mm, addr_of(30), 3 * PAGE_SIZE, MADV_DONTNEED), 0);
	t_expect(t, pte_swp_exclusive(__pte(user_pte(mm, addr_of(4)))));
	return mm;
}

/* One slot, one more that names it, and nobody's own. Returns whether @i is swapped. */
static bool expect_swap_shared(struct ktest *t, struct mm_struct *mm, struct mm_struct *child,
			       unsigned i, unsigned long count)
{
	swp_entry_t entry = user_swap_entry(mm, addr_of(i));

	if (!entry.val)
		return false;
	t_expect_eq(t, user_pte(mm, addr_of(i)), entry.val);
	t_expect_eq(t, user_pte(child, addr_of(i)), entry.val);
	t_expect_eq(t, swap_count(entry), count);
	return true;
}

static void write_all(struct ktest *t, struct mm_struct *mm, u64 value)
{
	mm_use(mm);
	for (unsigned i = 0; i < NR; i++)
		t_expect_eq(t, put_user(value, addr_of(i)), 0);
	mm_unuse(mm);
}

static void expect_all(struct ktest *t, struct mm_struct *mm, u64 value)
{
	u64 seen;

	mm_use(mm);
	for (unsigned i = 0; i < NR; i++) {
		t_expect_eq(t, get_user(&seen, addr_of(i)), 0);
		t_expect_eq(t, seen, value);
	}
	mm_unuse(mm);
}

KTEST(fork_copy, swapped, KT_UNIT)
{
	struct block_device *ram = t_swapon(t, NR);
	struct mm_struct *mm = parent_swapped(t), *child, *second;
	unsigned nr = 0;

	child = dup_mm(mm);
	t_assert(t, !IS_ERR(child));
	for (unsigned i = 0; i < NR; i++)
		nr += expect_swap_shared(t, mm, child, i, 2);
	t_expect_eq(t, nr, 53);
	t_expect_eq(t, get_mm_counter(child, MM_SWAPENTS), 53);
	t_expect_eq(t, get_mm_counter(child, MM_ANONPAGES), 40);
	/* Whoever turns swap off must find the child. */
	t_expect(t, test_bit(MMF_ON_MMLIST, &child->flags));
	t_assert(t, !list_empty(&child->mmlist));
	second = dup_mm(child);
	t_assert(t, !IS_ERR(second));
	for (unsigned i = 0; i < NR; i++)
		expect_swap_shared(t, child, second, i, 3);
	t_expect_swap_sane(t);

	/* A write of one is not seen by the others, wherever the page is. */
	write_all(t, mm, 8);
	t_swapoff(t, ram);
	t_expect_eq(t, get_mm_counter(child, MM_SWAPENTS), 0);
	write_all(t, second, 9);
	write_all(t, child, 10);
	expect_all(t, mm, 8);
	expect_all(t, second, 9);
	t_expect_sane(t, mm);
	t_expect_sane(t, child);
	mmput(second);
	mmput(child);
	mmput(mm);
}
