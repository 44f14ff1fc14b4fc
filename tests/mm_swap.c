/*
 * mm_swap.c - see mm_swap.h. The order is that of reclaim: slot, counts and entries, writing, gone.
 */
#include "tests/mm_swap.h"

#include <errno.h>

#include "kernel/base/err.h"
#include "kernel/core/bug.h"
#include "kernel/drivers/block.h"
#include "mm/block_ram.h"
#include "mm/folio_lock.h"
#include "mm/page_alloc.h"
#include "mm/rmap.h"
#include "mm/tables_internal.h"
#include "mm/tlb.h"
#include "tests/ktest.h"
#include "tests/mm_user.h"

struct block_device *t_swapon(struct ktest *t, unsigned long nr)
{
	struct block_device *bdev = ERR_PTR(-EBUSY);

	for (unsigned id = 0; id < BLOCK_RAM_MAX && IS_ERR(bdev); id++)
		bdev = block_ram_create(id, nr);
	if (IS_ERR(bdev)) {
		t_fail(t, "no RAM device: %ld", PTR_ERR(bdev));
		return NULL;
	}
	t_expect_ge(t, swapon(bdev), 0);
	return bdev;
}

void t_swapoff(struct ktest *t, struct block_device *bdev)
{
	if (!bdev)
		return;
	t_expect_eq(t, swapoff(bdev), 0);
	block_ram_destroy(bdev);
}

swp_entry_t user_swap_entry(struct mm_struct *mm, unsigned long addr)
{
	pte_t pte = __pte(user_pte(mm, addr));

	return is_swap_pte(pte) && !pte_is_marker(pte) ? pte_to_swp_entry(pte) : (swp_entry_t){0};
}

void t_expect_swap_sane(struct ktest *t)
{
	t_expect_eq(t, swap_check(), 0);
}

/* One entry that maps @page, if it does: it names the slot from now on. False: no memory. */
static bool unmap_one(struct page *page, struct vm_area_struct *vma, unsigned long addr, void *arg)
	NO_LOCK_ANALYSIS
{
	struct mm_struct *mm = vma->vm_mm;
	swp_entry_t entry = page_swap_entry(page);
	spinlock_t *ptl;
	pte_t *pte = page_vma_mapped(page, vma, addr, &ptl), want = swp_entry_to_pte(entry);

	if (!pte)
		return true;
	if (swap_duplicate(entry)) {
		pte_unmap_unlock(pte, ptl);
		return !add_swap_count_continuation(entry, GFP_KERNEL) &&
		       unmap_one(page, vma, addr, arg);
	}
	mmlist_add(mm);
	if (PageAnonExclusive(page)) {
		ClearPageAnonExclusive(page);
		want = pte_swp_mkexclusive(want);
	}
	pte_take(pte, 0, false, true);
	flush_tlb_page(&mm->tables.tlb, addr);
	pte_store(pte, want.pte, true);
	folio_remove_rmap_pte(page);
	add_mm_counter(mm, MM_ANONPAGES, -1);
	add_mm_counter(mm, MM_SWAPENTS, 1);
	pte_unmap_unlock(pte, ptl);
	put_page(page); /* the entry's: the caller has one */
	return true;
}

struct page *user_unmap_to_swap(struct mm_struct *mm, unsigned long addr)
{
	struct page *page = user_get_page(mm, addr);

	if (!page)
		return NULL;
	folio_lock(page);
	if (folio_test_swapcache(page) || !add_to_swap(page)) {
		rmap_walk_anon(page, unmap_one, NULL);
		return page;
	}
	folio_unlock(page);
	put_page(page);
	return NULL;
}

unsigned long user_swap_out(struct mm_struct *mm, unsigned long start, unsigned long nr)
{
	unsigned long gone = 0;

	for (unsigned long i = 0; i < nr; i++) {
		struct page *page = user_unmap_to_swap(mm, start + i * PAGE_SIZE);

		if (!page)
			continue;
		if (!swap_writepage(page)) {
			folio_lock(page);
			if (page_count(page) == 2 && folio_test_swapcache(page) &&
			    !page_flag_test(page, PG_dirty)) {
				delete_from_swap_cache(page);
				gone++;
			}
			folio_unlock(page);
		}
		put_page(page);
	}
	return gone;
}
