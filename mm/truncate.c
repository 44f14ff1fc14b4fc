/*
 * truncate.c - a file gets another size.
 *
 * Owns: the order of a cut and of a growth, the partial page at the end.
 * Not here: pages leaving the cache (filemap.c), entries going (i_mmap.h).
 * Idea: the new size first: from then on a fault beyond it fails, since it looks under the folio
 *       lock. Then entries go, then pages, each under its folio lock, and then entries once more:
 *       private copies that were made between are found by no page.
 */
#include "mm/file.h"

#include <errno.h>
#include <string.h>
#include "mm/file_internal.h"
#include "mm/filemap.h"
#include "mm/folio_lock.h"
#include "mm/i_mmap.h"
#include "mm/page_alloc.h"

/*
 * Bytes of the page that holds the end @size, from there on, become zero: what was mapped and
 * written beyond the end must not come back when the file grows.
 */
static int zero_partial_page(struct file *file, u64 size)
{
	unsigned offset = size & (PAGE_SIZE - 1);
	struct page *page;
	int err;

	if (!offset)
		return 0;
	err = filemap_lock_page(&file->f_mapping, size >> PAGE_SHIFT, &page);
	if (err)
		return err;
	memset((char *)page_address(page) + offset, 0, PAGE_SIZE - offset);
	folio_mark_dirty(page);
	folio_unlock(page);
	put_page(page);
	return 0;
}

static int truncate_down(struct file *file, u64 size) REQUIRES(file->lock)
{
	unsigned long from = size_pages(size), old = size_pages(file->i_size);
	int err = zero_partial_page(file, size);

	if (err)
		return err;

	/* ---- nothing below this line can fail ---- */
	WRITE_ONCE(file->i_size, size);
	if (from == old)
		return 0;
	unmap_mapping_range(&file->f_mapping, from, ~0ul);
	truncate_inode_pages(&file->f_mapping, from);
	unmap_mapping_range(&file->f_mapping, from, ~0ul);
	file_store_cut(file, from, old);
	return 0;
}

static int truncate_up(struct file *file, u64 size) REQUIRES(file->lock)
{
	int err = zero_partial_page(file, file->i_size);

	if (!err)
		err = file_store_grow(file, size_pages(file->i_size), size_pages(size));
	if (!err)
		WRITE_ONCE(file->i_size, size);
	return err;
}

int file_truncate(struct file *file, u64 size)
{
	int err = 0;

	if (size > FILE_SIZE_MAX)
		return -EFBIG;
	mutex_lock(&file->lock);
	if (size < file->i_size)
		err = truncate_down(file, size);
	else if (size > file->i_size)
		err = truncate_up(file, size);
	mutex_unlock(&file->lock);
	return err;
}
