/*
 * filemap.c - the page cache: finding pages, making them, letting them go.
 *
 * Owns: i_pages of every file, filemap_lock_page(). Not here: write-back (filemap_write.c), faults
 *       (filemap_fault.c).
 * Idea: a page is added locked and without contents, so that of many who want it one reads it and
 *       the others wait for the folio lock.
 */
#include "mm/filemap.h"

#include <errno.h>
#include "kernel/core/bug.h"
#include "kernel/core/log.h"
#include "mm/folio_lock.h"
#include "mm/lru.h"
#include "mm/page_alloc.h"
#include "mm/rmap.h"

struct page *filemap_get_folio(struct address_space *mapping, unsigned long index)
{
	struct page *page;

	spin_lock(&mapping->i_pages_lock);
	page = radix_load(&mapping->i_pages, index);
	if (page)
		get_page(page);
	spin_unlock(&mapping->i_pages_lock);
	return page;
}

struct page *filemap_next_folio(struct address_space *mapping, unsigned long *index)
{
	struct page *page;

	spin_lock(&mapping->i_pages_lock);
	page = radix_next(&mapping->i_pages, index);
	if (page)
		get_page(page);
	spin_unlock(&mapping->i_pages_lock);
	return page;
}

/* ---- in and out ---- */

/*
 * @page, new and locked, becomes the cached page at @index.
 *
 * Returns:  0 with a reference of the cache's own; -EEXIST, -ENOMEM
 */
static int filemap_add_folio(struct address_space *mapping, struct page *page, unsigned long index)
{
	struct radix_pool pool = {0};
	int err = 0;

	page->mapping = mapping;
	page->index = index;
	page->private = 0;
	spin_lock(&mapping->i_pages_lock);
	while (!err) {
		unsigned missing = radix_missing(&mapping->i_pages, index);

		if (missing <= pool.nr)
			break;
		spin_unlock(&mapping->i_pages_lock);
		err = radix_pool_fill(&pool, missing, GFP_KERNEL);
		spin_lock(&mapping->i_pages_lock);
	}
	if (!err && radix_load(&mapping->i_pages, index))
		err = -EEXIST;
	if (!err) {
		get_page(page);
		radix_store(&mapping->i_pages, index, page, &pool);
		mapping->nrpages++;
	}
	spin_unlock(&mapping->i_pages_lock);
	radix_pool_drain(&pool);
	return err;
}

void filemap_remove_folio(struct page *page)
{
	struct address_space *mapping = page->mapping;
	struct page *removed;

	ASSERT(folio_test_locked(page));
	ASSERT(!folio_test_writeback(page));
	ASSERT_EQ(page_mapcount(page), 0);
	spin_lock(&mapping->i_pages_lock);
	removed = radix_erase(&mapping->i_pages, page->index);
	mapping->nrpages--;
	WRITE_ONCE(page->mapping, NULL);
	spin_unlock(&mapping->i_pages_lock);
	ASSERT(removed == page);
	page_flag_clear(page, PG_dirty);
	put_page(page);
}

/* ---- locked and up to date ---- */

/* A page at @index, locked, with a reference: 0; -EEXIST: there was one already; -ENOMEM. */
static int add_new_page(struct address_space *mapping, unsigned long index, struct page **out)
{
	struct page *page = alloc_page(GFP_KERNEL | GFP_FOR(FK_FILE));
	int err;

	if (!page)
		return -ENOMEM;
	folio_lock(page);
	err = filemap_add_folio(mapping, page, index);
	if (err) {
		folio_unlock(page);
		put_page(page);
		return err;
	}
	folio_add_lru(page);
	*out = page;
	return 0;
}

/* The same, of whoever made it. 0, or -ENOMEM. */
static int lock_cached_page(struct address_space *mapping, unsigned long index, struct page **out)
{
	for (;;) {
		struct page *page = filemap_get_folio(mapping, index);
		int err;

		if (!page) {
			err = add_new_page(mapping, index, out);
			if (err != -EEXIST)
				return err;
			continue;
		}
		folio_lock(page);
		/* It may have left the cache while we waited. */
		if (likely(READ_ONCE(page->mapping) == mapping)) {
			*out = page;
			return 0;
		}
		folio_unlock(page);
		put_page(page);
	}
}

int filemap_lock_page(struct address_space *mapping, unsigned long index, struct page **out)
{
	struct page *page;
	int err = 0;

	if (index >= size_pages(i_size_read(mapping->host)))
		return -ERANGE;
	err = lock_cached_page(mapping, index, &page);
	if (err)
		return err;
	/* Who cuts the file changes its size first, and then needs this lock. */
	if (index >= size_pages(i_size_read(mapping->host)))
		err = -ERANGE;
	else if (!page_flag_test(page, PG_uptodate))
		err = mapping->a_ops->read_folio(mapping, page);
	if (likely(!err)) {
		*out = page;
		return 0;
	}
	/* Ours without contents, or one that is about to be cut: nobody needs it. */
	if (!page_flag_test(page, PG_uptodate))
		filemap_remove_folio(page);
	folio_unlock(page);
	put_page(page);
	return err;
}

void truncate_inode_pages(struct address_space *mapping, unsigned long first)
{
	unsigned long index = first;
	struct page *page;

	while ((page = filemap_next_folio(mapping, &index))) {
		folio_lock(page);
		folio_wait_writeback(page);
		if (READ_ONCE(page->mapping) == mapping) {
			/* A fault that came before the lock. */
			unmap_mapping_folio(page);
			filemap_remove_folio(page);
		}
		folio_unlock(page);
		put_page(page);
		index++;
	}
}

/* ---- looking at it ---- */

void filemap_count(struct address_space *mapping, unsigned long *cached, unsigned long *dirty)
{
	unsigned long index = 0;
	struct page *page;

	*cached = *dirty = 0;
	spin_lock(&mapping->i_pages_lock);
	for (; (page = radix_next(&mapping->i_pages, &index)); index++) {
		++*cached;
		*dirty += page_flag_test(page, PG_dirty);
	}
	spin_unlock(&mapping->i_pages_lock);
}

static bool page_is_right(struct address_space *mapping, struct page *page, unsigned long index)
{
	if (page->kind == FK_FILE && page->mapping == mapping && page->index == index &&
	    page_count(page) > page_mapcount(page) && page_mapcount(page) >= 0)
		return true;
	pr_err("file %s: page %#lx: kind %u, index %#lx, %d references, %d mappings",
	       mapping->host->name, index, page->kind, page->index, page_count(page),
	       page_mapcount(page));
	return false;
}

int filemap_check(struct address_space *mapping)
{
	unsigned long index = 0, nr = 0, cached;
	struct page *page;
	int bad = 0;

	spin_lock(&mapping->i_pages_lock);
	bad += radix_check(&mapping->i_pages) != (long)mapping->nrpages;
	cached = mapping->nrpages;
	for (; (page = radix_next(&mapping->i_pages, &index)); index++, nr++)
		bad += !page_is_right(mapping, page, index);
	spin_unlock(&mapping->i_pages_lock);
	if (nr != cached)
		bad++;
	if (bad)
		pr_err("file %s: %lu pages cached, %lu found, %d things wrong",
		       mapping->host->name, cached, nr, bad);
	return bad;
}
