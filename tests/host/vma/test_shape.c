/*
 * test_shape.c - every case of merging and splitting, as text; then all of them at random with
 * memory that fails.
 */
#include <errno.h>
#include <stdlib.h>
#include "kernel/core/random.h"
#include "mm/anon_vma.h"
#include "mm/mman.h"
#include "mm/mmap_lock.h"
#include "mm/vma.h"
#include "tests/host/htest.h"
#include "tests/host/vma/stand.h"
#include "tests/mm_layout.h"

#define ANON (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)
#define RW   (PROT_READ | PROT_WRITE)

enum op { MAP_W, MAP_R, UNMAP, PROT_W, PROT_R, DONTFORK, DOFORK, DROP };

static int apply(struct mm_struct *mm, enum op op, unsigned first, unsigned nr)
{
	unsigned long at = layout_addr(first), len = nr * PAGE_SIZE, got;

	switch (op) {
	case MAP_W:
	case MAP_R:
		got = vm_mmap(mm, at, len, op == MAP_W ? RW : PROT_READ, ANON);
		return mm_is_err(got) ? (int)got : 0;
	case UNMAP:
		return vm_munmap(mm, at, len);
	case PROT_W:
	case PROT_R:
		return vm_mprotect(mm, at, len, op == PROT_W ? RW : PROT_READ);
	case DONTFORK:
		return vm_madvise(mm, at, len, MADV_DONTFORK);
	case DOFORK:
		return vm_madvise(mm, at, len, MADV_DOFORK);
	default:
		return vm_madvise(mm, at, len, MADV_DONTNEED);
	}
}

static void expect_layout(struct mm_struct *mm, const char *text)
{
	char layout[LAYOUT_PAGES + 1];

	layout_read(mm, layout);
	h_expect_str(layout, text);
}

/* ---- each case ---- */

static const struct {
	const char *before;
	enum op op;
	unsigned first, nr;
	const char *after;
} cases[] = {
	/* A free range between neighbours. */
	{"AAA...BBB", MAP_W, 3, 3, "AAAAAAAAA"},
	{"AAA...bbb", MAP_W, 3, 3, "AAAAAAbbb"},
	{"aaa...BBB", MAP_W, 3, 3, "aaaBBBBBB"},
	{"aaa...bbb", MAP_W, 3, 3, "aaaBBBccc"},
	{"AAA...BBB", MAP_W, 4, 1, "AAA.B.CCC"},
	{"AAA...BBB", MAP_W, 3, 1, "AAAA..BBB"},
	{"AAA...BBB", MAP_W, 5, 1, "AAA..BBBB"},
	{"......", MAP_W, 1, 2, ".AA"},
	/* Over others, whole and in part. */
	{"AAAbbbCCC", MAP_W, 3, 3, "AAAAAAAAA"},
	{"AAAbbbCCC", MAP_W, 2, 5, "AAAAAAAAA"},
	{"AAAbbbCCC", MAP_R, 1, 4, "AbbbbbCCC"},
	{"aaaaaaaaa", MAP_W, 3, 3, "aaaBBBccc"},
	{"AbCdEfGhI", MAP_R, 1, 7, "AbbbbbbbC"},
	/* Rights of a middle: to both sides, one side, none. */
	{"AAAbbbCCC", PROT_W, 3, 3, "AAAAAAAAA"},
	{"AAAbbb...", PROT_W, 3, 3, "AAAAAA"},
	{"...bbbCCC", PROT_W, 3, 3, "...AAAAAA"},
	{"AAAbbbCCC", PROT_W, 3, 2, "AAAAAbCCC"},
	{"AAAbbbCCC", PROT_W, 4, 2, "AAAbCCCCC"},
	{"AAAbbbCCC", PROT_W, 4, 1, "AAAbCdEEE"},
	{"AAAAAAAAA", PROT_R, 3, 3, "AAAbbbCCC"},
	{"AAAAAAAAA", PROT_R, 0, 3, "aaaBBBBBB"},
	{"AAAAAAAAA", PROT_R, 6, 3, "AAAAAAbbb"},
	{"AbCdEfGhI", PROT_W, 0, 9, "AAAAAAAAA"},
	{"AbCdEfGhI", PROT_R, 1, 7, "AbbbbbbbC"},
	/* A flag without rights. */
	{"AAAAAAAAA", DONTFORK, 3, 3, "AAABBBCCC"},
	{"AAAAAAAAA", DOFORK, 3, 3, "AAAAAAAAA"},
	/* Holes. */
	{"AAAAAAAAA", UNMAP, 3, 3, "AAA...BBB"},
	{"AAAAAAAAA", UNMAP, 0, 3, "...AAAAAA"},
	{"AAAAAAAAA", UNMAP, 6, 3, "AAAAAA"},
	{"AAbbCC.ddEE", UNMAP, 1, 8, "A........BB"},
	{"AAbbCC", UNMAP, 0, 6, ""},
	{"AA....BB", UNMAP, 2, 4, "AA....BB"},
};

HTEST(each_case_of_merge_and_split)
{
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mm_struct *mm = stand_begin();

		h_assert_eq(layout_map(mm, cases[i].before), 0);
		h_expect_eq(apply(mm, cases[i].op, cases[i].first, cases[i].nr), 0);
		expect_layout(mm, cases[i].after);
		stand_check(mm);
		stand_end(mm);
	}
}

/* ---- each case, with every allocation failing in turn ---- */

HTEST(each_case_survives_every_failure)
{
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mm_struct *mm = stand_begin();
		char before[LAYOUT_PAGES + 1], now[LAYOUT_PAGES + 1], layout[LAYOUT_PAGES + 1];
		long n = 0;

		h_assert_eq(layout_map(mm, cases[i].before), 0);
		layout_read(mm, layout);
		stand_rights(mm, before);
		for (;; n++) {
			int err;

			stand_fail(n);
			err = apply(mm, cases[i].op, cases[i].first, cases[i].nr);
			if (!stand_failed())
				break;
			h_expect_eq(err, -ENOMEM);
			/* mprotect over many VMAs stops in the middle: what is done is done. */
			stand_rights(mm, now);
			if (cases[i].op != PROT_W && cases[i].op != PROT_R)
				h_expect_str(now, before);
			if (cases[i].op <= UNMAP)
				expect_layout(mm, layout);
			stand_check(mm);
		}
		stand_fail(-1);
		stand_end(mm);
	}
}

/* ---- who may be found by rmap ---- */

/* Give the VMA at page @n an anon_vma of its own: it alone asks. */
static struct anon_vma *fault_at(struct mm_struct *mm, unsigned n)
{
	struct vm_area_struct *vma = vma_lookup(mm, layout_addr(n));

	mmap_write_lock(mm);
	if (!vma->anon_vma)
		h_assert_eq(__anon_vma_prepare(vma), 0);
	mmap_write_unlock(mm);
	return vma->anon_vma;
}

static bool finds(struct mm_struct *mm, struct anon_vma *av, unsigned n, unsigned long pgoff)
{
	struct vm_area_struct *vma = vma_lookup(mm, layout_addr(n));
	struct anon_vma_chain *avc;

	anon_vma_interval_tree_foreach(avc, av, pgoff, pgoff) {
		if (avc->vma == vma)
			return true;
	}
	return false;
}

/*
 * Three VMAs, each with or without pages; the middle, or part of it, becomes like its neighbours.
 * Whoever had a page is found by that page's anon_vma afterwards.
 */
HTEST(rmap_finds_every_page_after_a_change)
{
	static const struct {
		unsigned first, nr;
	} parts[] = {{3, 3}, {3, 2}, {4, 2}, {4, 1}};

	for (unsigned who = 0; who < 8 * ARRAY_SIZE(parts); who++) {
		struct mm_struct *mm = stand_begin();
		struct anon_vma *av[3] = {NULL};
		unsigned long pgoff[9];

		h_assert_eq(layout_map(mm, "AAAbbbCCC"), 0);
		for (unsigned i = 0; i < 9; i++)
			pgoff[i] = layout_addr(i) >> PAGE_SHIFT;
		for (unsigned v = 0; v < 3; v++)
			av[v] = who >> v & 1 ? fault_at(mm, v * 3) : NULL;
		h_expect_eq(apply(mm, PROT_W, parts[who / 8].first, parts[who / 8].nr), 0);
		for (unsigned i = 0; i < 9; i++)
			h_expect(!av[i / 3] || finds(mm, av[i / 3], i, pgoff[i]));
		stand_end(mm);
	}
}

/* ---- at random ---- */

HTEST(random_changes_with_failing_memory)
{
	struct mm_struct *mm = stand_begin();
	char model[LAYOUT_PAGES + 1], now[LAYOUT_PAGES + 1];
	struct rng rng;

	rng_init(&rng, htest_seed());
	stand_rights(mm, model);
	for (unsigned n = 0; n < 20000; n++) {
		unsigned first = rng_below(&rng, LAYOUT_PAGES);
		unsigned nr = 1 + rng_below(&rng, min(LAYOUT_PAGES - first, 12u));
		enum op op = rng_below(&rng, DROP + 1);
		bool hole = memchr(model + first, '.', nr) != NULL;
		int err;

		if (n % 7 == 0 && model[first] != '.')
			fault_at(mm, first);
		stand_fail(rng_below(&rng, 3) ? -1 : (long)rng_below(&rng, 8));
		err = apply(mm, op, first, nr);
		stand_fail(-1);
		stand_rights(mm, now);
		for (unsigned i = first; !err && i < first + nr; i++) {
			if (op <= UNMAP)
				model[i] = "Wr."[op];
			else if (op == PROT_W || op == PROT_R)
				model[i] = op == PROT_W ? 'W' : 'r';
		}
		if (err) {
			h_expect_eq(err, -ENOMEM);
			if (op == PROT_W || op == PROT_R)
				memcpy(model + first, now + first, nr);
		} else {
			h_expect(!hole || op <= UNMAP);
		}
		h_expect_str(now, model);
		rcu_barrier();
	}
	stand_end(mm);
}
