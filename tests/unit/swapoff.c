/*
 * swapoff.c - swap devices on and off: everything comes back, or a marker says what does not.
 */
#include <errno.h>

#include "kernel/base/err.h"
#include "kernel/core/user.h"
#include "kernel/drivers/block.h"
#include "mm/block_ram.h"
#include "mm/mman.h"
#include "mm/walkers/walker.h"
#include "tests/ktest.h"
#include "tests/swap_test.h"

#define BASE USER_BASE

KTEST(swap, swapoff_brings_everything_back, KT_UNIT)
{
	struct swap_test s = swap_begin(t, 64, 24);
	struct mm_struct *child;

	t_expect_eq(t, user_swap_out(s.mm, BASE, 16), 16);
	child = swap_fork_of(&s);
	t_swapoff(t, s.bdev);
	t_expect_eq(t, swapents(&s), 0);
	t_expect_eq(t, get_mm_counter(child, MM_SWAPENTS), 0);
	t_expect_eq(t, atomic_long_read(&nr_swapcache_pages), 0);
	t_expect_sane(t, child);
	for (unsigned long i = 0; i < s.nr; i++) {
		t_expect(t, user_page(s.mm, BASE + i * PAGE_SIZE) ==
				    user_page(child, BASE + i * PAGE_SIZE));
		swap_expect_page(&s, i);
	}
	mmput(child);
	s.bdev = t_swapon(t, 64);
	t_expect_eq(t, user_swap_out(s.mm, BASE, s.nr), s.nr);
	for (unsigned long i = 0; i < s.nr; i++)
		swap_expect_page(&s, i);
	swap_end(&s);
}

KTEST(swap, swapoff_marks_what_it_cannot_read, KT_UNIT)
{
	struct swap_test s = swap_begin(t, 64, 4);
	u64 value;

	t_expect_eq(t, user_swap_out(s.mm, BASE, 4), 4);
	swap_fail_io(t, "swap_read", true);
	t_expect_eq(t, swapoff(s.bdev), 0);
	swap_fail_io(t, "swap_read", false);
	t_expect_eq(t, swapents(&s), 0);
	t_expect_eq(t, get_user(&value, BASE), -EIO);
	t_expect_eq(t, put_user((u64)1, BASE), -EIO);
	for (unsigned long i = 1; i < 4; i++)
		swap_expect_page(&s, i);
	t_expect_sane(t, s.mm);
	/* A marker goes with its range, and moves with it. */
	t_expect_eq(t, vm_mprotect(s.mm, BASE, PAGE_SIZE, PROT_READ), 0);
	t_expect_eq(t, get_user(&value, BASE), -EIO);
	t_expect_eq(t, vm_madvise(s.mm, BASE, PAGE_SIZE, MADV_DONTNEED), 0);
	t_expect_eq(t, get_user(&value, BASE), 0);
	t_expect_eq(t, value, 0);
	t_expect_ge(t, swapon(s.bdev), 0);
	swap_end(&s);
}

KTEST(swap, swapoff_survives_every_enomem, KT_SWEEP)
{
	struct swap_test s = swap_begin(t, 64, 8);

	t_expect_eq(t, user_swap_out(s.mm, BASE, 8), 8);
	/* What cannot be read leaves a marker and no error: begin again with what it was. */
	fault_sweep_undo(t, swapoff(s.bdev), {
		t_expect_swap_sane(t);
		t_expect_eq(t, swapents(&s) + get_mm_counter(s.mm, MM_ANONPAGES), 8);
		user_swap_out(s.mm, BASE, 8);
		t_expect_eq(t, swapents(&s), 8);
	}, {
		t_expect_eq(t, get_mm_counter(s.mm, MM_ANONPAGES), 7);
		t_expect_ge(t, swapon(s.bdev), 0);
		t_expect_eq(t, vm_madvise(s.mm, BASE, 8 * PAGE_SIZE, MADV_DONTNEED), 0);
		swap_fill(&s);
		t_expect_eq(t, user_swap_out(s.mm, BASE, 8), 8);
	});
	t_expect_eq(t, swapents(&s), 0);
	for (unsigned long i = 0; i < 8; i++)
		swap_expect_page(&s, i);
	t_expect_ge(t, swapon(s.bdev), 0);
	swap_end(&s);
}

KTEST(swap, swapoff_skips_what_is_unstable, KT_UNIT)
{
	struct swap_test s = swap_begin(t, 64, 4);
	struct walker_check *check = walker_check_find("swapoff.stable");

	t_assert(t, check);
	t_expect_eq(t, user_swap_out(s.mm, BASE, 4), 4);
	set_bit(MMF_UNSTABLE, &s.mm->flags);
	check->on = false;
	t_swapoff(t, s.bdev);
	check->on = true;
	clear_bit(MMF_UNSTABLE, &s.mm->flags);
	t_expect_eq(t, swapents(&s), 0);
	for (unsigned long i = 0; i < 4; i++)
		swap_expect_page(&s, i);
	s.bdev = t_swapon(t, 64);
	swap_end(&s);
}

KTEST(swap, bad_devices_are_refused, KT_UNIT)
{
	struct block_device *small = block_ram_create(3, SWAP_MIN_SLOTS - 1), *bdev;

	t_assert(t, !IS_ERR(small));
	t_expect_eq(t, swapon(small), -EINVAL);
	t_expect_eq(t, swapoff(small), -EINVAL);
	t_expect_eq(t, PTR_ERR(block_ram_create(3, 64)), -EBUSY);
	t_expect_eq(t, PTR_ERR(block_ram_create(BLOCK_RAM_MAX, 64)), -EINVAL);
	t_expect_eq(t, PTR_ERR(block_ram_create(2, 0)), -EINVAL);
	block_ram_destroy(small);
	bdev = t_swapon(t, 64);
	t_assert(t, bdev);
	t_expect_eq(t, swapon(bdev), -EBUSY);
	t_swapoff(t, bdev);
}

KTEST(swap, swapon_survives_every_enomem, KT_SWEEP)
{
	struct block_device *bdev = ERR_PTR(-ENOMEM);

	fault_sweep(t, IS_ERR(bdev = block_ram_create(0, 1200)) ? PTR_ERR(bdev) : 0,
		    t_expect(t, !block_ram_find(0)));
	fault_sweep(t, swapon(bdev) < 0 ? -ENOMEM : 0, t_expect_eq(t, get_nr_swap_pages(), 0));
	t_expect_eq(t, get_nr_swap_pages(), 1200);
	t_swapoff(t, bdev);
}
