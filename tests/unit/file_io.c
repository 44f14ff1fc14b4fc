/*
 * file_io.c - write-back and its errors: which page is whose loss, and that nothing else is.
 */
#include <errno.h>

#include "kernel/core/fault.h"
#include "kernel/core/user.h"
#include "mm/filemap.h"
#include "mm/folio_lock.h"
#include "mm/mman.h"
#include "mm/page_alloc.h"
#include "mm/rmap.h"
#include "tests/ktest.h"
#include "tests/mm_file.h"
#include "tests/mm_user.h"

#define BASE USER_BASE
#define RW   (PROT_READ | PROT_WRITE)
#define page_at(n) (BASE + (n)*PAGE_SIZE)

/* The @nth transfer from now on fails. */
static void fail_io(struct ktest *t, const char *site, s64 nth)
{
	struct fault_attr attr = FAULT_ATTR_OFF;
	struct fault_site *found = fault_site_find(site);

	t_assert(t, found);
	attr.at = nth;
	fault_site_set(found, &attr);
}

static void heal_io(const char *site)
{
	struct fault_attr off = FAULT_ATTR_OFF;

	fault_site_set(fault_site_find(site), &off);
}

static unsigned long dirty_pages(struct file *file)
{
	unsigned long cached, dirty;

	filemap_count(&file->f_mapping, &cached, &dirty);
	return dirty;
}

KTEST(file_io, a_read_error_is_sigbus_for_its_page, KT_UNIT)
{
	struct file *file = t_file(t, "bad", 6, 50);
	struct mm_struct *mm = mm_alloc();
	u64 value;

	t_assert(t, mm);
	t_expect_eq(t, file_mmap(mm, BASE, 6, RW, MAP_SHARED, file, 0), 0);
	mm_use(mm);
	fail_io(t, "file_io_read", 2);
	for (unsigned long i = 0; i < 6; i++) {
		t_expect_eq(t, get_user(&value, page_at(i)), i == 2 ? -EIO : 0);
		if (i != 2)
			t_expect_eq(t, value, 50 + i);
	}
	t_expect_eq(t, file->f_mapping.nrpages, 5);
	heal_io("file_io_read");
	/* The device has got well: so has the page. */
	t_expect_eq(t, get_user(&value, page_at(2)), 0);
	t_expect_eq(t, value, 52);
	t_expect_sane(t, mm);
	mm_unuse(mm);
	mmput(mm);
	t_expect_file_sane(t, file);
	fput(file);
}

KTEST(file_io, a_write_error_keeps_the_page_dirty, KT_UNIT)
{
	struct file *file = t_file(t, "bad", 6, 50);
	struct mm_struct *mm = mm_alloc();

	t_assert(t, mm);
	t_expect_eq(t, file_mmap(mm, BASE, 6, RW, MAP_SHARED, file, 0), 0);
	mm_use(mm);
	t_expect_eq(t, user_touch(BASE, 6, 9), 0);
	t_expect_eq(t, dirty_pages(file), 6);
	fail_io(t, "file_io_write", 3);
	t_expect_eq(t, file_sync(file), -EIO);
	heal_io("file_io_write");
	t_expect_eq(t, dirty_pages(file), 1);
	t_expect(t, page_flag_test(user_page(mm, page_at(3)), PG_dirty));
	t_expect_sane(t, mm);
	t_expect_eq(t, file_sync(file), 0);
	t_expect_eq(t, dirty_pages(file), 0);
	t_expect_eq(t, vm_munmap(mm, BASE, 6 * PAGE_SIZE), 0);
	t_expect_eq(t, file_drop_clean(file), 6);
	for (unsigned long i = 0; i < 6; i++)
		t_expect_eq(t, file_word(file, i), 9);
	mm_unuse(mm);
	mmput(mm);
	fput(file);
}

KTEST(file_io, clean_means_that_nobody_can_write_unseen, KT_UNIT)
{
	struct file *file = t_file(t, "clean", 1, 0);
	struct mm_struct *mm[3];

	for (unsigned i = 0; i < 3; i++) {
		mm[i] = mm_alloc();
		t_assert(t, mm[i]);
		t_expect_eq(t, file_mmap(mm[i], BASE, 1, RW, MAP_SHARED, file, 0), 0);
		mm_use(mm[i]);
		t_expect_eq(t, put_user((u64)i, BASE), 0);
		mm_unuse(mm[i]);
	}
	for (unsigned round = 0; round < 3; round++) {
		t_expect_eq(t, dirty_pages(file), 1);
		t_expect_eq(t, file_sync(file), 0);
		t_expect_eq(t, dirty_pages(file), 0);
		for (unsigned i = 0; i < 3; i++) {
			t_expect(t, user_pte(mm[i], BASE));
			t_expect(t, !pte_write(__pte(user_pte(mm[i], BASE))));
			t_expect(t, !pte_dirty(__pte(user_pte(mm[i], BASE))));
		}
		/* One of them writes again: only it may. */
		mm_use(mm[round]);
		t_expect_eq(t, put_user((u64)10 + round, BASE), 0);
		mm_unuse(mm[round]);
		for (unsigned i = 0; i < 3; i++)
			t_expect_eq(t, pte_write(__pte(user_pte(mm[i], BASE))), i == round);
	}
	t_expect_eq(t, file_word(file, 0), 12);
	for (unsigned i = 0; i < 3; i++) {
		t_expect_sane(t, mm[i]);
		mmput(mm[i]);
	}
	fput(file);
}

/* Dirt that only an entry knows of reaches the page when the entry goes. */
KTEST(file_io, an_entry_that_goes_leaves_its_dirt, KT_UNIT)
{
	struct file *file = t_file(t, "dirt", 2, 0);
	struct mm_struct *mm = mm_alloc();
	struct page *page;

	t_assert(t, mm);
	t_expect_eq(t, file_mmap(mm, BASE, 2, RW, MAP_SHARED, file, 0), 0);
	mm_use(mm);
	t_expect_eq(t, user_touch(BASE, 2, 3), 0);
	page = user_page(mm, BASE);
	t_assert(t, page);
	/* As if cleaning had been done by one who forgets the entries. */
	page_flag_clear(page, PG_dirty);
	page_flag_clear(page, PG_referenced);
	t_expect_eq(t, vm_madvise(mm, BASE, PAGE_SIZE, MADV_DONTNEED), 0);
	t_expect(t, page_flag_test(page, PG_dirty));
	t_expect(t, page_flag_test(page, PG_referenced));
	mm_unuse(mm);
	mmput(mm);
	fput(file);
}

KTEST(file_io, a_page_in_the_cache_can_be_taken_out_of_every_table, KT_UNIT)
{
	struct file *file = t_file(t, "out", 2, 70);
	struct mm_struct *mm[2];
	struct page *page;
	u64 value;

	for (unsigned i = 0; i < 2; i++) {
		mm[i] = mm_alloc();
		t_assert(t, mm[i]);
		t_expect_eq(t, file_mmap(mm[i], BASE, 2, RW, MAP_SHARED, file, 0), 0);
		mm_use(mm[i]);
		t_expect_eq(t, get_user(&value, BASE), 0);
		mm_unuse(mm[i]);
	}
	page = filemap_get_folio(&file->f_mapping, 0);
	t_assert(t, page);
	t_expect_eq(t, folio_count_rmap(page), 2);
	folio_lock(page);
	unmap_mapping_folio(page);
	t_expect_eq(t, page_mapcount(page), 0);
	t_expect_eq(t, page_count(page), 2);
	filemap_remove_folio(page);
	folio_unlock(page);
	put_page(page);
	for (unsigned i = 0; i < 2; i++) {
		t_expect_eq(t, get_mm_counter(mm[i], MM_FILEPAGES), 0);
		mm_use(mm[i]);
		t_expect_eq(t, get_user(&value, BASE), 0);
		t_expect_eq(t, value, 70);
		mm_unuse(mm[i]);
		mmput(mm[i]);
	}
	fput(file);
}
