/*
 * file_store.c - the disk behind a file: frames that hold what was written back.
 *
 * Owns: the store, reading and writing one page of it, its errors and its delay.
 * Not here: when to read and write (filemap.c, filemap_write.c).
 * Idea: an index has a frame as long as the file reaches that far, so nothing but the device can
 *       fail. Whoever reads or writes holds the folio lock, or has set PG_writeback under it, with
 *       the page in the cache: the frame stays meanwhile.
 */
#include "mm/file_internal.h"

#include <errno.h>
#include "kernel/core/bug.h"
#include "kernel/core/events.h"
#include "kernel/core/fault.h"
#include "mm/filemap.h"
#include "mm/folio_lock.h"
#include "mm/page_alloc.h"

/* A file may be asked for that is larger than all memory. */
#define STORE_GFP (GFP_KERNEL | __GFP_RETRY_MAYFAIL)

FAULT_SITE(file_io_read, "a page of a file cannot be read");
FAULT_SITE(file_io_write, "a page of a file cannot be written");
DELAY_SITE(file_io, "a page of a file on its way to or from its store");

static struct page *stored_page(struct file *file, unsigned long index)
{
	struct page *page;

	spin_lock(&file->f_mapping.i_pages_lock);
	page = radix_load(&file->store, index);
	spin_unlock(&file->f_mapping.i_pages_lock);
	ASSERT(page);
	return page;
}

static void copy_frame(void *to, const void *from)
{
	unsigned long n = PAGE_SIZE / 8;

	__asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
	event_count(EV_COPY_PAGE, 1);
}

static int store_read_folio(struct address_space *mapping, struct page *page)
{
	delay_point(&delay_site_file_io);
	if (fault_should_fail(&fault_site_file_io_read, PAGE_SIZE))
		return -EIO;
	copy_frame(page_address(page), page_address(stored_page(mapping->host, page->index)));
	page_flag_set(page, PG_uptodate);
	return 0;
}

static int store_writepage(struct address_space *mapping, struct page *page)
{
	int err = 0;

	folio_start_writeback(page);
	folio_unlock(page);
	delay_point(&delay_site_file_io);
	if (fault_should_fail(&fault_site_file_io_write, PAGE_SIZE)) {
		err = -EIO;
		folio_mark_dirty(page);
	} else {
		copy_frame(page_address(stored_page(mapping->host, page->index)),
			   page_address(page));
	}
	folio_end_writeback(page);
	return err;
}

const struct address_space_operations store_ops = {
	.read_folio = store_read_folio,
	.writepage = store_writepage,
};

/* ---- size ---- */

void file_store_cut(struct file *file, unsigned long from, unsigned long to)
{
	for (; from < to; from++) {
		struct page *page;

		spin_lock(&file->f_mapping.i_pages_lock);
		page = radix_erase(&file->store, from);
		spin_unlock(&file->f_mapping.i_pages_lock);
		if (page)
			free_page(page);
	}
}

static int store_add(struct file *file, unsigned long index, struct radix_pool *pool)
{
	struct page *page = alloc_page(STORE_GFP | __GFP_ZERO | GFP_FOR(FK_STORE));
	int err = 0;

	if (!page)
		return -ENOMEM;
	/* Nobody else stores: the count missing stays what it is. */
	err = radix_pool_fill(pool, radix_missing(&file->store, index), STORE_GFP);
	if (err) {
		free_page(page);
		return err;
	}
	spin_lock(&file->f_mapping.i_pages_lock);
	radix_store(&file->store, index, page, pool);
	spin_unlock(&file->f_mapping.i_pages_lock);
	return 0;
}

int file_store_grow(struct file *file, unsigned long from, unsigned long to)
{
	struct radix_pool pool = {0};
	int err = 0;

	for (unsigned long at = from; at < to && !err; at++) {
		err = store_add(file, at, &pool);
		if (err)
			file_store_cut(file, from, at);
	}
	radix_pool_drain(&pool);
	return err;
}
