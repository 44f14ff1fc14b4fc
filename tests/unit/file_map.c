/*
 * file_map.c - mapped files: what is read, where writes go, which pages are whose.
 */
#include <errno.h>

#include "kernel/core/user.h"
#include "mm/filemap.h"
#include "mm/i_mmap.h"
#include "mm/mman.h"
#include "mm/rmap.h"
#include "tests/ktest.h"
#include "tests/mm_file.h"
#include "tests/mm_user.h"

#define BASE USER_BASE
#define RW   (PROT_READ | PROT_WRITE)
#define page_at(n) (BASE + (n)*PAGE_SIZE)

/* An address space in use and a file of 8 pages that say 100, 101, ... */
struct setting {
	struct mm_struct *mm;
	struct file *file;
};

static struct setting begin(struct ktest *t)
{
	struct setting s = {mm_alloc(), t_file(t, "numbers", 8, 100)};

	t_assert(t, s.mm);
	mm_use(s.mm);
	return s;
}

static void end(struct ktest *t, struct setting s)
{
	t_expect_sane(t, s.mm);
	t_expect_file_sane(t, s.file);
	mm_unuse(s.mm);
	mmput(s.mm);
	t_expect_eq(t, s.file->f_mapping.nr_vmas, 0);
	t_expect_eq(t, atomic_read(&s.file->f_count), 1);
	fput(s.file);
}

static u64 seen_at(unsigned long addr)
{
	u64 value = ~0ull;

	return get_user(&value, addr) ? ~0ull : value;
}

KTEST(file_map, reads_show_the_file, KT_UNIT)
{
	static const unsigned long flags[] = {MAP_SHARED, MAP_PRIVATE};

	for (unsigned k = 0; k < 2; k++) {
		struct setting s = begin(t);

		t_expect_eq(t, file_mmap(s.mm, BASE, 5, RW, flags[k], s.file, 2), 0);
		t_expect_eq(t, atomic_read(&s.file->f_count), 2);
		for (unsigned long i = 0; i < 5; i++) {
			struct page *page;

			t_expect_eq(t, seen_at(page_at(i)), 102 + i);
			page = user_page(s.mm, page_at(i));
			t_assert(t, page);
			t_expect_eq(t, page->kind, FK_FILE);
			t_expect_eq(t, page->index, 2 + i);
			t_expect_eq(t, page_count(page), 2);
			t_expect_eq(t, folio_count_rmap(page), 1);
			t_expect(t, !pte_write(__pte(user_pte(s.mm, page_at(i)))));
			t_expect(t, !page_flag_test(page, PG_dirty));
		}
		t_expect_eq(t, get_mm_counter(s.mm, MM_FILEPAGES), 5);
		t_expect_eq(t, get_mm_counter(s.mm, MM_ANONPAGES), 0);
		end(t, s);
	}
}

KTEST(file_map, shared_writes_reach_the_file, KT_UNIT)
{
	struct setting s = begin(t);
	struct page *page;

	t_expect_eq(t, file_mmap(s.mm, BASE, 8, RW, MAP_SHARED, s.file, 0), 0);
	/* Untouched before, and read before. */
	t_expect_eq(t, put_user((u64)7, page_at(1)), 0);
	t_expect_eq(t, seen_at(page_at(2)), 102);
	t_expect_eq(t, put_user((u64)8, page_at(2)), 0);
	for (unsigned long i = 1; i <= 2; i++) {
		page = user_page(s.mm, page_at(i));
		t_assert(t, page);
		t_expect(t, page_flag_test(page, PG_dirty));
		t_expect(t, pte_write(__pte(user_pte(s.mm, page_at(i)))));
	}
	t_expect_eq(t, file_word(s.file, 1), 7);
	t_expect_eq(t, file_word(s.file, 2), 8);
	/* And the other way round. */
	t_expect_eq(t, file_set_word(s.file, 2, 9), 0);
	t_expect_eq(t, seen_at(page_at(2)), 9);

	/* They outlive the mapping, and the cache. */
	t_expect_eq(t, vm_munmap(s.mm, BASE, 8 * PAGE_SIZE), 0);
	t_expect_eq(t, get_mm_counter(s.mm, MM_FILEPAGES), 0);
	t_expect_eq(t, file_sync(s.file), 0);
	t_expect_eq(t, file_drop_clean(s.file), 2);
	t_expect_eq(t, s.file->f_mapping.nrpages, 0);
	t_expect_eq(t, file_word(s.file, 1), 7);
	t_expect_eq(t, file_word(s.file, 2), 9);
	end(t, s);
}

KTEST(file_map, private_writes_stay_private, KT_UNIT)
{
	struct setting s = begin(t);

	t_expect_eq(t, file_mmap(s.mm, BASE, 8, RW, MAP_PRIVATE, s.file, 0), 0);
	t_expect_eq(t, put_user((u64)7, page_at(1)), 0);
	t_expect_eq(t, seen_at(page_at(2)), 102);
	t_expect_eq(t, put_user((u64)8, page_at(2)), 0);
	for (unsigned long i = 1; i <= 2; i++) {
		struct page *page = user_page(s.mm, page_at(i));

		t_assert(t, page);
		t_expect_eq(t, page->kind, FK_ANON);
		t_expect(t, PageAnonExclusive(page));
		t_expect_eq(t, folio_count_rmap(page), 1);
	}
	t_expect_eq(t, get_mm_counter(s.mm, MM_FILEPAGES), 0);
	t_expect_eq(t, get_mm_counter(s.mm, MM_ANONPAGES), 2);
	t_expect_eq(t, file_word(s.file, 1), 101);
	t_expect_eq(t, file_word(s.file, 2), 102);
	t_expect_eq(t, seen_at(page_at(1)), 7);
	t_expect_eq(t, seen_at(page_at(2)), 8);

	/* DONTNEED drops the copies: the file shows again. */
	t_expect_eq(t, vm_madvise(s.mm, BASE, 8 * PAGE_SIZE, MADV_DONTNEED), 0);
	t_expect_eq(t, seen_at(page_at(1)), 101);
	t_expect_eq(t, get_mm_counter(s.mm, MM_ANONPAGES), 0);
	end(t, s);
}

KTEST(file_map, beyond_the_end_is_sigbus, KT_UNIT)
{
	struct setting s = begin(t);
	u64 value;

	t_expect_eq(t, file_mmap(s.mm, BASE, 4, RW, MAP_SHARED, s.file, 6), 0);
	t_expect_eq(t, seen_at(page_at(1)), 107);
	t_expect_eq(t, get_user(&value, page_at(2)), -EIO);
	t_expect_eq(t, put_user((u64)1, page_at(3)), -EIO);
	t_expect_eq(t, file_mmap(s.mm, BASE, 4, RW, MAP_PRIVATE, s.file, 6), 0);
	t_expect_eq(t, get_user(&value, page_at(2)), -EIO);
	t_expect_eq(t, put_user((u64)1, page_at(3)), -EIO);
	t_expect_eq(t, get_mm_counter(s.mm, MM_ANONPAGES), 0);
	end(t, s);
}

KTEST(file_map, bad_arguments_are_refused, KT_UNIT)
{
	struct setting s = begin(t);
	struct mm_struct *mm = s.mm;

	t_expect_eq(t, (long)vm_mmap_file(mm, 0, 0, RW, MAP_SHARED, s.file, 0), -EINVAL);
	t_expect_eq(t, (long)vm_mmap_file(mm, 0, PAGE_SIZE, RW, 0, s.file, 0), -EINVAL);
	t_expect_eq(t, (long)vm_mmap_file(mm, 0, PAGE_SIZE, RW, 3, s.file, 0), -EINVAL);
	t_expect_eq(t, (long)vm_mmap_file(mm, 0, PAGE_SIZE, RW, MAP_SHARED, s.file, 8), -EINVAL);
	t_expect_eq(t, (long)vm_mmap_file(mm, 0, PAGE_SIZE, RW, MAP_SHARED, s.file, 1ull << 50),
		    -EOVERFLOW);
	t_expect_eq(t, (long)vm_mmap_file(mm, 0, PAGE_SIZE, 8, MAP_SHARED, s.file, 0), -EINVAL);
	t_expect_eq(t, (long)vm_mmap(mm, 0, PAGE_SIZE, RW, MAP_SHARED | MAP_ANONYMOUS), -EINVAL);
	t_expect_eq(t, mm->map_count, 0);
	t_expect_eq(t, atomic_read(&s.file->f_count), 1);
	end(t, s);
}

/* ---- shapes ---- */

KTEST(file_map, vmas_split_merge_and_move_with_their_offsets, KT_UNIT)
{
	struct setting s = begin(t);
	struct vm_area_struct *vma;
	unsigned long to = page_at(100);
	struct page *page;

	/* Two calls that go on where the other ends are one VMA, two that do not are two. */
	t_expect_eq(t, file_mmap(s.mm, BASE, 4, RW, MAP_SHARED, s.file, 0), 0);
	t_expect_eq(t, file_mmap(s.mm, page_at(4), 4, RW, MAP_SHARED, s.file, 4), 0);
	t_expect_eq(t, s.mm->map_count, 1);
	t_expect_eq(t, file_mmap(s.mm, page_at(8), 4, RW, MAP_SHARED, s.file, 4), 0);
	t_expect_eq(t, user_mmap(s.mm, page_at(12), 4, RW), 0);
	t_expect_eq(t, s.mm->map_count, 3);
	t_expect_eq(t, s.file->f_mapping.nr_vmas, 2);
	t_expect_eq(t, atomic_read(&s.file->f_count), 3);

	t_expect_eq(t, put_user((u64)55, page_at(5)), 0);
	t_expect_eq(t, seen_at(page_at(9)), 55);
	page = user_page(s.mm, page_at(5));
	t_assert(t, page);
	t_expect_eq(t, folio_count_rmap(page), 2);

	t_expect_eq(t, vm_munmap(s.mm, page_at(2), 2 * PAGE_SIZE), 0);
	vma = vma_lookup(s.mm, page_at(4));
	t_assert(t, vma);
	t_expect_eq(t, vma->vm_pgoff, 4);
	t_expect_eq(t, s.file->f_mapping.nr_vmas, 3);
	t_expect_eq(t, folio_count_rmap(page), 2);
	t_expect_sane(t, s.mm);

	/* Moved, its offsets stay. */
	t_expect_eq(t,
		    vm_mremap(s.mm, page_at(4), 4 * PAGE_SIZE, 4 * PAGE_SIZE,
			      MREMAP_MAYMOVE | MREMAP_FIXED, to),
		    to);
	t_expect_eq(t, vma_lookup(s.mm, to)->vm_pgoff, 4);
	t_expect(t, user_page(s.mm, to + PAGE_SIZE) == page);
	t_expect_eq(t, folio_count_rmap(page), 2);
	t_expect_eq(t, seen_at(to + 3 * PAGE_SIZE), 107);
	t_expect_eq(t, seen_at(page_at(5)), ~0ull);

	/* The middle of the first mapping again: all merges to one. */
	t_expect_eq(t, file_mmap(s.mm, page_at(2), 2, RW, MAP_SHARED, s.file, 2), 0);
	t_expect_eq(t, s.file->f_mapping.nr_vmas, 3);
	t_expect_eq(t, seen_at(page_at(3)), 103);
	end(t, s);
}

KTEST(file_map, protection_changes_keep_track_of_dirt, KT_UNIT)
{
	struct setting s = begin(t);
	struct page *page;

	t_expect_eq(t, file_mmap(s.mm, BASE, 8, RW, MAP_SHARED, s.file, 0), 0);
	t_expect_eq(t, seen_at(BASE), 100);
	t_expect_eq(t, put_user((u64)1, page_at(1)), 0);
	t_expect_eq(t, vm_mprotect(s.mm, BASE, 2 * PAGE_SIZE, PROT_READ), 0);
	t_expect_eq(t, put_user((u64)2, page_at(1)), -EFAULT);
	t_expect_eq(t, vm_mprotect(s.mm, BASE, 2 * PAGE_SIZE, RW), 0);
	t_expect(t, !pte_write(__pte(user_pte(s.mm, BASE))));
	t_expect_sane(t, s.mm);
	t_expect_eq(t, file_sync(s.file), 0);
	page = user_page(s.mm, page_at(1));
	t_assert(t, page);
	t_expect(t, !page_flag_test(page, PG_dirty));
	t_expect(t, !pte_dirty(__pte(user_pte(s.mm, page_at(1)))));
	t_expect_eq(t, put_user((u64)3, page_at(1)), 0);
	t_expect(t, page_flag_test(page, PG_dirty));

	/* Rights that it has it keeps: no fault, no flush. */
	t_expect_eq(t, vm_mprotect(s.mm, BASE, 2 * PAGE_SIZE, RW | PROT_EXEC), 0);
	t_expect(t, pte_write(__pte(user_pte(s.mm, page_at(1)))));
	t_expect_eq(t, file_word(s.file, 1), 3);
	end(t, s);
}

KTEST(file_map, two_spaces_see_one_page, KT_UNIT)
{
	struct setting s = begin(t);
	struct mm_struct *other = mm_alloc();

	t_assert(t, other);
	t_expect_eq(t, file_mmap(s.mm, BASE, 8, RW, MAP_SHARED, s.file, 0), 0);
	t_expect_eq(t, file_mmap(other, BASE, 4, RW, MAP_SHARED, s.file, 4), 0);
	t_expect_eq(t, put_user((u64)1, page_at(4)), 0);
	mm_unuse(s.mm);
	mm_use(other);
	t_expect_eq(t, seen_at(BASE), 1);
	t_expect_eq(t, put_user((u64)2, page_at(1)), 0);
	mm_unuse(other);
	mm_use(s.mm);
	t_expect_eq(t, seen_at(page_at(5)), 2);
	t_expect(t, user_page(s.mm, page_at(5)) == user_page(other, page_at(1)));
	t_expect_eq(t, folio_count_rmap(user_page(s.mm, page_at(5))), 2);
	t_expect_eq(t, file_sync(s.file), 0);
	t_expect(t, !pte_write(__pte(user_pte(s.mm, page_at(5)))));
	t_expect(t, !pte_write(__pte(user_pte(other, page_at(1)))));
	t_expect_sane(t, other);
	mmput(other);
	end(t, s);
}
