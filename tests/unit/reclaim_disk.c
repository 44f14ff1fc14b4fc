/*
 * reclaim_disk.c - a working set of 128 MiB on a machine that has a quarter of it, and a swap disk.
 *
 * Skipped where there is no disk, or memory enough; tests/guest/test_reclaim.py sees to both.
 */
#include <string.h>

#include "kernel/core/user.h"
#include "kernel/drivers/block.h"
#include "mm/lru.h"
#include "mm/mman.h"
#include "mm/page_alloc.h"
#include "mm/reclaim.h"
#include "tests/ktest.h"
#include "tests/mm_swap.h"
#include "tests/mm_user.h"

#define BASE USER_BASE
#define RW   (PROT_READ | PROT_WRITE)

enum { PAGES = 32768, CHANGES = 2000 };

static u64 word(u64 salt, unsigned long page)
{
	return rng_mix(salt << 32 | page);
}

/* Both ends of the page, so that half a page lost is noticed. */
static int put_words(u64 salt, unsigned long page)
{
	unsigned long at = BASE + page * PAGE_SIZE;
	int err = put_user(word(salt, page), at);

	return err ? err : put_user(~word(salt, page), at + PAGE_SIZE - 8);
}

static bool words_are(u64 salt, unsigned long page)
{
	unsigned long at = BASE + page * PAGE_SIZE;
	u64 first = 0, last = 0;

	return !get_user(&first, at) && !get_user(&last, at + PAGE_SIZE - 8) &&
	       first == word(salt, page) && last == ~word(salt, page);
}

/* Of every @step-th page, and of those that were changed. */
static unsigned long wrong_pages(const u8 *salt, unsigned long step)
{
	unsigned long wrong = 0;

	for (unsigned long i = 0; i < PAGES; i++) {
		if (i % step == 0 || salt[i])
			wrong += !words_are(salt[i], i);
	}
	return wrong;
}

KTEST(reclaim_disk, a_working_set_four_times_memory, KT_STRESS)
{
	static u8 salt[PAGES]; /* of a page's last change */
	struct block_device *bdev = block_at(0);
	struct mm_struct *mm;
	struct reclaim_figures f;

	if (!bdev || bdev->nr_sectors < PAGES * SECTORS_PER_PAGE)
		t_skip(t, "no disk of 128 MiB: --disk FILE gives one");
	if (frames_total() > PAGES / 3)
		t_skip(t, "memory enough: --mem 32M has less");
	t_assert_ge(t, swapon(bdev), 0);
	mm = mm_alloc();
	t_assert(t, mm);
	t_assert_eq(t, user_mmap(mm, BASE, PAGES, RW), 0);
	mm_use(mm);
	memset(salt, 0, sizeof(salt));
	for (unsigned long i = 0; i < PAGES; i++)
		t_expect_eq(t, put_words(0, i), 0);
	t_expect_eq(t, wrong_pages(salt, 1), 0);
	for (unsigned n = 0; n < CHANGES; n++) {
		unsigned long page = t_rand_below(t, PAGES);

		t_expect_eq(t, put_words(++salt[page], page), 0);
	}
	t_expect_eq(t, wrong_pages(salt, 16), 0);
	reclaim_figures(&f);
	t_note(t,
	       "%lu frames in all; %ld freed, %ld written, %ld scanned; rounds: kswapd %ld, "
	       "direct %ld",
	       frames_total(), f.reclaimed, f.written, f.scanned, f.kswapd_rounds, f.direct_rounds);
	t_expect_sane(t, mm);
	t_expect_gt(t, f.reclaimed, PAGES);
	mm_unuse(mm);
	mmput(mm);
	t_expect_eq(t, swapoff(bdev), 0);
	t_expect_eq(t, lru_check(), 0);
}
