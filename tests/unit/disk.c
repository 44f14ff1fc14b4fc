/*
 * disk.c - the disk of --disk: what is written is read, what cannot be done is an error.
 *
 * Skipped without a disk; tests/guest/test_disk.py gives one. Contents of the disk are lost.
 */
#include <errno.h>

#include "kernel/core/setting.h"
#include "kernel/core/user.h"
#include "kernel/drivers/block.h"
#include "mm/mman.h"
#include "mm/page_alloc.h"
#include "tests/ktest.h"
#include "tests/mm_swap.h"
#include "tests/mm_user.h"

#define BASE	USER_BASE
#define RW	(PROT_READ | PROT_WRITE)
#define NR_PAGES 64u /* of the disk that are written */

static struct block_device *need_disk(struct ktest *t)
{
	struct block_device *bdev = block_at(0);

	if (!bdev)
		t_skip(t, "no disk: --disk FILE gives one");
	t_assert_ge(t, bdev->nr_sectors, NR_PAGES * SECTORS_PER_PAGE);
	return bdev;
}

static u64 word_of(u64 salt, u64 page, unsigned word)
{
	return rng_mix(salt << 40 | page << 12 | word);
}

static void fill_page(struct page *page, u64 salt, u64 nr)
{
	u64 *at = page_address(page);

	for (unsigned i = 0; i < 512; i++)
		at[i] = word_of(salt, nr, i);
}

static unsigned wrong_words(struct page *page, u64 salt, u64 nr)
{
	const u64 *at = page_address(page);
	unsigned wrong = 0;

	for (unsigned i = 0; i < 512; i++)
		wrong += at[i] != word_of(salt, nr, i);
	return wrong;
}

/* Write pages [@first, @first + @nr) in one transfer, and read them back into other frames. */
static void there_and_back(struct ktest *t, struct block_device *bdev, u64 salt, u64 first,
			   unsigned nr)
{
	struct page *pages[BLOCK_PAGES_MAX];
	phys_t frames[BLOCK_PAGES_MAX];
	unsigned wrong = 0;

	for (unsigned i = 0; i < nr; i++) {
		pages[i] = alloc_page(GFP_KERNEL);
		t_assert(t, pages[i]);
		fill_page(pages[i], salt, first + i);
		frames[i] = page_to_phys(pages[i]);
	}
	t_expect_eq(t, block_transfer(bdev, first * SECTORS_PER_PAGE, frames, nr, true), 0);
	for (unsigned i = 0; i < nr; i++)
		clear_frame(page_address(pages[i]));
	/* The other way round, so that it matters which frame gets which sector. */
	for (unsigned i = 0; i < nr; i++)
		frames[i] = page_to_phys(pages[nr - 1 - i]);
	t_expect_eq(t, block_transfer(bdev, first * SECTORS_PER_PAGE, frames, nr, false), 0);
	for (unsigned i = 0; i < nr; i++)
		wrong += wrong_words(pages[nr - 1 - i], salt, first + i);
	t_expect_eq(t, wrong, 0);
	for (unsigned i = 0; i < nr; i++)
		free_page(pages[i]);
}

KTEST(disk, what_is_written_is_read, KT_UNIT)
{
	struct block_device *bdev = need_disk(t);
	u64 last = bdev->nr_sectors / SECTORS_PER_PAGE - 1;

	there_and_back(t, bdev, 1, 0, 1);
	there_and_back(t, bdev, 2, last, 1);
	there_and_back(t, bdev, 3, 5, BLOCK_PAGES_MAX);
	there_and_back(t, bdev, 4, 7, 3);
}

KTEST(disk, what_lies_beyond_its_end_is_an_error, KT_UNIT)
{
	struct block_device *bdev = need_disk(t);
	struct page *page = alloc_page(GFP_KERNEL);
	u64 end = bdev->nr_sectors;
	phys_t frame;

	t_assert(t, page);
	frame = page_to_phys(page);
	t_expect_eq(t, block_transfer(bdev, end - 1, &frame, 1, true), -EINVAL);
	t_expect_eq(t, block_transfer(bdev, end, &frame, 1, false), -EINVAL);
	t_expect_eq(t, block_transfer(bdev, ~0ul, &frame, 1, false), -EINVAL);
	t_expect_eq(t, block_transfer(bdev, 0, &frame, 0, false), -EINVAL);
	/* Past our own check, the disk itself says so; it goes on serving. */
	t_expect_eq(t, bdev->ops->transfer(bdev, end, &frame, 1, false), -EIO);
	t_expect_eq(t, bdev->ops->transfer(bdev, end - 1, &frame, 1, true), -EIO);
	there_and_back(t, bdev, 5, 0, 2);
	free_page(page);
}

/* More threads than the driver has requests, each with pages of its own. */
static void disk_user(struct ktest *t, unsigned i, void *arg)
{
	for (unsigned round = 0; round < 8; round++)
		there_and_back(t, arg, 6 + round, i * 4, 1 + (round + i) % 4);
}

KTEST(disk, many_threads_share_it, KT_STRESS)
{
	t_parallel(t, 12, disk_user, need_disk(t));
}

/* A suite of its own: no disk is left afterwards. */
KTEST(disk_dead, one_that_does_not_answer_is_given_up, KT_UNIT)
{
	struct block_device *bdev = need_disk(t);
	const struct setting *answer = setting_find("disk_answer_ms");
	struct page *page = alloc_page(GFP_KERNEL);
	struct mm_struct *mm = mm_alloc();
	u64 before = answer->get(), value;
	phys_t frame;
	int err = 0;

	t_assert(t, page && mm);
	frame = page_to_phys(page);
	t_expect_ge(t, swapon(bdev), 0);
	t_expect_eq(t, user_mmap(mm, BASE, 2, RW), 0);
	mm_use(mm);
	t_expect_eq(t, user_touch(BASE, 2, 7), 0);
	t_expect_eq(t, user_swap_out(mm, BASE, 1), 1);

	/* It may be faster than we look, but not always. */
	t_expect_eq(t, answer->set(0), 0);
	for (unsigned i = 0; i < 10000 && !err; i++)
		err = block_transfer(bdev, 64, &frame, 1, false);
	t_expect_eq(t, answer->set(before), 0);
	t_expect_eq(t, err, -EIO);
	t_expect_eq(t, block_transfer(bdev, 64, &frame, 1, false), -EIO);

	/* What was on it is lost, and nothing else. */
	t_expect_eq(t, get_user(&value, BASE), -EIO);
	t_expect_eq(t, user_swap_out(mm, BASE + PAGE_SIZE, 1), 0);
	t_expect_eq(t, get_user(&value, BASE + PAGE_SIZE), 0);
	t_expect_eq(t, value, 7);
	t_expect_eq(t, swapoff(bdev), 0);
	t_expect_eq(t, get_user(&value, BASE), -EIO);
	t_expect_sane(t, mm);
	mm_unuse(mm);
	mmput(mm);
	free_page(page);
}

KTEST(disk, pages_survive_on_it, KT_UNIT)
{
	struct block_device *bdev = need_disk(t);
	struct mm_struct *mm = mm_alloc();
	u64 value;

	t_assert(t, mm);
	t_expect_ge(t, swapon(bdev), 0);
	t_expect_eq(t, user_mmap(mm, BASE, NR_PAGES, RW), 0);
	mm_use(mm);
	for (unsigned i = 0; i < NR_PAGES; i++)
		t_expect_eq(t, put_user(word_of(9, i, 0), BASE + i * PAGE_SIZE + 8 * i), 0);
	t_expect_eq(t, user_swap_out(mm, BASE, NR_PAGES), NR_PAGES);
	/* Half of them one by one, the others at swapoff. */
	for (unsigned i = 0; i < NR_PAGES; i++) {
		if (i == NR_PAGES / 2)
			t_expect_eq(t, swapoff(bdev), 0);
		t_expect_eq(t, get_user(&value, BASE + i * PAGE_SIZE + 8 * i), 0);
		t_expect_eq(t, value, word_of(9, i, 0));
	}
	t_expect_sane(t, mm);
	mm_unuse(mm);
	mmput(mm);
}
