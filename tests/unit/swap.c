/*
 * swap.c - slots, the swap cache, and swapping in: one thread at a time.
 */
#include "mm/swap.h"

#include <errno.h>

#include "kernel/base/err.h"
#include "kernel/core/fault.h"
#include "kernel/core/ledger.h"
#include "kernel/core/setting.h"
#include "kernel/core/user.h"
#include "kernel/drivers/block.h"
#include "mm/block_ram.h"
#include "mm/fault.h"
#include "mm/folio_lock.h"
#include "mm/mman.h"
#include "mm/page_alloc.h"
#include "mm/rmap.h"
#include "mm/walkers/walker.h"
#include "tests/ktest.h"
#include "tests/mm_swap.h"
#include "tests/mm_user.h"

#define BASE USER_BASE
#define RW   (PROT_READ | PROT_WRITE)

/* A device and an address space in use, @nr pages touched with their number from @first on. */
struct swap_test {
	struct ktest *t;
	struct block_device *bdev;
	struct mm_struct *mm;
	unsigned long nr;
};

static u64 pattern(unsigned long i, unsigned long word)
{
	return rng_mix(i * 512 + word + 1);
}

static void fill(struct swap_test *s)
{
	for (unsigned long i = 0; i < s->nr; i++) {
		t_expect_eq(s->t, put_user(pattern(i, 0), BASE + i * PAGE_SIZE), 0);
		t_expect_eq(s->t, put_user(pattern(i, 511), BASE + i * PAGE_SIZE + 511 * 8), 0);
	}
}

/* Page @i holds what fill() put there. */
static void expect_page(struct swap_test *s, unsigned long i)
{
	u64 value;

	t_expect_eq(s->t, get_user(&value, BASE + i * PAGE_SIZE), 0);
	t_expect_eq(s->t, value, pattern(i, 0));
	t_expect_eq(s->t, get_user(&value, BASE + i * PAGE_SIZE + 511 * 8), 0);
	t_expect_eq(s->t, value, pattern(i, 511));
}

static struct swap_test swap_begin(struct ktest *t, unsigned long slots, unsigned long nr)
{
	struct swap_test s = {.t = t, .bdev = t_swapon(t, slots), .mm = mm_alloc(), .nr = nr};

	t_assert(t, s.mm && s.bdev);
	t_expect_eq(t, user_mmap(s.mm, BASE, nr, RW), 0);
	mm_use(s.mm);
	fill(&s);
	return s;
}

static void swap_end(struct swap_test *s)
{
	t_expect_sane(s->t, s->mm);
	t_expect_swap_sane(s->t);
	mm_unuse(s->mm);
	mmput(s->mm);
	t_expect_eq(s->t, get_nr_swap_pages(), (long)(s->bdev->nr_sectors / SECTORS_PER_PAGE));
	t_swapoff(s->t, s->bdev);
}

static long swapents(struct swap_test *s)
{
	return get_mm_counter(s->mm, MM_SWAPENTS);
}

/* ---- out and in ---- */

KTEST(swap, contents_survive_out_and_in, KT_UNIT)
{
	struct swap_test s = swap_begin(t, 64, 40);

	t_expect_eq(t, user_swap_out(s.mm, BASE, s.nr), s.nr);
	t_expect_eq(t, swapents(&s), s.nr);
	t_expect_eq(t, get_mm_counter(s.mm, MM_ANONPAGES), 0);
	t_expect_eq(t, get_nr_swap_pages(), 64 - 40);
	t_expect_sane(t, s.mm);
	for (unsigned long i = 0; i < s.nr; i++)
		expect_page(&s, i);
	t_expect_eq(t, swapents(&s), 0);
	t_expect_eq(t, get_mm_counter(s.mm, MM_ANONPAGES), s.nr);
	swap_end(&s);
}

KTEST(swap, an_exclusive_page_comes_back_writable, KT_UNIT)
{
	struct swap_test s = swap_begin(t, 64, 4);
	swp_entry_t entry;
	struct page *page;

	t_expect_eq(t, user_swap_out(s.mm, BASE, 4), 4);
	entry = user_swap_entry(s.mm, BASE);
	t_assert(t, entry.val);
	t_expect_eq(t, swap_count(entry), 1);
	t_expect(t, pte_swp_exclusive(__pte(user_pte(s.mm, BASE))));

	/* A read leaves the slot, clean, under the page; a write gives it back. */
	expect_page(&s, 0);
	page = user_page(s.mm, BASE);
	t_assert(t, page);
	t_expect(t, PageAnonExclusive(page));
	t_expect(t, pte_write(__pte(user_pte(s.mm, BASE))));
	t_expect(t, !pte_dirty(__pte(user_pte(s.mm, BASE))));
	t_expect(t, folio_test_swapcache(page));
	t_expect_eq(t, swap_count(entry), 0);
	t_expect_eq(t, put_user(pattern(1, 0), BASE + PAGE_SIZE), 0);
	t_expect(t, pte_dirty(__pte(user_pte(s.mm, BASE + PAGE_SIZE))));
	t_expect(t, !folio_test_swapcache(user_page(s.mm, BASE + PAGE_SIZE)));
	t_expect_eq(t, get_nr_swap_pages(), 64 - 3);
	swap_end(&s);
}

KTEST(swap, rights_are_those_of_the_vma, KT_UNIT)
{
	struct swap_test s = swap_begin(t, 64, 4);

	t_expect_eq(t, user_swap_out(s.mm, BASE, 4), 4);
	t_expect_eq(t, vm_mprotect(s.mm, BASE, 4 * PAGE_SIZE, PROT_READ), 0);
	expect_page(&s, 0);
	t_expect(t, !pte_write(__pte(user_pte(s.mm, BASE))));
	t_expect_eq(t, put_user((u64)1, BASE), -EFAULT);
	t_expect_eq(t, put_user((u64)1, BASE + PAGE_SIZE), -EFAULT);
	t_expect(t, user_swap_entry(s.mm, BASE + PAGE_SIZE).val);
	t_expect_eq(t, vm_mprotect(s.mm, BASE, 4 * PAGE_SIZE, PROT_NONE), 0);
	t_expect_eq(t, vm_mprotect(s.mm, BASE, 4 * PAGE_SIZE, RW), 0);
	for (unsigned long i = 0; i < 4; i++)
		expect_page(&s, i);
	swap_end(&s);
}

KTEST(swap, entries_move_and_go_with_their_range, KT_UNIT)
{
	struct swap_test s = swap_begin(t, 64, 24);
	unsigned long to = BASE + 64 * PMD_SIZE;
	swp_entry_t entry;

	t_expect_eq(t, user_swap_out(s.mm, BASE, 24), 24);
	entry = user_swap_entry(s.mm, BASE);
	t_expect_eq(t, vm_mremap(s.mm, BASE, 8 * PAGE_SIZE, 8 * PAGE_SIZE,
				 MREMAP_MAYMOVE | MREMAP_FIXED, to), to);
	t_expect_eq(t, user_swap_entry(s.mm, to).val, entry.val);
	t_expect_eq(t, vm_mremap(s.mm, to, 8 * PAGE_SIZE, 8 * PAGE_SIZE,
				 MREMAP_MAYMOVE | MREMAP_FIXED, BASE), BASE);
	t_expect_eq(t, vm_madvise(s.mm, BASE + 8 * PAGE_SIZE, 8 * PAGE_SIZE, MADV_DONTNEED), 0);
	t_expect_eq(t, get_nr_swap_pages(), 64 - 16);
	t_expect_eq(t, swapents(&s), 16);
	t_expect_eq(t, vm_munmap(s.mm, BASE + 16 * PAGE_SIZE, 8 * PAGE_SIZE), 0);
	t_expect_eq(t, get_nr_swap_pages(), 64 - 8);
	for (unsigned long i = 0; i < 8; i++)
		expect_page(&s, i);
	swap_end(&s);
}

/* ---- shared ---- */

static struct mm_struct *fork_of(struct swap_test *s)
{
	struct mm_struct *child = mm_alloc();

	t_assert(s->t, child);
	t_expect_eq(s->t, user_mmap(child, BASE, s->nr, RW), 0);
	t_expect_eq(s->t, user_share(s->mm, child, BASE, s->nr), 0);
	return child;
}

static u64 word_at(struct mm_struct *mm, unsigned long addr)
{
	struct page *page = user_page(mm, addr);

	return page ? *(u64 *)page_address(page) : ~0ull;
}

KTEST(swap, a_shared_slot_is_read_once, KT_UNIT)
{
	struct swap_test s = swap_begin(t, 64, 4);
	struct mm_struct *child;
	swp_entry_t entry;
	struct page *page;

	t_expect_eq(t, user_swap_out(s.mm, BASE, 4), 4);
	child = fork_of(&s);
	entry = user_swap_entry(child, BASE);
	t_expect_eq(t, swap_count(entry), 2);
	t_expect(t, !pte_swp_exclusive(__pte(user_pte(s.mm, BASE))));
	t_expect(t, !pte_swp_exclusive(__pte(user_pte(child, BASE))));
	t_expect_sane(t, child);
	t_expect_swap_sane(t);

	expect_page(&s, 0);
	page = user_page(s.mm, BASE);
	t_assert(t, page);
	t_expect(t, !pte_write(__pte(user_pte(s.mm, BASE))));
	t_expect_eq(t, swap_count(entry), 1);
	mm_unuse(s.mm);
	mm_use(child);
	expect_page(&s, 0);
	t_expect(t, user_page(child, BASE) == page);
	t_expect_eq(t, folio_count_rmap(page), 2);
	t_expect_eq(t, swap_count(entry), 0);

	/* A write in one is not seen in the other; the last of them has the page for itself. */
	t_expect_eq(t, put_user((u64)77, BASE), 0);
	t_expect_eq(t, word_at(s.mm, BASE), pattern(0, 0));
	mm_unuse(child);
	mm_use(s.mm);
	t_expect_eq(t, put_user((u64)78, BASE), 0);
	t_expect(t, user_page(s.mm, BASE) == page);
	t_expect(t, !folio_test_swapcache(page));
	t_expect_sane(t, child);
	mmput(child);
	swap_end(&s);
}

KTEST(swap, a_write_to_a_shared_slot_copies, KT_UNIT)
{
	struct swap_test s = swap_begin(t, 64, 4);
	struct mm_struct *child;

	t_expect_eq(t, user_swap_out(s.mm, BASE, 4), 4);
	child = fork_of(&s);
	t_expect_eq(t, put_user((u64)5, BASE), 0);
	t_expect_eq(t, swap_count(user_swap_entry(child, BASE)), 1);
	mm_unuse(s.mm);
	mm_use(child);
	expect_page(&s, 0);
	t_expect_eq(t, word_at(s.mm, BASE), 5);
	mm_unuse(child);
	mmput(child);
	mm_use(s.mm);
	swap_end(&s);
}

KTEST(swap, a_child_that_goes_gives_its_counts_back, KT_UNIT)
{
	struct swap_test s = swap_begin(t, 64, 16);
	struct mm_struct *child;

	t_expect_eq(t, user_swap_out(s.mm, BASE, 16), 16);
	child = fork_of(&s);
	for (unsigned long i = 0; i < 16; i++)
		t_expect_eq(t, swap_count(user_swap_entry(s.mm, BASE + i * PAGE_SIZE)), 2);
	mmput(child);
	for (unsigned long i = 0; i < 16; i++)
		t_expect_eq(t, swap_count(user_swap_entry(s.mm, BASE + i * PAGE_SIZE)), 1);
	for (unsigned long i = 0; i < 16; i++)
		expect_page(&s, i);
	swap_end(&s);
}

/* ---- counts ---- */

KTEST(swap, a_large_count_needs_a_page, KT_UNIT)
{
	const struct setting *max = setting_find("swap_count_max");
	struct swap_test s = swap_begin(t, 64, 1);
	u64 before = max->get();
	swp_entry_t entry;

	t_expect_eq(t, user_swap_out(s.mm, BASE, 1), 1);
	entry = user_swap_entry(s.mm, BASE);
	for (unsigned i = 1; i < before; i++)
		t_expect_eq(t, swap_duplicate(entry), 0);
	t_expect_eq(t, swap_duplicate(entry), -ENOMEM);
	t_expect_eq(t, swap_count(entry), before);
	t_expect_eq(t, add_swap_count_continuation(entry, GFP_KERNEL), 0);
	for (unsigned i = 0; i < 1000; i++)
		t_expect_eq(t, swap_duplicate(entry), 0);
	t_expect_eq(t, swap_count(entry), before + 1000);
	for (unsigned i = 1; i < before + 1000; i++)
		swap_free(entry);
	t_expect_eq(t, swap_count(entry), 1);
	t_expect_swap_sane(t);
	expect_page(&s, 0);

	t_expect_eq(t, max->set(1), 0);
	t_expect_eq(t, user_swap_out(s.mm, BASE, 1), 1);
	entry = user_swap_entry(s.mm, BASE);
	t_expect_eq(t, swap_duplicate(entry), 0);
	t_expect_eq(t, swap_duplicate(entry), 0);
	t_expect_eq(t, swap_count(entry), 3);
	swap_free(entry);
	swap_free(entry);
	t_expect_eq(t, max->set(before), 0);
	expect_page(&s, 0);
	swap_end(&s);
}

KTEST(swap, slots_end_and_come_back, KT_UNIT)
{
	struct swap_test s = swap_begin(t, SWAP_MIN_SLOTS, SWAP_MIN_SLOTS + 4);

	t_expect_eq(t, user_swap_out(s.mm, BASE, s.nr), SWAP_MIN_SLOTS);
	t_expect_eq(t, get_nr_swap_pages(), 0);
	for (unsigned long i = 0; i < s.nr; i++)
		expect_page(&s, i);
	/* Full: pages that came back did not keep their slots. */
	t_expect_gt(t, get_nr_swap_pages(), 0);
	swap_end(&s);
}

/* The page of a slot nobody names goes with the last entry, also when it was being written. */
KTEST(swap, a_cached_page_goes_with_its_last_entry, KT_UNIT)
{
	struct swap_test s = swap_begin(t, 64, 2);
	struct page *page;

	page = user_unmap_to_swap(s.mm, BASE);
	t_assert(t, page);
	folio_unlock(page);
	put_page(page);
	t_expect_eq(t, atomic_long_read(&nr_swapcache_pages), 1);
	t_expect_eq(t, vm_madvise(s.mm, BASE, PAGE_SIZE, MADV_DONTNEED), 0);
	t_expect_eq(t, atomic_long_read(&nr_swapcache_pages), 0);
	t_expect_eq(t, get_nr_swap_pages(), 64);

	page = user_unmap_to_swap(s.mm, BASE + PAGE_SIZE);
	t_assert(t, page);
	folio_start_writeback(page);
	folio_unlock(page);
	t_expect_eq(t, vm_madvise(s.mm, BASE + PAGE_SIZE, PAGE_SIZE, MADV_DONTNEED), 0);
	t_expect_eq(t, atomic_long_read(&nr_swapcache_pages), 1);
	folio_end_writeback(page);
	put_page(page);
	ledger_settle();
	t_expect_eq(t, atomic_long_read(&nr_swapcache_pages), 0);
	swap_end(&s);
}

/* ---- what fails ---- */

static void fail_io(struct ktest *t, const char *site, bool on)
{
	struct fault_attr attr = FAULT_ATTR_OFF;

	if (on)
		attr.at = 0;
	t_assert(t, fault_site_find(site));
	fault_site_set(fault_site_find(site), &attr);
}

KTEST(swap, a_page_that_cannot_be_read_is_sigbus_and_not_lost, KT_UNIT)
{
	struct swap_test s = swap_begin(t, 64, 4);
	u64 value;

	t_expect_eq(t, user_swap_out(s.mm, BASE, 4), 4);
	fail_io(t, "swap_read", true);
	t_expect_eq(t, get_user(&value, BASE), -EIO);
	t_expect_eq(t, get_nr_swap_pages(), 60);
	for (unsigned long i = 1; i < 4; i++)
		expect_page(&s, i);
	fail_io(t, "swap_read", false);
	expect_page(&s, 0);
	swap_end(&s);
}

KTEST(swap, a_page_that_cannot_be_written_stays, KT_UNIT)
{
	struct swap_test s = swap_begin(t, 64, 4);

	fail_io(t, "swap_write", true);
	t_expect_eq(t, user_swap_out(s.mm, BASE, 4), 3);
	fail_io(t, "swap_write", false);
	t_expect_eq(t, swapents(&s), 4);
	t_expect_eq(t, atomic_long_read(&nr_swapcache_pages), 1);
	for (unsigned long i = 0; i < 4; i++)
		expect_page(&s, i);
	swap_end(&s);
}

KTEST(swap, swapping_in_survives_every_failure, KT_SWEEP)
{
	struct swap_test s = swap_begin(t, 64, 4);
	u64 value;

	t_expect_eq(t, user_swap_out(s.mm, BASE, 4), 4);
	fault_sweep(t, get_user(&value, BASE), {
		t_expect(t, user_swap_entry(s.mm, BASE).val);
		t_expect_eq(t, swap_count(user_swap_entry(s.mm, BASE)), 1);
		t_expect_eq(t, get_nr_swap_pages(), 60);
		t_expect_eq(t, atomic_long_read(&nr_swapcache_pages), 0);
	});
	t_expect_eq(t, value, pattern(0, 0));
	swap_end(&s);
}

/* ---- on and off ---- */

KTEST(swap, swapoff_brings_everything_back, KT_UNIT)
{
	struct swap_test s = swap_begin(t, 64, 24);
	struct mm_struct *child;

	t_expect_eq(t, user_swap_out(s.mm, BASE, 16), 16);
	child = fork_of(&s);
	t_swapoff(t, s.bdev);
	t_expect_eq(t, swapents(&s), 0);
	t_expect_eq(t, get_mm_counter(child, MM_SWAPENTS), 0);
	t_expect_eq(t, atomic_long_read(&nr_swapcache_pages), 0);
	t_expect_sane(t, child);
	for (unsigned long i = 0; i < s.nr; i++) {
		t_expect(t, user_page(s.mm, BASE + i * PAGE_SIZE) ==
				    user_page(child, BASE + i * PAGE_SIZE));
		expect_page(&s, i);
	}
	mmput(child);
	s.bdev = t_swapon(t, 64);
	t_expect_eq(t, user_swap_out(s.mm, BASE, s.nr), s.nr);
	for (unsigned long i = 0; i < s.nr; i++)
		expect_page(&s, i);
	swap_end(&s);
}

KTEST(swap, swapoff_marks_what_it_cannot_read, KT_UNIT)
{
	struct swap_test s = swap_begin(t, 64, 4);
	u64 value;

	t_expect_eq(t, user_swap_out(s.mm, BASE, 4), 4);
	fail_io(t, "swap_read", true);
	t_expect_eq(t, swapoff(s.bdev), 0);
	fail_io(t, "swap_read", false);
	t_expect_eq(t, swapents(&s), 0);
	t_expect_eq(t, get_user(&value, BASE), -EIO);
	t_expect_eq(t, put_user((u64)1, BASE), -EIO);
	for (unsigned long i = 1; i < 4; i++)
		expect_page(&s, i);
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
		fill(&s);
		t_expect_eq(t, user_swap_out(s.mm, BASE, 8), 8);
	});
	t_expect_eq(t, swapents(&s), 0);
	for (unsigned long i = 0; i < 8; i++)
		expect_page(&s, i);
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
		expect_page(&s, i);
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
