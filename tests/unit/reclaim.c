/*
 * reclaim.c - pages leave memory when it is short, the unused ones first, and come back as they
 * were.
 */
#include "mm/reclaim.h"

#include <errno.h>
#include "kernel/core/fault.h"
#include "kernel/core/user.h"
#include "kernel/sched/thread.h"
#include "mm/fault.h"
#include "mm/folio_lock.h"
#include "mm/lru.h"
#include "mm/gup.h"
#include "mm/mman.h"
#include "mm/mmap_lock.h"
#include "mm/page_alloc.h"
#include "mm/rmap.h"
#include "mm/tlb.h"
#include "mm/try_to_unmap.h"
#include "mm/unmap_flush.h"
#include "tests/ktest.h"
#include "tests/mm_pressure.h"
#include "tests/mm_swap.h"
#include "tests/mm_user.h"

#define BASE	USER_BASE
#define RW	(PROT_READ | PROT_WRITE)
#define ADDR(i) (BASE + (i)*PAGE_SIZE)

static struct mm_struct *space_with(struct ktest *t, unsigned long nr)
{
	struct mm_struct *mm = mm_alloc();

	t_assert(t, mm);
	t_assert_eq(t, user_mmap(mm, BASE, nr, RW), 0);
	mm_use(mm);
	return mm;
}

static void space_done(struct ktest *t, struct mm_struct *mm)
{
	t_expect_sane(t, mm);
	t_expect_swap_sane(t);
	t_expect_eq(t, lru_check(), 0);
	mm_unuse(mm);
	mmput(mm);
}

static void write_pages(struct ktest *t, unsigned long first, unsigned long nr)
{
	for (unsigned long i = first; i < first + nr; i++)
		t_expect_eq(t, put_user(rng_mix(i), ADDR(i)), 0);
}

static void expect_pages(struct ktest *t, unsigned long first, unsigned long nr)
{
	for (unsigned long i = first; i < first + nr; i++) {
		u64 value = 0;

		t_expect_eq(t, get_user(&value, ADDR(i)), 0);
		t_expect_eq(t, value, rng_mix(i));
	}
}

/* The next @times calls of @site fail, all for -1, until fault_reset(). */
static void fail_always(const char *site, s64 times)
{
	struct fault_attr attr = {.probability = 100, .times = times, .at = -1};

	fault_site_set(fault_site_find(site), &attr);
}

static unsigned long in_memory(struct mm_struct *mm, unsigned long first, unsigned long nr)
{
	return user_mapped(mm, ADDR(first), nr);
}

/* ---- rmap ---- */

KTEST(reclaim, accessed_bits_are_counted_and_cleared, KT_UNIT)
{
	struct mm_struct *mm = space_with(t, 2), *other = mm_alloc();
	struct page *page;
	u64 value;

	t_assert(t, other);
	t_expect_eq(t, user_mmap(other, BASE, 2, RW), 0);
	write_pages(t, 0, 2);
	t_expect_eq(t, user_share(mm, other, BASE, 2), 0);
	page = user_get_page(mm, ADDR(0));
	t_assert(t, page);
	folio_lock(page);
	t_expect_eq(t, page_referenced(page), 2);
	t_expect_eq(t, page_referenced(page), 0);
	flush_tlb_mm(&mm->tables.tlb);
	t_expect_eq(t, get_user(&value, ADDR(0)), 0);
	t_expect_eq(t, page_referenced(page), 1);
	folio_unlock(page);
	put_page(page);
	mmput(other);
	space_done(t, mm);
}

KTEST(reclaim, a_lock_that_is_taken_is_not_waited_for, KT_UNIT)
{
	struct mm_struct *mm = space_with(t, 1);
	struct unmap_batch batch = {0};
	struct anon_vma *av;
	struct page *page;

	write_pages(t, 0, 1);
	page = user_get_page(mm, ADDR(0));
	t_assert(t, page);
	av = folio_get_anon_vma(page);
	t_assert(t, av);
	folio_lock(page);
	anon_vma_lock_write(av);
	t_expect_eq(t, page_referenced(page), REFERENCED_UNKNOWN);
	t_expect(t, !try_to_unmap(page, &batch));
	anon_vma_unlock_write(av);
	t_expect(t, page_referenced(page) >= 0);
	folio_unlock(page);
	put_anon_vma(av);
	put_page(page);
	t_expect_eq(t, in_memory(mm, 0, 1), 1);
	space_done(t, mm);
}

/* A device goes on with the frame: the owner must not come to another. */
KTEST(reclaim, a_pinned_page_stays, KT_UNIT)
{
	struct block_device *bdev = t_swapon(t, 32);
	struct mm_struct *mm = space_with(t, 2);
	struct page *page;

	write_pages(t, 0, 2);
	page = pin_user_page(mm, ADDR(0));
	t_assert(t, page);
	t_expect_eq(t, vm_madvise(mm, ADDR(0), 2 * PAGE_SIZE, MADV_PAGEOUT), 0);
	t_expect_eq(t, user_page(mm, ADDR(0)), page);
	t_expect_eq(t, in_memory(mm, 0, 2), 1);
	t_expect(t, PageAnonExclusive(page));
	unpin_user_page(page);
	t_expect_eq(t, vm_madvise(mm, ADDR(0), 2 * PAGE_SIZE, MADV_PAGEOUT), 0);
	t_expect_eq(t, in_memory(mm, 0, 2), 0);
	space_done(t, mm);
	t_swapoff(t, bdev);
}

KTEST(reclaim, unmapping_leaves_a_counted_entry, KT_UNIT)
{
	struct block_device *bdev = t_swapon(t, 32);
	struct mm_struct *mm = space_with(t, 1), *other = mm_alloc();
	struct unmap_batch batch = {0};
	struct page *page;

	t_assert(t, other);
	t_expect_eq(t, user_mmap(other, BASE, 1, RW), 0);
	write_pages(t, 0, 1);
	t_expect_eq(t, user_share(mm, other, BASE, 1), 0);
	page = user_get_page(mm, ADDR(0));
	t_assert(t, page);
	folio_lock(page);
	t_expect_eq(t, add_to_swap(page), 0);
	t_expect(t, try_to_unmap(page, &batch));
	t_expect_eq(t, batch.nr, 2);
	t_expect_eq(t, atomic_read(&mm->nr_unflushed), 1);
	unmap_batch_flush(&batch);
	t_expect_eq(t, atomic_read(&mm->nr_unflushed), 0);
	t_expect_eq(t, page_count(page), 2); /* ours, the cache's */
	t_expect_eq(t, swap_count(page_swap_entry(page)), 2);
	t_expect_eq(t, get_mm_counter(other, MM_SWAPENTS), 1);
	t_expect(t, !pte_swp_exclusive(__pte(user_pte(mm, ADDR(0)))));
	folio_unlock(page);
	put_page(page);
	expect_pages(t, 0, 1);
	mmput(other);
	space_done(t, mm);
	t_swapoff(t, bdev);
}

/* ---- madvise ---- */

KTEST(reclaim, pageout_puts_a_range_away, KT_UNIT)
{
	enum { N = 70 };
	struct block_device *bdev = t_swapon(t, 128);
	struct mm_struct *mm = space_with(t, N);

	write_pages(t, 0, N);
	t_expect_eq(t, vm_madvise(mm, ADDR(1), (N - 2) * PAGE_SIZE, MADV_PAGEOUT), 0);
	t_expect_eq(t, in_memory(mm, 0, N), 2);
	t_expect_eq(t, get_mm_counter(mm, MM_SWAPENTS), N - 2);
	t_expect_eq(t, get_nr_swap_pages(), 128 - (N - 2));
	t_expect(t, pte_swp_exclusive(__pte(user_pte(mm, ADDR(1)))));
	expect_pages(t, 0, N);
	/* Read only since: each is clean and has its slot still. Nothing needs to be written. */
	fail_always("swap_write", -1);
	t_expect_eq(t, vm_madvise(mm, ADDR(1), (N - 2) * PAGE_SIZE, MADV_PAGEOUT), 0);
	fault_reset();
	t_expect_eq(t, in_memory(mm, 0, N), 2);
	expect_pages(t, 0, N);
	space_done(t, mm);
	t_swapoff(t, bdev);
}

KTEST(reclaim, pageout_leaves_what_others_map, KT_UNIT)
{
	struct block_device *bdev = t_swapon(t, 32);
	struct mm_struct *mm = space_with(t, 4), *other = mm_alloc();

	t_assert(t, other);
	t_expect_eq(t, user_mmap(other, BASE, 4, RW), 0);
	write_pages(t, 0, 4);
	t_expect_eq(t, user_share(mm, other, BASE, 2), 0);
	t_expect_eq(t, vm_madvise(mm, BASE, 4 * PAGE_SIZE, MADV_PAGEOUT), 0);
	t_expect_eq(t, in_memory(mm, 0, 4), 2);
	mmap_read_lock(mm);
	t_expect_eq(t, reclaim_range(vma_lookup(mm, BASE), BASE, ADDR(4), true), 2);
	mmap_read_unlock(mm);
	t_expect_eq(t, in_memory(mm, 0, 4) + in_memory(other, 0, 4), 0);
	expect_pages(t, 0, 4);
	mmput(other);
	space_done(t, mm);
	t_swapoff(t, bdev);
}

KTEST(reclaim, without_a_device_pages_stay, KT_UNIT)
{
	struct mm_struct *mm = space_with(t, 8);

	write_pages(t, 0, 8);
	t_expect_eq(t, vm_madvise(mm, BASE, 8 * PAGE_SIZE, MADV_PAGEOUT), 0);
	t_expect_eq(t, in_memory(mm, 0, 8), 8);
	t_expect_eq(t, vm_madvise(mm, BASE, 9 * PAGE_SIZE, MADV_PAGEOUT), -ENOMEM);
	t_expect_eq(t, reclaim_frames(8), 0);
	expect_pages(t, 0, 8);
	space_done(t, mm);
}

KTEST(reclaim, a_folio_is_split_and_goes, KT_UNIT)
{
	struct block_device *bdev = t_swapon(t, 128);
	struct mm_struct *mm = space_with(t, 64);
	unsigned order = anon_order;
	long live = frames_live(FK_ANON);

	anon_order = 4;
	write_pages(t, 0, 64);
	anon_order = order;
	t_expect_eq(t, user_page(mm, ADDR(16))->order, 4);
	/* Frames that nobody maps are kept by their folio, and by it alone. */
	t_expect_eq(t, vm_madvise(mm, ADDR(20), 4 * PAGE_SIZE, MADV_DONTNEED), 0);
	t_expect_eq(t, frames_live(FK_ANON), live + 64);
	t_expect_eq(t, vm_madvise(mm, BASE, 40 * PAGE_SIZE, MADV_PAGEOUT), 0);
	t_expect_eq(t, in_memory(mm, 0, 64), 24);
	t_expect_eq(t, frames_live(FK_ANON), live + 24);
	t_expect_eq(t, user_page(mm, ADDR(40))->order, 0);
	t_expect_eq(t, user_page(mm, ADDR(48))->order, 4);
	t_expect_eq(t, lru_check(), 0);
	expect_pages(t, 0, 20);
	expect_pages(t, 24, 40);
	space_done(t, mm);
	t_swapoff(t, bdev);
}

KTEST(reclaim, a_folio_of_two_stays, KT_UNIT)
{
	struct block_device *bdev = t_swapon(t, 64);
	struct mm_struct *mm = space_with(t, 16), *other = mm_alloc();
	unsigned order = anon_order;

	t_assert(t, other);
	t_expect_eq(t, user_mmap(other, BASE, 16, RW), 0);
	anon_order = 4;
	write_pages(t, 0, 16);
	anon_order = order;
	t_expect_eq(t, user_share(mm, other, ADDR(3), 2), 0);
	t_expect_eq(t, vm_madvise(mm, BASE, 16 * PAGE_SIZE, MADV_PAGEOUT), 0);
	t_expect_eq(t, in_memory(mm, 0, 16), 16);
	mmput(other);
	t_expect_eq(t, vm_madvise(mm, BASE, 16 * PAGE_SIZE, MADV_PAGEOUT), 0);
	t_expect_eq(t, in_memory(mm, 0, 16), 0);
	expect_pages(t, 0, 16);
	space_done(t, mm);
	t_swapoff(t, bdev);
}

KTEST(reclaim, folios_make_room_too, KT_UNIT)
{
	enum { ROOM = 400, N = 1000 };
	struct block_device *bdev = t_swapon(t, 2 * N);
	struct mm_struct *mm = space_with(t, N);
	unsigned order = anon_order;

	t_hoard(t, ROOM);
	anon_order = 3;
	write_pages(t, 0, N);
	expect_pages(t, 0, N);
	anon_order = order;
	t_expect(t, in_memory(mm, 0, N) < N - 300);
	t_hoard_release(t);
	space_done(t, mm);
	t_swapoff(t, bdev);
}

/* One page, mapped by more mms than a slot counts without a page of its own for counting. */
enum { SHARERS = 70 };
static struct mm_struct *sharer[SHARERS];

static int page_out_shared(struct mm_struct *mm)
{
	unsigned long nr;

	mmap_read_lock(mm);
	nr = reclaim_range(vma_lookup(mm, BASE), BASE, ADDR(1), true);
	mmap_read_unlock(mm);
	return nr ? 0 : -ENOMEM;
}

/* Where the count found no room: some entries name the slot, the others map the page. */
static void expect_no_loss(struct ktest *t, struct mm_struct *mm)
{
	expect_pages(t, 0, 1);
	t_expect_sane(t, mm);
	t_expect_swap_sane(t);
}

KTEST(reclaim, a_count_that_finds_no_room_loses_nothing, KT_SWEEP)
{
	struct block_device *bdev = t_swapon(t, 32);
	struct mm_struct *mm = space_with(t, 1);

	write_pages(t, 0, 1);
	for (unsigned i = 0; i < SHARERS; i++) {
		sharer[i] = mm_alloc();
		t_assert(t, sharer[i]);
		t_expect_eq(t, user_mmap(sharer[i], BASE, 1, RW), 0);
		t_expect_eq(t, user_share(mm, sharer[i], BASE, 1), 0);
	}
	fault_sweep(t, page_out_shared(mm), expect_no_loss(t, mm));
	t_expect_eq(t, swap_count(user_swap_entry(mm, BASE)), SHARERS + 1);
	expect_no_loss(t, mm);
	for (unsigned i = 0; i < SHARERS; i++)
		mmput(sharer[i]);
	space_done(t, mm);
	t_swapoff(t, bdev);
}

/* ---- who goes ---- */

/* Use the first @nr pages so that their entries say so. */
static void use_pages(struct ktest *t, struct mm_struct *mm, unsigned long nr)
{
	flush_tlb_mm(&mm->tables.tlb);
	expect_pages(t, 0, nr);
}

KTEST(reclaim, used_pages_stay, KT_UNIT)
{
	enum { N = 240, HOT = 60 };
	struct block_device *bdev = t_swapon(t, 512);
	struct mm_struct *mm = space_with(t, N);
	unsigned long before;

	/* All are in use, so some go all the same; who is not used again has had its chance. */
	write_pages(t, 0, N);
	t_expect_gt(t, reclaim_frames(12), 0);
	use_pages(t, mm, HOT);
	before = in_memory(mm, 0, N);
	while (in_memory(mm, 0, N) > before / 2) {
		t_assert(t, reclaim_frames(12) != 0);
		t_expect_eq(t, in_memory(mm, 0, HOT), HOT);
		use_pages(t, mm, HOT);
	}
	expect_pages(t, 0, N);
	space_done(t, mm);
	t_swapoff(t, bdev);
}

/* ---- memory is short ---- */

KTEST(reclaim, a_working_set_larger_than_memory_runs, KT_UNIT)
{
	enum { ROOM = 800, N = 2000 };
	struct block_device *bdev = t_swapon(t, 2 * N);
	struct mm_struct *mm = space_with(t, N);
	struct reclaim_figures before, after;

	t_hoard(t, ROOM);
	reclaim_figures(&before);
	write_pages(t, 0, N);
	expect_pages(t, 0, N);
	reclaim_figures(&after);
	t_expect_ge(t, after.reclaimed - before.reclaimed, N - ROOM - 200);
	t_expect(t, in_memory(mm, 0, N) < N);
	t_expect_sane(t, mm);
	t_expect_swap_sane(t);
	mm_unuse(mm);
	mmput(mm);
	t_swapoff(t, bdev);
	t_hoard_release(t);
	t_note(t, "%ld scanned, %ld freed, %ld written, rounds: kswapd %ld, direct %ld",
	       after.scanned - before.scanned, after.reclaimed - before.reclaimed,
	       after.written - before.written, after.kswapd_rounds - before.kswapd_rounds,
	       after.direct_rounds - before.direct_rounds);
}

KTEST(reclaim, memory_that_cannot_be_reclaimed_is_an_error, KT_UNIT)
{
	enum { N = 2000 };
	struct mm_struct *mm = space_with(t, N);
	unsigned long i = 0;
	int err = 0;

	t_hoard(t, 400);
	for (; i < N && !err; i++)
		err = put_user(rng_mix(i), ADDR(i));
	t_expect_eq(t, err, -ENOMEM);
	t_expect_gt(t, i, 400);
	expect_pages(t, 0, i - 1);
	t_expect(t, alloc_page(GFP_NOWAIT) == NULL);
	t_hoard_release(t);
	t_expect_eq(t, put_user(rng_mix(i - 1), ADDR(i - 1)), 0);
	space_done(t, mm);
}

/* ---- devices that fail ---- */

KTEST(reclaim, a_page_that_cannot_be_written_stays, KT_UNIT)
{
	enum { N = 30 };
	struct block_device *bdev = t_swapon(t, 64);
	struct mm_struct *mm = space_with(t, N);

	write_pages(t, 0, N);
	fail_always("swap_write", -1);
	t_expect_eq(t, vm_madvise(mm, BASE, N * PAGE_SIZE, MADV_PAGEOUT), 0);
	fault_reset();
	t_expect_eq(t, get_mm_counter(mm, MM_SWAPENTS), N);
	t_expect_swap_sane(t);
	expect_pages(t, 0, N);
	t_expect_eq(t, vm_madvise(mm, BASE, N * PAGE_SIZE, MADV_PAGEOUT), 0);
	t_expect_eq(t, in_memory(mm, 0, N), 0);
	expect_pages(t, 0, N);
	space_done(t, mm);
	t_swapoff(t, bdev);
}

KTEST(reclaim, a_page_that_cannot_be_read_is_the_only_loss, KT_UNIT)
{
	enum { N = 10, LOST = 4 };
	struct block_device *bdev = t_swapon(t, 64);
	struct mm_struct *mm = space_with(t, N);
	u64 value;

	write_pages(t, 0, N);
	t_expect_eq(t, vm_madvise(mm, BASE, N * PAGE_SIZE, MADV_PAGEOUT), 0);
	t_expect_eq(t, in_memory(mm, 0, N), 0);
	for (unsigned long i = 0; i < N; i++) {
		if (i == LOST)
			fail_always("swap_read", 1);
		t_expect_eq(t, get_user(&value, ADDR(i)), i == LOST ? -EIO : 0);
		if (i != LOST)
			t_expect_eq(t, value, rng_mix(i));
	}
	fault_reset();
	/* The device has it still. */
	expect_pages(t, 0, N);
	space_done(t, mm);
	t_swapoff(t, bdev);
}
