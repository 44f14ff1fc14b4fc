/*
 * page_flags.h - what struct page remembers of a user page in single bits.
 *
 * Owns: the PG_ bits of layer 6, reading and changing one of them.
 * Not here: what a bit's owner does (folio_lock.h, swap.h, filemap.h); being on an LRU list, which
 *           page->aux says (lru.h); being one entry's own, which _mapcount says (rmap.h).
 * Idea: bits of one word have different guards, so each change is one atomic operation on the word,
 *       whatever lock its maker holds. Only who has the page to himself may write the word plainly.
 *
 *	 bit                guarded by                                       carried by
 *	 PG_locked          itself (folio_lock.h)                            the head
 *	 PG_uptodate        folio lock; set once contents are valid          the head
 *	 PG_dirty           nobody: set by who writes, tested and cleared under the folio lock
 *	 PG_writeback       set under the folio lock; cleared when the I/O is over
 *	 PG_referenced      nobody: a hint
 *	 PG_swapcache       folio lock and the swap cache's lock
 *	 PG_error           folio lock
 */
#ifndef MM_PAGE_FLAGS_H
#define MM_PAGE_FLAGS_H

#include "mm/page.h"

enum user_page_flag {
	PG_locked = PG_USER_FIRST,
	PG_uptodate,
	PG_dirty,
	PG_writeback,
	PG_referenced,
	PG_swapcache,
	PG_error,
};

static __always_inline bool page_flag_test(const struct page *page, enum user_page_flag flag)
{
	return test_bit(flag, &page->flags);
}

static __always_inline void page_flag_set(struct page *page, enum user_page_flag flag)
{
	set_bit(flag, &page->flags);
}

static __always_inline void page_flag_clear(struct page *page, enum user_page_flag flag)
{
	clear_bit(flag, &page->flags);
}

/* Both return the bit as it was. */
static __always_inline bool page_flag_test_set(struct page *page, enum user_page_flag flag)
{
	return test_and_set_bit(flag, &page->flags);
}

static __always_inline bool page_flag_test_clear(struct page *page, enum user_page_flag flag)
{
	return test_and_clear_bit(flag, &page->flags);
}

/* A page that nobody else knows yet. */
static __always_inline void page_flag_init(struct page *page, enum user_page_flag flag)
{
	page->flags |= 1ul << flag;
}

#endif
