/*
 * filemap.h - the page cache: the pages of a file that are in memory.
 *
 * Owns: finding, adding and removing cached pages, dirty and clean, write-back, the operations of a
 *       VMA that maps a file.
 * Not here: where contents come from (a_ops, file_store.c), truncation (truncate.c).
 * Idea: the folio lock settles every race: who holds it and sees page->mapping unchanged knows that
 *       the page is the file's and stays so. An entry comes into a table only under it.
 *
 *	page->mapping    its address_space; NULL once it has left the cache
 *	page->index      its page offset in the file
 *	page->_mapcount  entries that map it
 *	page->_refcount  one of the cache, one per entry, one per other user
 *	PG_uptodate      contents are the file's; a page is mapped only with it
 *	PG_dirty         contents are newer than what is stored
 *
 * Invariant: a cached page that some entry allows to be written is dirty.
 */
#ifndef MM_FILEMAP_H
#define MM_FILEMAP_H

#include "mm/file.h"
#include "mm/page_flags.h"

struct vm_operations_struct;
extern const struct vm_operations_struct file_vm_ops;

/* Does @page belong to a file? Kind says it, also once it has left the cache. */
static inline bool folio_test_file(const struct page *page)
{
	return page->kind == FK_FILE;
}

/*
 * filemap_get_folio - the cached page at @index, with a reference; NULL: none.
 *
 * It is not locked, may not be up to date, and may leave the cache at any time.
 */
struct page *__must_check filemap_get_folio(struct address_space *mapping, unsigned long index);

/* The first cached page at or above *@index, which becomes its own, with a reference; or NULL. */
struct page *__must_check filemap_next_folio(struct address_space *mapping, unsigned long *index);

/*
 * filemap_lock_page - the page at @index, in the cache, locked, with a reference, up to date.
 *
 * Made and read if need be.
 * Context:  may sleep; no folio lock held
 * Returns:  0 and *@out; -ENOMEM, -EIO, or -ERANGE: the file ends before it
 */
int __must_check filemap_lock_page(struct address_space *mapping, unsigned long index,
				   struct page **out);

/*
 * filemap_remove_folio - @page leaves the cache, which drops its reference.
 *
 * Locks: folio lock; the caller holds a reference. No entry maps it, no write-back runs. Contents
 *        that were dirty are lost.
 */
void filemap_remove_folio(struct page *page);

/* Contents will differ from what is stored. Locks: folio lock, or an entry's that maps the page. */
static inline void folio_mark_dirty(struct page *page)
{
	if (!page_flag_test(page, PG_dirty))
		page_flag_set(page, PG_dirty);
}

/*
 * folio_clear_dirty_for_io - make @page clean, for whoever stores it next.
 *
 * No entry allows writing afterwards, on any CPU: the next write faults and makes it dirty again.
 * Locks:    folio lock. May sleep and flush
 * Returns:  was it dirty?
 */
bool folio_clear_dirty_for_io(struct page *page);

/* Every entry that allows writing to @page loses it; returns how many did. As above. */
unsigned folio_mkclean(struct page *page);

/*
 * folio_write - if @page is dirty, store it. Unlocks.
 *
 * Locks:    folio lock on entry, none on return; the caller holds a reference
 * Context:  may sleep
 * Returns:  0, or -EIO with the page dirty
 */
int __must_check folio_write(struct page *page);

/* Every page of @mapping that is dirty now is stored. 0, or the first error. May sleep. */
int __must_check filemap_write_and_wait(struct address_space *mapping);

/* Pages of [@first, end of time) leave the cache, dirty or not. May sleep. */
void truncate_inode_pages(struct address_space *mapping, unsigned long first);

/* Cached pages, and those of them that are dirty. For people: takes i_pages_lock. */
void filemap_count(struct address_space *mapping, unsigned long *cached, unsigned long *dirty);

/* Cached pages against their own words: 0, or what is wrong, each a line in the log. */
int __must_check filemap_check(struct address_space *mapping);

#endif
