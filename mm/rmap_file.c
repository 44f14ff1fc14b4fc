/*
 * rmap_file.c - from a page of a file to the entries that map it.
 *
 * Owns: the walk over the file's VMAs, taking a page or a range out of all of them.
 * Not here: linking VMAs (i_mmap.h); what a page of the cache says about itself (filemap.h).
 */
#include "kernel/core/bug.h"
#include "kernel/core/events.h"
#include "mm/filemap.h"
#include "mm/folio_lock.h"
#include "mm/i_mmap.h"
#include "mm/page_alloc.h"
#include "mm/rmap.h"
#include "mm/tables_internal.h"
#include "mm/tlb.h"
#include "mm/zap.h"

/* The VMAs of @mapping, which is locked. */
static bool walk_vmas(struct page *page, struct address_space *mapping, rmap_one_fn fn, void *arg)
{
	struct vm_area_struct *vma;

	i_mmap_foreach(vma, mapping, page->index, page->index) {
		if (!fn(page, vma, vma_address(vma, page), arg))
			return false;
	}
	return true;
}

bool rmap_walk_file(struct page *page, rmap_one_fn fn, void *arg)
{
	struct address_space *mapping = READ_ONCE(page->mapping);
	bool whole;

	if (!mapping)
		return false;
	down_read(&mapping->i_mmap_rwsem);
	whole = walk_vmas(page, mapping, fn, arg);
	up_read(&mapping->i_mmap_rwsem);
	return whole;
}

bool rmap_walk_file_try(struct page *page, rmap_one_fn fn, void *arg) NO_LOCK_ANALYSIS
{
	struct address_space *mapping = READ_ONCE(page->mapping);

	if (!mapping)
		return true;
	if (!down_read_trylock(&mapping->i_mmap_rwsem))
		return false;
	walk_vmas(page, mapping, fn, arg);
	up_read(&mapping->i_mmap_rwsem);
	return true;
}

/* ---- out of every table ---- */

static bool unmap_one(struct page *page, struct vm_area_struct *vma, unsigned long addr, void *arg)
{
	spinlock_t *ptl;
	pte_t *pte = page_vma_mapped(page, vma, addr, &ptl);

	(void)arg;
	if (!pte)
		return true;
	pte_take(pte, 0, false, true);
	event_count(EV_PTE, 1);
	flush_tlb_page(&vma->vm_mm->tables.tlb, addr);
	folio_remove_rmap_pte(page);
	pte_unmap_unlock(pte, ptl);
	add_mm_counter(vma->vm_mm, MM_FILEPAGES, -1);
	put_page(page);
	return true;
}

void unmap_mapping_folio(struct page *page)
{
	ASSERT(folio_test_locked(page));
	if (page_mapped(page))
		rmap_walk_file(page, unmap_one, NULL);
}

void unmap_mapping_range(struct address_space *mapping, unsigned long first, unsigned long last)
{
	struct vm_area_struct *vma;

	down_read(&mapping->i_mmap_rwsem);
	i_mmap_foreach(vma, mapping, first, last) {
		unsigned long from = max(first, vma->vm_pgoff);
		unsigned long to = min(last, vma->vm_pgoff + vma_pages(vma) - 1);

		zap_page_range_single(vma,
				      vma->vm_start + ((from - vma->vm_pgoff) << PAGE_SHIFT),
				      vma->vm_start + ((to + 1 - vma->vm_pgoff) << PAGE_SHIFT));
	}
	up_read(&mapping->i_mmap_rwsem);
}
