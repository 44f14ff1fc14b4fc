/*
 * fault_zap.c - out of the tables and back to the allocator: limits, floors and ceilings, rmap.
 */
#include <errno.h>

#include "kernel/core/user.h"
#include "kernel/sched/thread.h"
#include "mm/mman.h"
#include "mm/mmap_lock.h"
#include "mm/page_alloc.h"
#include "mm/rmap.h"
#include "mm/vma_lock.h"
#include "mm/zap.h"
#include "tests/ktest.h"
#include "tests/mm_user.h"

#define BASE USER_BASE
#define RW   (PROT_READ | PROT_WRITE)

static struct mm_struct *begin(struct ktest *t)
{
	struct mm_struct *mm = mm_alloc();

	t_assert(t, mm);
	mm_use(mm);
	return mm;
}

static void map_touched(struct ktest *t, struct mm_struct *mm, unsigned long start,
			unsigned long nr)
{
	t_expect_eq(t, user_mmap(mm, start, nr, RW), 0);
	t_expect_eq(t, user_touch(start, nr, start), 0);
}

static void end(struct ktest *t, struct mm_struct *mm)
{
	t_expect_sane(t, mm);
	mm_unuse(mm);
	mmput(mm);
}

static long table_pages(struct mm_struct *mm)
{
	return atomic_long_read(&mm->tables.pgtables_bytes) / PAGE_SIZE;
}

/* ---- the 2 MiB-span trap ---- */

/*
 * Unmap the VMAs of [BASE, @tree_end) as a failed fork would: what lies from there on in the tree
 * is not ours to touch, and has no page here.
 */
static void unmap_below(struct mm_struct *mm, unsigned long tree_end,
			unsigned long pg_end) NO_LOCK_ANALYSIS
{
	MA_STATE(mas, &mm->mm_mt, BASE, BASE);
	struct unmap_desc desc = {
		.mas = &mas,
		.first = mas_find(&mas, tree_end - 1),
		.pg_start = 0,
		.pg_end = pg_end,
		.vma_start = 0,
		.vma_end = tree_end,
		.tree_end = tree_end,
		.mm_wr_locked = true,
	};

	desc.tree_reset = desc.first->vm_end;
	unmap_region(&desc);
}

/*
 * A touched VMA, and behind it within the same 2 MiB one that has no pages and stays out of reach.
 * With the search's end as ceiling the table is kept for it, and nobody would ever free it.
 */
KTEST(zap, the_ceiling_is_not_the_end_of_the_search, KT_UNIT)
{
	for (int mutant = 0; mutant <= 1; mutant++) {
		struct mm_struct *mm = begin(t);
		unsigned long split = BASE + 8 * PAGE_SIZE;

		map_touched(t, mm, BASE, 8);
		t_expect_eq(t, user_mmap(mm, split, 8, PROT_READ), 0);
		t_expect_eq(t, table_pages(mm), 3);
		mmap_write_lock(mm);
		unmap_below(mm, split, mutant ? split : USER_MAX);
		mmap_write_unlock(mm);
		t_expect_eq(t, user_mapped(mm, BASE, 8), 0);
		t_expect_eq(t, table_pages(mm), mutant ? 3 : 0);
		end(t, mm);
	}
}

KTEST(zap, each_vma_is_cut_by_the_limits, KT_UNIT)
{
	struct mm_struct *mm = begin(t);
	struct mmu_gather tlb;

	map_touched(t, mm, BASE, 8);
	t_expect_eq(t, vm_mprotect(mm, BASE + 4 * PAGE_SIZE, 4 * PAGE_SIZE, PROT_READ), 0);
	mmap_write_lock(mm);
	{
		MA_STATE(mas, &mm->mm_mt, BASE, BASE);
		struct unmap_desc desc = {
			.mas = &mas,
			.first = mas_find(&mas, ~0ul),
			.vma_start = BASE + PAGE_SIZE,
			.vma_end = BASE + 6 * PAGE_SIZE,
			.tree_end = BASE + 8 * PAGE_SIZE,
		};

		tlb_gather_mmu(&tlb, &mm->tables, false);
		unmap_vmas(&tlb, &desc);
		tlb_finish_mmu(&tlb);
	}
	mmap_write_unlock(mm);
	t_expect(t, user_page(mm, BASE));
	t_expect_eq(t, user_mapped(mm, BASE + PAGE_SIZE, 5), 0);
	t_expect_eq(t, user_mapped(mm, BASE + 6 * PAGE_SIZE, 2), 2);
	t_expect_eq(t, get_mm_counter(mm, MM_ANONPAGES), 3);
	end(t, mm);
}

KTEST(zap, neighbours_keep_the_tables_they_share, KT_UNIT)
{
	struct mm_struct *mm = begin(t);
	u64 value;

	map_touched(t, mm, BASE, 1);
	map_touched(t, mm, BASE + 4 * PAGE_SIZE, 1);
	map_touched(t, mm, BASE + PMD_SIZE, 1);
	map_touched(t, mm, BASE + 6 * PMD_SIZE, 1);
	t_expect_eq(t, table_pages(mm), 5);

	/* The table of BASE stays for the first VMA; the middle goes, and so does 6 * PMD_SIZE. */
	t_expect_eq(t, vm_munmap(mm, BASE + 2 * PAGE_SIZE, 7 * PMD_SIZE), 0);
	t_expect_eq(t, table_pages(mm), 3);
	t_expect_eq(t, get_user(&value, BASE), 0);
	t_expect_eq(t, value, BASE);
	t_expect_eq(t, vm_munmap(mm, BASE, PAGE_SIZE), 0);
	t_expect_eq(t, table_pages(mm), 0);
	end(t, mm);
}

/* More frames than a gather holds, and an address space that fits no single flush. */
KTEST(zap, a_full_gather_flushes_and_goes_on, KT_UNIT)
{
	unsigned long nr = 12000;
	struct mm_struct *mm;

	if (frames_free() < nr + nr / 4)
		t_skip(t, "needs %lu frames", nr + nr / 4);
	mm = begin(t);
	map_touched(t, mm, BASE, nr);
	t_expect_eq(t, get_mm_counter(mm, MM_ANONPAGES), nr);
	t_expect_eq(t, vm_munmap(mm, BASE, nr * PAGE_SIZE), 0);
	t_expect_eq(t, get_mm_counter(mm, MM_ANONPAGES), 0);
	t_expect_eq(t, table_pages(mm), 0);
	end(t, mm);
}

/* ---- rmap ---- */

KTEST(zap, halves_of_a_split_vma_find_their_pages, KT_UNIT)
{
	struct mm_struct *mm = begin(t);
	struct page *low, *high;

	map_touched(t, mm, BASE, 8);
	low = user_page(mm, BASE + PAGE_SIZE);
	high = user_page(mm, BASE + 6 * PAGE_SIZE);
	t_assert(t, low && high);
	t_expect_eq(t, vm_munmap(mm, BASE + 3 * PAGE_SIZE, 2 * PAGE_SIZE), 0);
	t_expect_eq(t, folio_count_rmap(low), 1);
	t_expect_eq(t, folio_count_rmap(high), 1);
	get_page(low);
	t_expect_eq(t, vm_munmap(mm, BASE, 3 * PAGE_SIZE), 0);
	t_expect_eq(t, folio_count_rmap(low), 0);
	t_expect_eq(t, folio_count_rmap(high), 1);
	put_page(low);
	end(t, mm);
}

KTEST(zap, a_moved_page_is_found_where_it_is, KT_UNIT)
{
	struct mm_struct *mm = begin(t);
	unsigned long to = BASE + 7 * PMD_SIZE - 3 * PAGE_SIZE;
	struct page *page;
	u64 value;

	map_touched(t, mm, BASE, 8);
	page = user_page(mm, BASE + 5 * PAGE_SIZE);
	t_assert(t, page);
	t_expect_eq(t,
		    vm_mremap(mm, BASE, 8 * PAGE_SIZE, 8 * PAGE_SIZE,
			      MREMAP_MAYMOVE | MREMAP_FIXED, to),
		    to);
	t_expect(t, user_page(mm, to + 5 * PAGE_SIZE) == page);
	t_expect_eq(t, folio_count_rmap(page), 1);
	t_expect_eq(t, get_user(&value, BASE), -EFAULT);
	t_expect_eq(t, get_user(&value, to), 0);
	t_expect_eq(t, value, BASE);
	end(t, mm);
}

/* Neighbours that may merge one day take one anon_vma; then they do merge. */
KTEST(zap, neighbours_share_an_anon_vma, KT_UNIT)
{
	struct mm_struct *mm = begin(t);

	t_expect_eq(t, user_mmap(mm, BASE, 4, RW), 0);
	t_expect_eq(t, vm_mprotect(mm, BASE + 2 * PAGE_SIZE, 2 * PAGE_SIZE, PROT_READ), 0);
	t_expect_eq(t, user_touch(BASE, 2, 1), 0);
	t_expect_eq(t, vm_mprotect(mm, BASE, PAGE_SIZE, PROT_READ), 0);
	t_expect_eq(t, vm_mprotect(mm, BASE + 2 * PAGE_SIZE, PAGE_SIZE, RW), 0);
	t_expect_eq(t, user_touch(BASE + 2 * PAGE_SIZE, 1, 1), 0);
	t_expect_eq(t, vm_mprotect(mm, BASE, 4 * PAGE_SIZE, RW), 0);
	t_expect_eq(t, mm->map_count, 1);
	t_expect_eq(t, folio_count_rmap(user_page(mm, BASE)), 1);
	t_expect_eq(t, folio_count_rmap(user_page(mm, BASE + 2 * PAGE_SIZE)), 1);
	end(t, mm);
}

/* ---- walkers beside those who unmap ---- */

#define NR_PAGES 64

struct place {
	struct ktest *t;
	unsigned long addr;
};

/* A split has both halves tied for a moment, so one entry may be met twice; never another. */
static bool found_at(struct page *page, struct vm_area_struct *vma, unsigned long addr, void *arg)
{
	struct place *place = arg;
	spinlock_t *ptl;
	pte_t *pte = page_vma_mapped(page, vma, addr, &ptl);

	if (pte) {
		pte_unmap_unlock(pte, ptl);
		t_expect_eq(place->t, addr, place->addr);
	}
	return true;
}

static void walk_or_unmap(struct ktest *t, unsigned i, void *arg)
{
	struct mm_struct *mm = arg;
	struct rng rng;

	rng_init(&rng, t_seed(t) + i);
	mm_use(mm);
	for (u64 n = t_scale(t, 600); n; n--) {
		unsigned long addr = BASE + rng_next(&rng) % NR_PAGES * PAGE_SIZE;
		struct page *page;

		if (i == 0) {
			t_expect_eq(t, vm_munmap(mm, addr, 4 * PAGE_SIZE), 0);
			t_expect_eq(t, user_mmap(mm, addr, 4, RW), 0);
			continue;
		}
		/* A hole is where the unmapper is at work. */
		if (i == 1) {
			int err = vm_madvise(mm, addr, PAGE_SIZE, MADV_DONTNEED);

			t_expect(t, err == 0 || err == -ENOMEM);
			continue;
		}
		if (put_user((u64)i, addr) == -EFAULT)
			continue;
		page = user_get_page(mm, addr);
		if (!page)
			continue;
		rmap_walk_anon(page, found_at, &(struct place){t, addr});
		put_page(page);
	}
	mm_unuse(mm);
}

KTEST(zap, walkers_beside_unmapping, KT_STRESS)
{
	struct mm_struct *mm = begin(t);

	t_expect_eq(t, user_mmap(mm, BASE, NR_PAGES + 4, RW), 0);
	t_parallel(t, 4, walk_or_unmap, mm);
	end(t, mm);
}
