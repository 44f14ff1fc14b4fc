/*
 * gup.c - see gup.h.
 */
#include "mm/gup.h"

#include "mm/filemap.h"
#include "mm/mm.h"
#include "mm/mmap_lock.h"
#include "mm/page_alloc.h"
#include "mm/rmap.h"

struct page *pin_user_page(struct mm_struct *mm, unsigned long addr) NO_LOCK_ANALYSIS
{
	struct page *page = NULL;
	spinlock_t *ptl;
	pmd_t *pmd;
	pte_t *pte;

	mmap_read_lock(mm);
	pmd = pmd_walk(&mm->tables, addr);
	pte = pmd ? pte_offset_map_lock(&mm->tables, pmd, addr, &ptl) : NULL;
	if (pte) {
		if (pte_write(__pte(READ_ONCE(pte->pte))))
			page = pfn_to_page(pte_pfn(*pte));
		if (page && folio_test_file(page))
			page = NULL;
		if (page) {
			/* Said before the page is: a copy that misses the one sees the other. */
			set_bit(MMF_HAS_PINNED, &mm->flags);
			atomic_add(GUP_PIN_COUNTING_BIAS, &page_head(page)->_refcount);
		}
		pte_unmap_unlock(pte, ptl);
	}
	mmap_read_unlock(mm);
	return page;
}

void unpin_user_page(struct page *page)
{
	struct page *head = page_head(page);

	atomic_sub(GUP_PIN_COUNTING_BIAS - 1, &head->_refcount);
	put_page(head);
}
