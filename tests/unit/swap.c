/*
 * swap.c - slots, the swap cache, and swapping in: one thread at a time.
 */
#include "mm/swap.h"

#include <errno.h>

#include "kernel/core/ledger.h"
#include "kernel/core/setting.h"
#include "kernel/core/user.h"
#include "mm/folio_lock.h"
#include "mm/mm_check.h"
#include "mm/mman.h"
#include "mm/mmap_lock.h"
#include "mm/page_alloc.h"
#include "mm/rmap.h"
#include "mm/swap_internal.h"
#include "tests/ktest.h"
#include "tests/swap_test.h"

#define BASE USER_BASE
#define RW   (PROT_READ | PROT_WRITE)

static int check_space(struct mm_struct *mm)
{
	int bad;

	mmap_write_lock(mm);
	bad = mm_check(mm);
	mmap_write_unlock(mm);
	return bad;
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
		swap_expect_page(&s, i);
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
	swap_expect_page(&s, 0);
	page = user_page(s.mm, BASE);
	t_assert(t, page);
	t_expect(t, PageAnonExclusive(page));
	t_expect(t, pte_write(__pte(user_pte(s.mm, BASE))));
	t_expect(t, !pte_dirty(__pte(user_pte(s.mm, BASE))));
	t_expect(t, folio_test_swapcache(page));
	t_expect_eq(t, swap_count(entry), 0);
	t_expect_eq(t, put_user(swap_pattern(1, 0), BASE + PAGE_SIZE), 0);
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
	swap_expect_page(&s, 0);
	t_expect(t, !pte_write(__pte(user_pte(s.mm, BASE))));
	t_expect_eq(t, put_user((u64)1, BASE), -EFAULT);
	t_expect_eq(t, put_user((u64)1, BASE + PAGE_SIZE), -EFAULT);
	t_expect(t, user_swap_entry(s.mm, BASE + PAGE_SIZE).val);
	t_expect_eq(t, vm_mprotect(s.mm, BASE, 4 * PAGE_SIZE, PROT_NONE), 0);
	t_expect_eq(t, vm_mprotect(s.mm, BASE, 4 * PAGE_SIZE, RW), 0);
	for (unsigned long i = 0; i < 4; i++)
		swap_expect_page(&s, i);
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
		swap_expect_page(&s, i);
	swap_end(&s);
}

/* ---- shared ---- */

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
	child = swap_fork_of(&s);
	entry = user_swap_entry(child, BASE);
	t_expect_eq(t, swap_count(entry), 2);
	t_expect(t, !pte_swp_exclusive(__pte(user_pte(s.mm, BASE))));
	t_expect(t, !pte_swp_exclusive(__pte(user_pte(child, BASE))));
	t_expect_sane(t, child);
	t_expect_swap_sane(t);

	swap_expect_page(&s, 0);
	page = user_page(s.mm, BASE);
	t_assert(t, page);
	t_expect(t, !pte_write(__pte(user_pte(s.mm, BASE))));
	t_expect_eq(t, swap_count(entry), 1);
	mm_unuse(s.mm);
	mm_use(child);
	swap_expect_page(&s, 0);
	t_expect(t, user_page(child, BASE) == page);
	t_expect_eq(t, folio_count_rmap(page), 2);
	t_expect_eq(t, swap_count(entry), 0);

	/* A write in one is not seen in the other; the last of them has the page for itself. */
	t_expect_eq(t, put_user((u64)77, BASE), 0);
	t_expect_eq(t, word_at(s.mm, BASE), swap_pattern(0, 0));
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
	child = swap_fork_of(&s);
	t_expect_eq(t, put_user((u64)5, BASE), 0);
	t_expect_eq(t, swap_count(user_swap_entry(child, BASE)), 1);
	mm_unuse(s.mm);
	mm_use(child);
	swap_expect_page(&s, 0);
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
	child = swap_fork_of(&s);
	for (unsigned long i = 0; i < 16; i++)
		t_expect_eq(t, swap_count(user_swap_entry(s.mm, BASE + i * PAGE_SIZE)), 2);
	mmput(child);
	for (unsigned long i = 0; i < 16; i++)
		t_expect_eq(t, swap_count(user_swap_entry(s.mm, BASE + i * PAGE_SIZE)), 1);
	for (unsigned long i = 0; i < 16; i++)
		swap_expect_page(&s, i);
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
	swap_expect_page(&s, 0);

	t_expect_eq(t, max->set(1), 0);
	t_expect_eq(t, user_swap_out(s.mm, BASE, 1), 1);
	entry = user_swap_entry(s.mm, BASE);
	t_expect_eq(t, swap_duplicate(entry), 0);
	t_expect_eq(t, swap_duplicate(entry), 0);
	t_expect_eq(t, swap_count(entry), 3);
	swap_free(entry);
	swap_free(entry);
	t_expect_eq(t, max->set(before), 0);
	swap_expect_page(&s, 0);
	swap_end(&s);
}

KTEST(swap, slots_end_and_come_back, KT_UNIT)
{
	struct swap_test s = swap_begin(t, SWAP_MIN_SLOTS, SWAP_MIN_SLOTS + 4);

	t_expect_eq(t, user_swap_out(s.mm, BASE, s.nr), SWAP_MIN_SLOTS);
	t_expect_eq(t, get_nr_swap_pages(), 0);
	for (unsigned long i = 0; i < s.nr; i++)
		swap_expect_page(&s, i);
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

/* ---- what is checked ---- */

/* Each invariant of swap_check() and mm_check() broken in turn, and mended. */
KTEST(swap, checks_find_what_is_wrong, KT_UNIT)
{
	struct swap_test s = swap_begin(t, 64, 4);
	struct swap_info_struct *si;
	struct page *page;
	swp_entry_t entry;
	pte_t *pte, other;

	t_expect_eq(t, user_swap_out(s.mm, BASE, 3), 3);
	entry = user_swap_entry(s.mm, BASE);
	si = &swap_info[swp_type(entry)];
	swap_expect_page(&s, 2);
	page = user_page(s.mm, BASE + 2 * PAGE_SIZE);
	t_assert(t, page && folio_test_swapcache(page));
	t_expect_swap_sane(t);

	/* slot_count */
	t_expect_eq(t, swap_duplicate(entry), 0);
	t_expect_eq(t, swap_check(), 1);
	/* exclusive; and nobody names the other slot */
	pte = pte_walk(&s.mm->tables, BASE + PAGE_SIZE);
	other = *pte;
	*pte = swp_entry_to_pte(entry);
	t_expect(t, pte_swp_exclusive(__pte(user_pte(s.mm, BASE))));
	t_expect_eq(t, swap_check(), 2);
	*pte = other;
	swap_free(entry);
	/* cache */
	page->private += SWP_OFFSET_ONE;
	t_expect_eq(t, swap_check(), 1);
	page->private -= SWP_OFFSET_ONE;
	/* in_use: the device's count, and a cluster's */
	atomic_long_inc(&si->nr_used);
	t_expect_eq(t, swap_check(), 1);
	atomic_long_dec(&si->nr_used);
	si->cluster[0].nr_free++;
	t_expect_eq(t, swap_check(), 1);
	si->cluster[0].nr_free--;
	/* mmlist, which mm_check() sees for each entry */
	clear_bit(MMF_ON_MMLIST, &s.mm->flags);
	t_expect_eq(t, swap_check(), 1);
	t_expect_eq(t, check_space(s.mm), 2);
	set_bit(MMF_ON_MMLIST, &s.mm->flags);
	/* MM_SWAPENTS */
	inc_mm_counter(s.mm, MM_SWAPENTS);
	t_expect_eq(t, check_space(s.mm), 1);
	add_mm_counter(s.mm, MM_SWAPENTS, -1);
	swap_end(&s);
}

/* ---- what fails ---- */

KTEST(swap, a_page_that_cannot_be_read_is_sigbus_and_not_lost, KT_UNIT)
{
	struct swap_test s = swap_begin(t, 64, 4);
	u64 value;

	t_expect_eq(t, user_swap_out(s.mm, BASE, 4), 4);
	swap_fail_io(t, "swap_read", true);
	t_expect_eq(t, get_user(&value, BASE), -EIO);
	t_expect_eq(t, get_nr_swap_pages(), 60);
	for (unsigned long i = 1; i < 4; i++)
		swap_expect_page(&s, i);
	swap_fail_io(t, "swap_read", false);
	swap_expect_page(&s, 0);
	swap_end(&s);
}

KTEST(swap, a_page_that_cannot_be_written_stays, KT_UNIT)
{
	struct swap_test s = swap_begin(t, 64, 4);

	swap_fail_io(t, "swap_write", true);
	t_expect_eq(t, user_swap_out(s.mm, BASE, 4), 3);
	swap_fail_io(t, "swap_write", false);
	t_expect_eq(t, swapents(&s), 4);
	t_expect_eq(t, atomic_long_read(&nr_swapcache_pages), 1);
	for (unsigned long i = 0; i < 4; i++)
		swap_expect_page(&s, i);
	swap_end(&s);
}

KTEST(swap, a_move_survives_every_failure, KT_SWEEP)
{
	struct swap_test s = swap_begin(t, 64, 8);
	unsigned long to = BASE + 64 * PMD_SIZE, moved = 0;

	t_expect_eq(t, user_swap_out(s.mm, BASE, 6), 6);
	fault_sweep(t, (moved = vm_mremap(s.mm, BASE, 8 * PAGE_SIZE, 8 * PAGE_SIZE,
					  MREMAP_MAYMOVE | MREMAP_FIXED, to)) == to ?
			       0 :
			       (int)moved, {
		t_expect_eq(t, swapents(&s), 6);
		for (unsigned long i = 0; i < 6; i++)
			t_expect(t, user_swap_entry(s.mm, BASE + i * PAGE_SIZE).val);
		t_expect(t, user_page(s.mm, BASE + 6 * PAGE_SIZE));
		t_expect_swap_sane(t);
	});
	t_expect_eq(t, vm_mremap(s.mm, to, 8 * PAGE_SIZE, 8 * PAGE_SIZE,
				 MREMAP_MAYMOVE | MREMAP_FIXED, BASE), BASE);
	for (unsigned long i = 0; i < 8; i++)
		swap_expect_page(&s, i);
	swap_end(&s);
}

KTEST(swap, swapping_in_survives_every_failure, KT_SWEEP)
{
	struct swap_test s = swap_begin(t, 64, 4);
	u64 value = 0;

	t_expect_eq(t, user_swap_out(s.mm, BASE, 4), 4);
	fault_sweep(t, get_user(&value, BASE), {
		t_expect(t, user_swap_entry(s.mm, BASE).val);
		t_expect_eq(t, swap_count(user_swap_entry(s.mm, BASE)), 1);
		t_expect_eq(t, get_nr_swap_pages(), 60);
		t_expect_eq(t, atomic_long_read(&nr_swapcache_pages), 0);
	});
	t_expect_eq(t, value, swap_pattern(0, 0));
	swap_end(&s);
}
