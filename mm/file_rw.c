/*
 * file_rw.c - the kernel reads and writes a file, through the page cache.
 */
#include "mm/file.h"

#include <string.h>
#include "mm/filemap.h"
#include "mm/folio_lock.h"
#include "mm/page_alloc.h"

/* Copy between @buf and what of [@pos, @pos + @len) lies in one page. Bytes, or an errno. */
static long copy_page_part(struct file *file, void *buf, size_t len, u64 pos, bool write)
{
	unsigned offset = pos & (PAGE_SIZE - 1);
	size_t part = min(len, (size_t)PAGE_SIZE - offset);
	struct page *page;
	char *at;
	int err = filemap_lock_page(&file->f_mapping, pos >> PAGE_SHIFT, &page);

	if (err)
		return err;
	at = (char *)page_address(page) + offset;
	if (write) {
		memcpy(at, buf, part);
		folio_mark_dirty(page);
	} else {
		memcpy(buf, at, part);
	}
	folio_unlock(page);
	put_page(page);
	return part;
}

static long file_copy(struct file *file, void *buf, size_t len, u64 pos, bool write)
{
	u64 size = i_size_read(file);
	size_t done = 0;

	len = pos >= size ? 0 : min((u64)len, size - pos);
	while (done < len) {
		long part = copy_page_part(file, (char *)buf + done, len - done, pos + done, write);

		if (part < 0)
			return done ? (long)done : part;
		done += part;
	}
	return done;
}

long file_read(struct file *file, void *buf, size_t len, u64 pos)
{
	return file_copy(file, buf, len, pos, false);
}

long file_write(struct file *file, const void *buf, size_t len, u64 pos)
{
	long done;

	mutex_lock(&file->lock);
	/* Only read from. */
	done = file_copy(file, (void *)buf, len, pos, true);
	mutex_unlock(&file->lock);
	return done;
}
