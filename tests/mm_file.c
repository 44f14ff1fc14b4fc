/*
 * mm_file.c - see mm_file.h.
 */
#include "tests/mm_file.h"

#include <errno.h>
#include "kernel/base/err.h"
#include "mm/filemap.h"
#include "mm/folio_lock.h"
#include "mm/mman.h"
#include "mm/page_alloc.h"
#include "tests/ktest.h"

u64 file_word(struct file *file, unsigned long index)
{
	u64 word = ~0ull;

	return file_read(file, &word, sizeof(word), index * PAGE_SIZE) == 8 ? word : ~0ull;
}

int file_set_word(struct file *file, unsigned long index, u64 value)
{
	long done = file_write(file, &value, sizeof(value), index * PAGE_SIZE);

	return done < 0 ? (int)done : done == sizeof(value) ? 0 : -ERANGE;
}

struct file *t_file(struct ktest *t, const char *name, unsigned long nr, u64 value)
{
	struct file *file = file_create(name, nr * PAGE_SIZE);

	t_assert(t, !IS_ERR(file));
	for (unsigned long i = 0; i < nr; i++)
		t_expect_eq(t, file_set_word(file, i, value + i), 0);
	t_expect_eq(t, file_sync(file), 0);
	t_expect_eq(t, file_drop_clean(file), nr);
	return file;
}

int file_mmap(struct mm_struct *mm, unsigned long start, unsigned long nr, unsigned long prot,
	      unsigned long flags, struct file *file, unsigned long pgoff)
{
	unsigned long at = vm_mmap_file(mm, start, nr * PAGE_SIZE, prot, flags | MAP_FIXED, file,
					pgoff * PAGE_SIZE);

	return mm_is_err(at) ? (int)at : 0;
}

/* References: the cache's and ours. */
static bool unused(struct page *page)
{
	return !page_flag_test(page, PG_dirty) && !folio_test_writeback(page) &&
	       page_mapcount(page) == 0 && page_count(page) == 2;
}

unsigned long file_drop_clean(struct file *file)
{
	unsigned long index = 0, nr = 0;
	struct page *page;

	for (; (page = filemap_next_folio(&file->f_mapping, &index)); index++) {
		folio_lock(page);
		if (page->mapping == &file->f_mapping && unused(page)) {
			filemap_remove_folio(page);
			nr++;
		}
		folio_unlock(page);
		put_page(page);
	}
	return nr;
}

void t_expect_file_sane(struct ktest *t, struct file *file)
{
	t_expect_eq(t, filemap_check(&file->f_mapping), 0);
}
