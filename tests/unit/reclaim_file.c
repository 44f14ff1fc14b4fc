/*
 * reclaim_file.c - pages of files leave memory and come back: clean ones are dropped, dirty ones
 * stored first, private copies go to swap.
 */
#include <errno.h>

#include "kernel/core/fault.h"
#include "kernel/core/user.h"
#include "mm/filemap.h"
#include "mm/lru.h"
#include "mm/mman.h"
#include "mm/reclaim.h"
#include "tests/ktest.h"
#include "tests/mm_file.h"
#include "tests/mm_pressure.h"
#include "tests/mm_swap.h"
#include "tests/mm_user.h"

#define BASE	USER_BASE
#define PRIVATE (BASE + 0x10000000ul)
#define RW	(PROT_READ | PROT_WRITE)
#define FIRST	100ul /* what t_file() puts into page 0 */

enum { N = 24 };

/* A file mapped shared at BASE and private at PRIVATE, by an address space in use. */
struct setting {
	struct ktest *t;
	struct mm_struct *mm;
	struct file *file;
	struct block_device *bdev;
};

static struct setting begin(struct ktest *t)
{
	struct setting s = {t, mm_alloc(), t_file(t, "numbers", N, FIRST), t_swapon(t, 4 * N)};

	t_assert(t, s.mm);
	t_assert_eq(t, file_mmap(s.mm, BASE, N, RW, MAP_SHARED, s.file, 0), 0);
	t_assert_eq(t, file_mmap(s.mm, PRIVATE, N, RW, MAP_PRIVATE, s.file, 0), 0);
	mm_use(s.mm);
	return s;
}

static void end(struct setting *s)
{
	t_expect_sane(s->t, s->mm);
	t_expect_file_sane(s->t, s->file);
	t_expect_swap_sane(s->t);
	t_expect_eq(s->t, lru_check(), 0);
	mm_unuse(s->mm);
	mmput(s->mm);
	fput(s->file);
	t_swapoff(s->t, s->bdev);
}

static void page_out(struct setting *s, unsigned long start)
{
	t_expect_eq(s->t, vm_madvise(s->mm, start, N * PAGE_SIZE, MADV_PAGEOUT), 0);
}

static unsigned long cached(struct setting *s)
{
	unsigned long nr, dirty;

	filemap_count(&s->file->f_mapping, &nr, &dirty);
	return nr;
}

static unsigned long dirty(struct setting *s)
{
	unsigned long nr, dirty;

	filemap_count(&s->file->f_mapping, &nr, &dirty);
	return dirty;
}

/* Page i of the mapping at @start says @value + i. */
static void expect_words(struct setting *s, unsigned long start, u64 value)
{
	for (unsigned long i = 0; i < N; i++) {
		u64 seen = 0;

		t_expect_eq(s->t, get_user(&seen, start + i * PAGE_SIZE), 0);
		t_expect_eq(s->t, seen, value + i);
	}
}

static void write_words(struct setting *s, unsigned long start, u64 value)
{
	for (unsigned long i = 0; i < N; i++)
		t_expect_eq(s->t, put_user(value + i, start + i * PAGE_SIZE), 0);
}

KTEST(reclaim_file, clean_pages_are_dropped, KT_UNIT)
{
	struct setting s = begin(t);

	expect_words(&s, BASE, FIRST);
	t_expect_eq(t, cached(&s), N);
	page_out(&s, BASE);
	t_expect_eq(t, cached(&s), 0);
	t_expect_eq(t, get_mm_counter(s.mm, MM_FILEPAGES), 0);
	expect_words(&s, BASE, FIRST);
	end(&s);
}

KTEST(reclaim_file, dirty_pages_are_stored_first, KT_UNIT)
{
	struct setting s = begin(t);

	write_words(&s, BASE, 7000);
	t_expect_eq(t, dirty(&s), N);
	page_out(&s, BASE);
	t_expect_eq(t, cached(&s), 0);
	expect_words(&s, BASE, 7000);
	t_expect_eq(t, dirty(&s), 0);
	end(&s);
}

KTEST(reclaim_file, private_copies_go_to_swap, KT_UNIT)
{
	struct setting s = begin(t);

	write_words(&s, BASE, 7000);
	write_words(&s, PRIVATE, 500);
	page_out(&s, PRIVATE);
	page_out(&s, BASE);
	t_expect_eq(t, cached(&s), 0);
	t_expect_eq(t, get_mm_counter(s.mm, MM_SWAPENTS), N);
	t_expect_eq(t, get_mm_counter(s.mm, MM_ANONPAGES), 0);
	expect_words(&s, PRIVATE, 500);
	expect_words(&s, BASE, 7000);
	end(&s);
}

/* Each error hits one page: it keeps what it says, as do all others. */
KTEST(reclaim_file, a_page_that_cannot_be_stored_stays_dirty, KT_UNIT)
{
	struct fault_attr fail = {.probability = 100, .times = 3, .at = -1};
	struct setting s = begin(t);

	write_words(&s, BASE, 7000);
	fault_site_set(fault_site_find("file_io_write"), &fail);
	page_out(&s, BASE);
	fault_reset();
	t_expect_eq(t, cached(&s), 3);
	t_expect_eq(t, dirty(&s), 3);
	expect_words(&s, BASE, 7000);
	page_out(&s, BASE);
	t_expect_eq(t, cached(&s), 0);
	expect_words(&s, BASE, 7000);
	end(&s);
}

KTEST(reclaim_file, a_page_that_cannot_be_read_is_sigbus, KT_UNIT)
{
	struct fault_attr fail = {.probability = 100, .times = 1, .at = -1};
	struct setting s = begin(t);
	u64 seen;

	write_words(&s, BASE, 7000);
	page_out(&s, BASE);
	for (unsigned long i = 0; i < N; i++) {
		bool lost = i == 5;

		if (lost)
			fault_site_set(fault_site_find("file_io_read"), &fail);
		t_expect_eq(t, get_user(&seen, BASE + i * PAGE_SIZE), lost ? -EIO : 0);
		t_expect_eq(t, lost ? 7000 + i : seen, 7000 + i);
	}
	fault_reset();
	expect_words(&s, BASE, 7000);
	end(&s);
}

/* Files, copies and anonymous memory together, four times what there is room for. */
KTEST(reclaim_file, all_kinds_survive_pressure, KT_STRESS)
{
	enum { BIG = 500, ROOM = 400, ANON_AT = 0x70000000ul };
	struct mm_struct *mm = mm_alloc();
	struct file *file = t_file(t, "big", BIG, FIRST);
	struct block_device *bdev = t_swapon(t, 4 * BIG);
	struct setting s = {t, mm, file, bdev};

	t_assert(t, mm);
	t_assert_eq(t, file_mmap(mm, BASE, BIG, RW, MAP_SHARED, file, 0), 0);
	t_assert_eq(t, file_mmap(mm, PRIVATE, BIG, RW, MAP_PRIVATE, file, 0), 0);
	t_assert_eq(t, user_mmap(mm, ANON_AT, BIG, RW), 0);
	mm_use(mm);
	t_hoard(t, ROOM);
	for (u64 n = 0; n < t_scale(t, 3); n++) {
		for (unsigned long i = 0; i < BIG; i++) {
			unsigned long at = i * PAGE_SIZE;

			t_expect_eq(t, put_user(n * 1000 + i, BASE + at), 0);
			t_expect_eq(t, put_user(n * 2000 + i, PRIVATE + at), 0);
			t_expect_eq(t, put_user(n * 3000 + i, ANON_AT + at), 0);
		}
		for (unsigned long i = 0; i < BIG; i++) {
			unsigned long at = i * PAGE_SIZE;
			u64 seen[3] = {0};

			t_expect_eq(t, get_user(&seen[0], BASE + at), 0);
			t_expect_eq(t, get_user(&seen[1], PRIVATE + at), 0);
			t_expect_eq(t, get_user(&seen[2], ANON_AT + at), 0);
			t_expect_eq(t, seen[0], n * 1000 + i);
			t_expect_eq(t, seen[1], n * 2000 + i);
			t_expect_eq(t, seen[2], n * 3000 + i);
		}
	}
	t_hoard_release(t);
	end(&s);
}
