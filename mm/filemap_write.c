/*
 * filemap_write.c - write-back: dirty pages become clean and are stored.
 *
 * Owns: the order of it. Not here: the store (a_ops->writepage).
 * Idea: a page is clean only if no CPU can write it without a fault. So first every entry loses its
 *       right to write, flushed before its PTE lock is let go, then PG_dirty is cleared, then the
 *       contents are copied; a write after that faults and makes the page dirty again.
 */
#include "mm/filemap.h"

#include <errno.h>
#include "kernel/core/bug.h"
#include "kernel/core/events.h"
#include "mm/folio_lock.h"
#include "mm/page_alloc.h"
#include "mm/rmap.h"
#include "mm/tables_internal.h"
#include "mm/tlb.h"
#include "mm/unmap_flush.h"
#include "mm/walkers/walker.h"

static bool mkclean_one(struct page *page, struct vm_area_struct *vma, unsigned long addr,
			void *arg)
{
	spinlock_t *ptl;
	pte_t *pte = page_vma_mapped(page, vma, addr, &ptl);
	u64 seen;

	walker_reached(&walker_rmap_clean, vma->vm_mm, WALKER_VMA, vma);
	/* An entry that reclaim took out just now may be used still. */
	flush_tlb_batched_pending(&vma->vm_mm->tables);
	if (!pte)
		return true;
	seen = READ_ONCE_NOPOINT(pte->pte);
	if (seen & (_PAGE_RW | _PAGE_DIRTY)) {
		while (!pte_try_replace(pte, &seen, seen & ~(_PAGE_RW | _PAGE_DIRTY), true))
			;
		event_count(EV_PTE, 1);
		walker_reached(&walker_rmap_clean, vma->vm_mm, WALKER_PTE, vma);
		flush_tlb_page(&vma->vm_mm->tables.tlb, addr);
		++*(unsigned *)arg;
	}
	pte_unmap_unlock(pte, ptl);
	return true;
}

/*
 * Whoever takes an entry out that allowed writing flushes before he lets its lock go (zap.c), so
 * an entry that is not met here cannot be written through either, whatever _mapcount says.
 */
unsigned folio_mkclean(struct page *page)
{
	unsigned nr = 0;

	rmap_walk_file(page, mkclean_one, &nr);
	return nr;
}

bool folio_clear_dirty_for_io(struct page *page)
{
	ASSERT(folio_test_locked(page));
	if (!page_flag_test(page, PG_dirty))
		return false;
	folio_mkclean(page);
	return page_flag_test_clear(page, PG_dirty);
}

int folio_write(struct page *page)
{
	struct address_space *mapping = page->mapping;

	ASSERT(mapping);
	folio_wait_writeback(page);
	if (folio_clear_dirty_for_io(page))
		return mapping->a_ops->writepage(mapping, page);
	folio_unlock(page);
	return 0;
}

int filemap_write_and_wait(struct address_space *mapping)
{
	unsigned long index = 0;
	struct page *page;
	int first = 0;

	for (; (page = filemap_next_folio(mapping, &index)); index++) {
		int err = 0;

		folio_lock(page);
		if (READ_ONCE(page->mapping) == mapping)
			err = folio_write(page);
		else
			folio_unlock(page);
		if (err && !first)
			first = err;
		put_page(page);
	}
	return first;
}

int file_sync(struct file *file)
{
	return filemap_write_and_wait(&file->f_mapping);
}
