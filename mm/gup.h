/*
 * gup.h - pages of an address space that others read and write past its page tables.
 *
 * Owns: pinning one page, knowing that a page may be pinned.
 * Idea: a pin is many references at once, so that the count tells a pin from mappings; a page with
 *       very many mappings looks pinned, which costs a copy and nothing else.
 * Promise: while it is pinned the page stays the one that the pinned address maps: fork gives the
 *       child a copy at once, the owner goes on writing in place, reclaim leaves it.
 */
#ifndef MM_GUP_H
#define MM_GUP_H

#include "mm/page.h"

struct mm_struct;

#define GUP_PIN_COUNTING_BIAS 1024

/* May @page, whose entry is locked, be pinned? */
static inline bool page_maybe_dma_pinned(struct page *page)
{
	return page_count(page) >= GUP_PIN_COUNTING_BIAS;
}

/*
 * pin_user_page - the anonymous page at @addr, which may be written, pinned.
 *
 * Context:  may sleep; takes mmap_lock
 * Returns:  it, for unpin_user_page(); NULL: there is none that is its owner's alone. Write to the
 *           address first
 */
struct page *__must_check pin_user_page(struct mm_struct *mm, unsigned long addr);
void unpin_user_page(struct page *page);

#endif
