/*
 * test_move.c - mremap: what moves where and what joins there, as text; then with failing memory.
 */
#include <errno.h>
#include <string.h>
#include "mm/anon_vma.h"
#include "mm/mman.h"
#include "mm/mmap_lock.h"
#include "mm/vma.h"
#include "tests/host/htest.h"
#include "tests/host/vma/stand.h"
#include "tests/mm_layout.h"

struct move {
	const char *before;
	/* Pages [first, +nr) go to [to, +new_nr); to = first: they stay. */
	unsigned first, nr, to, new_nr;
	const char *after;
};

static int apply(struct mm_struct *mm, const struct move *m)
{
	unsigned long flags = m->to == m->first ? 0 : MREMAP_MAYMOVE | MREMAP_FIXED;
	unsigned long got = vm_mremap(mm, layout_addr(m->first), m->nr * PAGE_SIZE,
				      m->new_nr * PAGE_SIZE, flags, layout_addr(m->to));

	if (mm_is_err(got))
		return (int)got;
	h_expect_eq(got, layout_addr(m->to));
	return 0;
}

static void expect_layout(struct mm_struct *mm, const char *text)
{
	char layout[LAYOUT_PAGES + 1];

	layout_read(mm, layout);
	h_expect_str(layout, text);
}

/* Every VMA that may be written gets pages: it keeps its numbering wherever it goes. */
static void fault_all(struct mm_struct *mm)
{
	VMA_ITERATOR(vmi, mm, 0);
	struct vm_area_struct *vma;

	mmap_write_lock(mm);
	for_each_vma(vmi, vma) {
		if ((vma->vm_flags & VM_WRITE) && !vma->anon_vma)
			h_assert_eq(__anon_vma_prepare(vma), 0);
	}
	mmap_write_unlock(mm);
}

/* Without pages memory is numbered by where it is, and joins whatever is alike. */
static const struct move empty_moves[] = {
	/* From the middle, an end, the whole; to where nothing is near. */
	{"AAAA", 1, 2, 6, 2, "A..B..CC"},
	{"AAAA", 0, 2, 6, 2, "..AA..BB"},
	{"AAAA", 2, 2, 6, 2, "AA....BB"},
	{"AAAA", 0, 4, 6, 4, "......AAAA"},
	/* To the side of others: above, below, between, unlike. */
	{"AA..BB", 0, 2, 6, 2, "....AAAA"},
	{"AA....BB", 0, 2, 4, 2, "....AAAA"},
	{"AA..BB..CC", 0, 2, 6, 2, "....AAAAAA"},
	{"AA..bb..CC", 0, 2, 6, 2, "....aaBBBB"},
	{"AA..bb..cc", 0, 2, 6, 2, "....aaBBcc"},
	/* To the side of what is left of itself. */
	{"AAAA", 0, 2, 4, 2, "..AAAA"},
	{"..AAAA", 4, 2, 0, 2, "AAAA"},
	/* Over others. */
	{"AAAAbbCC", 0, 2, 4, 2, "..AAAAAA"},
	{"AAbbbbbb", 0, 2, 4, 2, "..aaBBcc"},
	/* Longer and shorter on the way. */
	{"AAAA", 0, 2, 6, 4, "..AA..BBBB"},
	{"AAAA", 0, 3, 6, 1, "...A..B"},
	/* In place. */
	{"AA", 0, 2, 0, 4, "AAAA"},
	{"AA..BB", 0, 2, 0, 4, "AAAAAA"},
	{"AAAA", 0, 4, 0, 1, "A"},
	{"AAAA", 1, 3, 1, 1, "AA"},
};

/* With pages it keeps its numbering, and joins only what goes on from it. */
static const struct move full_moves[] = {
	{"AAAA", 1, 2, 6, 2, "A..B..CC"},
	{"AA..BB", 0, 2, 6, 2, "....AABB"},
	{"AA....BB", 0, 2, 4, 2, "....AABB"},
	{"AAAA", 0, 2, 4, 2, "..AABB"},
	{"AAAAbbCC", 0, 2, 4, 2, "..AABBCC"},
	{"AA", 0, 2, 0, 4, "AAAA"},
};

static void each_move(const struct move *moves, unsigned nr, bool full)
{
	for (unsigned i = 0; i < nr; i++) {
		struct mm_struct *mm = stand_begin();

		h_assert_eq(layout_map(mm, moves[i].before), 0);
		if (full)
			fault_all(mm);
		h_expect_eq(apply(mm, &moves[i]), 0);
		expect_layout(mm, moves[i].after);
		stand_check(mm);
		stand_end(mm);
	}
}

HTEST(each_case_of_a_move)
{
	each_move(empty_moves, ARRAY_SIZE(empty_moves), false);
	each_move(full_moves, ARRAY_SIZE(full_moves), true);
}

/* There and back again: as if nothing had been. */
HTEST(what_came_from_here_joins_here)
{
	static const struct move there = {"AAAAAA", 2, 2, 10, 2, "AA..BB....CC"};
	static const struct move back = {"", 10, 2, 2, 2, "AAAAAA"};
	struct mm_struct *mm = stand_begin();

	h_assert_eq(layout_map(mm, there.before), 0);
	fault_all(mm);
	h_expect_eq(apply(mm, &there), 0);
	expect_layout(mm, there.after);
	h_expect_eq(apply(mm, &back), 0);
	expect_layout(mm, back.after);
	stand_check(mm);
	stand_end(mm);
}

/* What lies at the new place goes first, then what is beyond the new length: each whole, or not. */
static void forget_unmapped(const struct move *m, char *rights, const char *now)
{
	unsigned tail = m->first + m->new_nr;

	if (m->to != m->first && now[m->to] == '.')
		memset(rights + m->to, '.', m->new_nr);
	if (m->new_nr < m->nr && now[tail] == '.')
		memset(rights + tail, '.', m->nr - m->new_nr);
}

/* Only joining its new neighbours may fail without the move failing. */
static void sweep(const struct move *m, bool full)
{
	char rights[LAYOUT_PAGES + 1], now[LAYOUT_PAGES + 1], after[LAYOUT_PAGES + 1];
	struct mm_struct *mm;
	bool failed = true;

	mm = stand_begin();
	h_assert_eq(layout_map(mm, m->after), 0);
	stand_rights(mm, after);
	stand_end(mm);

	for (long n = 0; failed; n++) {
		int err;

		mm = stand_begin();
		h_assert_eq(layout_map(mm, m->before), 0);
		if (full)
			fault_all(mm);
		stand_rights(mm, rights);
		stand_fail(n);
		err = apply(mm, m);
		failed = stand_failed();
		stand_fail(-1);
		stand_rights(mm, now);
		h_expect(!err || (failed && err == -ENOMEM));
		if (err)
			forget_unmapped(m, rights, now);
		h_expect_str(now, err ? rights : after);
		stand_check(mm);
		stand_end(mm);
	}
}

HTEST(each_move_survives_every_failure)
{
	for (unsigned i = 0; i < ARRAY_SIZE(empty_moves); i++)
		sweep(&empty_moves[i], false);
	for (unsigned i = 0; i < ARRAY_SIZE(full_moves); i++)
		sweep(&full_moves[i], true);
}
