/*
 * test_file.c - merging and splitting of VMAs that map files, as text; who is found by which file.
 *
 * A map is one character a page, a run of equal ones is mapped by one call:
 *
 *	F f  file F, page n of it at page n, private; upper case may be written
 *	S s  the same, shared
 *	O o  file F, page n + 1 of it at page n
 *	G g  another file
 *	A a  no file
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include "kernel/core/random.h"
#include "mm/anon_vma.h"
#include "mm/i_mmap.h"
#include "mm/mman.h"
#include "mm/mmap_lock.h"
#include "tests/host/htest.h"
#include "tests/host/vma/stand.h"
#include "tests/mm_layout.h"

#define RW (PROT_READ | PROT_WRITE)

static struct file *file_f, *file_g;

static struct mm_struct *begin(void)
{
	file_f = stand_file();
	file_g = stand_file();
	return stand_begin();
}

static void end(struct mm_struct *mm)
{
	h_expect_eq(vm_munmap(mm, LAYOUT_BASE, LAYOUT_PAGES * PAGE_SIZE), 0);
	h_expect_eq(file_f->f_mapping.nr_vmas, 0);
	h_expect_eq(file_g->f_mapping.nr_vmas, 0);
	fput(file_f);
	fput(file_g);
	stand_end(mm);
}

static struct file *file_of(char what)
{
	what = tolower(what);
	return what == 'a' ? NULL : what == 'g' ? file_g : file_f;
}

static unsigned long pgoff_of(char what, unsigned page)
{
	return page + (tolower(what) == 'o');
}

static int map(struct mm_struct *mm, char what, unsigned first, unsigned nr)
{
	unsigned long prot = isupper(what) ? RW : PROT_READ, at = layout_addr(first);
	unsigned long flags = (tolower(what) == 's' ? MAP_SHARED : MAP_PRIVATE) | MAP_FIXED, got;

	if (!file_of(what))
		got = vm_mmap(mm, at, nr * PAGE_SIZE, prot, flags | MAP_ANONYMOUS);
	else
		got = vm_mmap_file(mm, at, nr * PAGE_SIZE, prot, flags, file_of(what),
				   pgoff_of(what, first) * PAGE_SIZE);
	return mm_is_err(got) ? (int)got : 0;
}

static void map_text(struct mm_struct *mm, const char *text)
{
	for (unsigned first = 0, last; text[first]; first = last) {
		for (last = first + 1; text[last] == text[first];)
			last++;
		if (text[first] != '.')
			h_assert_eq(map(mm, text[first], first, last - first), 0);
	}
}

enum { UNMAP = '-', PROT_W = '+', PROT_R = '=' };

/* @op: what to map, or one of the three. */
static int apply(struct mm_struct *mm, char op, unsigned first, unsigned nr)
{
	unsigned long at = layout_addr(first), len = nr * PAGE_SIZE;

	if (op == UNMAP)
		return vm_munmap(mm, at, len);
	if (op == PROT_W || op == PROT_R)
		return vm_mprotect(mm, at, len, op == PROT_W ? RW : PROT_READ);
	return map(mm, op, first, nr);
}

/* @pages becomes what @op makes of it. */
static void model_apply(char *pages, char op, unsigned first, unsigned nr)
{
	for (unsigned i = first; i < first + nr; i++) {
		if (op == UNMAP)
			pages[i] = '.';
		else if (op == PROT_W || op == PROT_R)
			pages[i] = op == PROT_W ? toupper(pages[i]) : tolower(pages[i]);
		else
			pages[i] = op;
	}
}

/* What each page maps, read from the VMAs. */
static void expect_pages(struct mm_struct *mm, const char *pages, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++) {
		struct vm_area_struct *vma = vma_lookup(mm, layout_addr(i));

		h_expect_eq(vma != NULL, pages[i] != '.');
		if (!vma || pages[i] == '.')
			continue;
		h_expect(vma->vm_file == file_of(pages[i]));
		h_expect_eq(!(vma->vm_flags & VM_WRITE), !isupper(pages[i]));
		h_expect_eq(!(vma->vm_flags & VM_SHARED), tolower(pages[i]) != 's');
		if (vma->vm_file)
			h_expect_eq(vma->vm_pgoff +
					    ((layout_addr(i) - vma->vm_start) >> PAGE_SHIFT),
				    pgoff_of(pages[i], i));
	}
}

static const struct {
	const char *before;
	char op;
	unsigned first, nr;
	const char *after;
} cases[] = {
	/* Into a hole: alike is the same file, at the page where the neighbour ends. */
	{"FFF...FFF", 'F', 3, 3, "AAAAAAAAA"},
	{"FFF...GGG", 'F', 3, 3, "AAAAAABBB"},
	{"GGG...FFF", 'F', 3, 3, "AAABBBBBB"},
	{"FFF...OOO", 'F', 3, 3, "AAAAAABBB"},
	{"OOO...FFF", 'F', 3, 3, "AAABBBBBB"},
	{"OOO...OOO", 'F', 3, 3, "AAABBBCCC"},
	{"SSS...FFF", 'F', 3, 3, "AAABBBBBB"},
	{"SSS...SSS", 'S', 3, 3, "AAAAAAAAA"},
	{"FFF...FFF", 'A', 3, 3, "AAABBBCCC"},
	{"AAA...AAA", 'F', 3, 3, "AAABBBCCC"},
	{"fff...FFF", 'F', 3, 3, "aaaBBBBBB"},
	/* Over others. */
	{"FFFGGGFFF", 'F', 3, 3, "AAAAAAAAA"},
	{"FFFGGGFFF", 'F', 2, 5, "AAAAAAAAA"},
	{"FFFFFFFFF", 'G', 3, 3, "AAABBBCCC"},
	{"FFFFFFFFF", 'O', 3, 3, "AAABBBCCC"},
	{"FFFFFFFFF", 'F', 3, 3, "AAAAAAAAA"},
	{"SSGGFFAAO", 'S', 1, 7, "AAAAAAAAB"},
	/* Rights. */
	{"FFFFFFFFF", PROT_R, 3, 3, "AAAbbbCCC"},
	{"FFFfffFFF", PROT_W, 3, 3, "AAAAAAAAA"},
	{"FFFfffGGG", PROT_W, 3, 3, "AAAAAABBB"},
	{"GGGfffFFF", PROT_W, 3, 3, "AAABBBBBB"},
	{"FFFfffFFF", PROT_W, 4, 1, "AAAbCdEEE"},
	{"FFFfffFFF", PROT_W, 3, 2, "AAAAAbCCC"},
	{"FFFfffFFF", PROT_W, 4, 2, "AAAbCCCCC"},
	{"FFFoooFFF", PROT_W, 3, 3, "AAABBBCCC"},
	/* Holes. */
	{"FFFFFFFFF", UNMAP, 3, 3, "AAA...BBB"},
	{"FFFFFFFFF", UNMAP, 0, 3, "...AAAAAA"},
	{"FFFFFFFFF", UNMAP, 6, 3, "AAAAAA"},
	{"FFGGSSAAO", UNMAP, 1, 7, "A.......B"},
};

HTEST(each_case_with_files)
{
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mm_struct *mm = begin();
		char pages[16], layout[LAYOUT_PAGES + 1];

		strcpy(pages, cases[i].before);
		map_text(mm, cases[i].before);
		h_expect_eq(apply(mm, cases[i].op, cases[i].first, cases[i].nr), 0);
		model_apply(pages, cases[i].op, cases[i].first, cases[i].nr);
		layout_read(mm, layout);
		h_expect_str(layout, cases[i].after);
		expect_pages(mm, pages, strlen(pages));
		stand_check(mm);
		end(mm);
	}
}

HTEST(each_case_with_files_survives_every_failure)
{
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mm_struct *mm = begin();

		map_text(mm, cases[i].before);
		for (long n = 0;; n++) {
			int err;

			stand_fail(n);
			err = apply(mm, cases[i].op, cases[i].first, cases[i].nr);
			if (!stand_failed())
				break;
			h_expect_eq(err, -ENOMEM);
			expect_pages(mm, cases[i].before, strlen(cases[i].before));
			stand_check(mm);
		}
		stand_fail(-1);
		end(mm);
	}
}

/* A copy that a failed fork made and never showed to anyone. */
HTEST(a_vma_that_was_never_linked_leaves_nothing)
{
	struct mm_struct *mm = begin();
	struct vm_area_struct *copy;

	map_text(mm, "FFF...SSS");
	copy = vm_area_dup(vma_lookup(mm, layout_addr(0)));
	h_assert(copy);
	/* It names the file and does not hold it yet. */
	h_expect_eq(file_f->f_count.counter, 3);
	unlink_file_vma(copy);
	unlink_file_vma(copy);
	vm_area_free(copy);
	h_expect_eq(file_f->f_count.counter, 3);
	h_expect_eq(file_f->f_mapping.nr_vmas, 2);
	stand_check(mm);
	end(mm);
}

HTEST(random_changes_with_files_and_failing_memory)
{
	static const char ops[] = "FfSsOoGgAa---++==";
	struct mm_struct *mm = begin();
	char model[LAYOUT_PAGES + 1];
	struct rng rng;

	memset(model, '.', LAYOUT_PAGES);
	model[LAYOUT_PAGES] = '\0';
	rng_init(&rng, htest_seed());
	for (unsigned n = 0; n < 20000; n++) {
		unsigned first = rng_below(&rng, LAYOUT_PAGES);
		unsigned nr = 1 + rng_below(&rng, min(LAYOUT_PAGES - first, 12u));
		char op = ops[rng_below(&rng, sizeof(ops) - 1)];
		struct vm_area_struct *vma = vma_lookup(mm, layout_addr(first));
		int err;

		/* mprotect over a hole stops there, and in the middle without memory. */
		if (op == PROT_W || op == PROT_R) {
			nr = 1;
			if (!vma)
				continue;
		}
		if (n % 7 == 0 && vma && !vma->anon_vma) {
			mmap_write_lock(mm);
			h_assert_eq(__anon_vma_prepare(vma), 0);
			mmap_write_unlock(mm);
		}
		stand_fail(rng_below(&rng, 3) ? -1 : (long)rng_below(&rng, 8));
		err = apply(mm, op, first, nr);
		stand_fail(-1);
		if (!err)
			model_apply(model, op, first, nr);
		else
			h_expect_eq(err, -ENOMEM);
		expect_pages(mm, model, LAYOUT_PAGES);
		rcu_barrier();
	}
	end(mm);
}
