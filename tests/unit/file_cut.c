/*
 * file_cut.c - files that get another size: what is seen, what is gone, what comes back as zeros.
 */
#include <errno.h>
#include <string.h>

#include "kernel/core/user.h"
#include "mm/filemap.h"
#include "mm/i_mmap.h"
#include "mm/mman.h"
#include "mm/rmap.h"
#include "tests/ktest.h"
#include "tests/mm_file.h"
#include "tests/mm_swap.h"
#include "tests/mm_user.h"

#define BASE USER_BASE
#define RW   (PROT_READ | PROT_WRITE)
#define page_at(n) (BASE + (n)*PAGE_SIZE)

struct setting {
	struct mm_struct *mm;
	struct file *file; /* 8 pages: 100, 101, ... */
};

static struct setting begin(struct ktest *t, unsigned long flags)
{
	struct setting s = {mm_alloc(), t_file(t, "cut", 8, 100)};

	t_assert(t, s.mm);
	t_expect_eq(t, file_mmap(s.mm, BASE, 8, RW, flags, s.file, 0), 0);
	mm_use(s.mm);
	return s;
}

static void end(struct ktest *t, struct setting s)
{
	t_expect_sane(t, s.mm);
	t_expect_file_sane(t, s.file);
	mm_unuse(s.mm);
	mmput(s.mm);
	fput(s.file);
}

/* The word at @addr; the errno, which no word here is, if there is none. */
static long seen(unsigned long addr)
{
	u64 value;
	int err = get_user(&value, addr);

	return err ? err : (long)value;
}

KTEST(file_cut, what_is_cut_is_gone_everywhere, KT_UNIT)
{
	struct setting s = begin(t, MAP_SHARED);
	struct mm_struct *other = mm_alloc();

	t_assert(t, other);
	t_expect_eq(t, file_mmap(other, BASE, 8, RW, MAP_SHARED, s.file, 0), 0);
	for (unsigned long i = 0; i < 8; i++)
		t_expect_eq(t, put_user((u64)(200 + i), page_at(i)), 0);
	mm_unuse(s.mm);
	mm_use(other);
	for (unsigned long i = 0; i < 8; i++)
		t_expect_eq(t, seen(page_at(i)), 200 + i);
	mm_unuse(other);
	mm_use(s.mm);

	t_expect_eq(t, file_truncate(s.file, 3 * PAGE_SIZE), 0);
	t_expect_eq(t, user_mapped(s.mm, BASE, 8), 3);
	t_expect_eq(t, user_mapped(other, BASE, 8), 3);
	t_expect_eq(t, get_mm_counter(s.mm, MM_FILEPAGES), 3);
	t_expect_eq(t, s.file->f_mapping.nrpages, 3);
	t_expect_eq(t, seen(page_at(2)), 202);
	t_expect_eq(t, seen(page_at(3)), -EIO);
	t_expect_eq(t, put_user((u64)1, page_at(7)), -EIO);
	t_expect_eq(t, (long)file_word(s.file, 3), -1);

	/* What comes back is new. */
	t_expect_eq(t, file_truncate(s.file, 6 * PAGE_SIZE), 0);
	t_expect_eq(t, seen(page_at(2)), 202);
	t_expect_eq(t, seen(page_at(3)), 0);
	t_expect_eq(t, put_user((u64)5, page_at(5)), 0);
	t_expect_eq(t, file_word(s.file, 5), 5);
	t_expect_eq(t, seen(page_at(6)), -EIO);
	t_expect_sane(t, other);
	mmput(other);
	end(t, s);
}

KTEST(file_cut, private_copies_are_cut_too, KT_UNIT)
{
	struct setting s = begin(t, MAP_PRIVATE);

	t_expect_eq(t, put_user((u64)1, page_at(1)), 0);
	t_expect_eq(t, put_user((u64)2, page_at(5)), 0);
	t_expect_eq(t, file_truncate(s.file, 4 * PAGE_SIZE), 0);
	t_expect_eq(t, get_mm_counter(s.mm, MM_ANONPAGES), 1);
	t_expect_eq(t, seen(page_at(1)), 1);
	t_expect_eq(t, seen(page_at(5)), -EIO);
	t_expect_eq(t, file_truncate(s.file, 8 * PAGE_SIZE), 0);
	t_expect_eq(t, seen(page_at(5)), 0);
	end(t, s);
}

KTEST(file_cut, copies_in_swap_are_cut_too, KT_UNIT)
{
	struct block_device *bdev = t_swapon(t, 64);
	struct setting s = begin(t, MAP_PRIVATE);

	t_expect_eq(t, user_touch(BASE, 8, 4), 0);
	t_expect_eq(t, user_swap_out(s.mm, BASE, 8), 8);
	t_expect_eq(t, get_mm_counter(s.mm, MM_SWAPENTS), 8);
	t_expect_eq(t, file_truncate(s.file, 3 * PAGE_SIZE), 0);
	t_expect_eq(t, get_mm_counter(s.mm, MM_SWAPENTS), 3);
	t_expect_swap_sane(t);
	t_expect_eq(t, seen(page_at(2)), 4);
	t_expect_eq(t, seen(page_at(3)), -EIO);
	t_expect_eq(t, file_truncate(s.file, 8 * PAGE_SIZE), 0);
	t_expect_eq(t, seen(page_at(3)), 0);
	end(t, s);
	t_swapoff(t, bdev);
}

/* The rest of the last page is zero whenever the file grows over it, whoever wrote there. */
KTEST(file_cut, the_partial_page_ends_in_zeros, KT_UNIT)
{
	struct setting s = begin(t, MAP_SHARED);
	unsigned long last = page_at(2) + 2048;

	t_expect_eq(t, put_user((u64)7, page_at(2)), 0);
	t_expect_eq(t, put_user((u64)8, last), 0);
	t_expect_eq(t, file_truncate(s.file, 2 * PAGE_SIZE + 1000), 0);
	t_expect_eq(t, seen(page_at(2)), 7);
	t_expect_eq(t, seen(last), 0);
	t_expect_eq(t, seen(page_at(3)), -EIO);

	/* Beyond the end, and yet on a page of the file: allowed, and lost. */
	t_expect_eq(t, put_user((u64)9, last), 0);
	t_expect_eq(t, file_truncate(s.file, 8 * PAGE_SIZE), 0);
	t_expect_eq(t, seen(last), 0);
	t_expect_eq(t, seen(page_at(2)), 7);
	t_expect_eq(t, file_sync(s.file), 0);
	t_expect_eq(t, vm_munmap(s.mm, BASE, 8 * PAGE_SIZE), 0);
	file_drop_clean(s.file);
	t_expect_eq(t, s.file->f_mapping.nrpages, 0);
	t_expect_eq(t, file_word(s.file, 2), 7);
	end(t, s);
}

KTEST(file_cut, sizes_at_the_borders, KT_UNIT)
{
	struct setting s = begin(t, MAP_SHARED);
	char buf[16];

	t_expect_eq(t, file_truncate(s.file, 8 * PAGE_SIZE), 0);
	t_expect_eq(t, file_truncate(s.file, FILE_SIZE_MAX + 1), -EFBIG);
	t_expect_eq(t, i_size_read(s.file), 8 * PAGE_SIZE);
	t_expect_eq(t, file_truncate(s.file, 1), 0);
	t_expect_eq(t, file_read(s.file, buf, sizeof(buf), 0), 1);
	t_expect_eq(t, buf[0], 100);
	t_expect_eq(t, file_read(s.file, buf, sizeof(buf), 1), 0);
	t_expect_eq(t, file_write(s.file, buf, sizeof(buf), 5), 0);
	t_expect_eq(t, seen(BASE), 100);
	t_expect_eq(t, file_truncate(s.file, 0), 0);
	t_expect_eq(t, seen(BASE), -EIO);
	t_expect_eq(t, s.file->f_mapping.nrpages, 0);
	t_expect_eq(t, file_read(s.file, buf, sizeof(buf), 0), 0);
	end(t, s);
}

KTEST(file_cut, reads_and_writes_cross_pages, KT_UNIT)
{
	struct file *file = t_file(t, "bytes", 4, 0);
	char out[600], in[600];

	for (unsigned i = 0; i < sizeof(out); i++)
		out[i] = (char)(i * 7 + 1);
	t_expect_eq(t, file_write(file, out, sizeof(out), 2 * PAGE_SIZE - 300), 600);
	t_expect_eq(t, file_read(file, in, sizeof(in), 2 * PAGE_SIZE - 300), 600);
	t_expect_eq(t, memcmp(in, out, sizeof(in)), 0);
	t_expect_eq(t, file_write(file, out, sizeof(out), 4 * PAGE_SIZE - 100), 100);
	t_expect_eq(t, file_read(file, in, sizeof(in), 4 * PAGE_SIZE - 100), 100);
	t_expect_eq(t, memcmp(in, out, 100), 0);
	t_expect(t, file_open("bytes") == file);
	t_expect(t, file_open("no such file") == NULL);
	t_expect_eq(t, atomic_read(&file->f_count), 2);
	fput(file);
	t_expect_file_sane(t, file);
	fput(file);
}

KTEST(file_cut, a_range_is_unmapped_and_no_more, KT_UNIT)
{
	struct setting s = begin(t, MAP_SHARED);

	t_expect_eq(t, user_touch(BASE, 8, 3), 0);
	unmap_mapping_range(&s.file->f_mapping, 2, 4);
	t_expect_eq(t, user_mapped(s.mm, BASE, 8), 5);
	t_expect_eq(t, user_mapped(s.mm, page_at(2), 3), 0);
	t_expect_eq(t, get_mm_counter(s.mm, MM_FILEPAGES), 5);
	t_expect_eq(t, seen(page_at(3)), 3);
	end(t, s);
}

/* Moved and split VMAs are found by what cuts the file. */
KTEST(file_cut, vmas_of_every_shape_are_found, KT_UNIT)
{
	struct setting s = begin(t, MAP_SHARED);
	unsigned long to = page_at(300);

	t_expect_eq(t, user_touch(BASE, 8, 1), 0);
	t_expect_eq(t, vm_munmap(s.mm, page_at(3), PAGE_SIZE), 0);
	t_expect_eq(t,
		    vm_mremap(s.mm, page_at(5), 3 * PAGE_SIZE, 3 * PAGE_SIZE,
			      MREMAP_MAYMOVE | MREMAP_FIXED, to),
		    to);
	t_expect_eq(t, vm_mprotect(s.mm, page_at(1), PAGE_SIZE, PROT_READ), 0);
	t_expect_eq(t, get_mm_counter(s.mm, MM_FILEPAGES), 7);
	t_expect_eq(t, file_truncate(s.file, 6 * PAGE_SIZE), 0);
	t_expect_eq(t, get_mm_counter(s.mm, MM_FILEPAGES), 5);
	t_expect_eq(t, seen(to), 1);
	t_expect_eq(t, seen(to + PAGE_SIZE), -EIO);
	t_expect_eq(t, file_truncate(s.file, PAGE_SIZE), 0);
	t_expect_eq(t, get_mm_counter(s.mm, MM_FILEPAGES), 1);
	end(t, s);
}
