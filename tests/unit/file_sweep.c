/*
 * file_sweep.c - every allocation and every transfer of an operation on files fails in turn: what
 * was, is still.
 */
#include <errno.h>

#include "kernel/base/err.h"
#include "kernel/core/user.h"
#include "mm/filemap.h"
#include "mm/mman.h"
#include "tests/ktest.h"
#include "tests/mm_file.h"
#include "tests/mm_same.h"
#include "tests/mm_user.h"

#define BASE USER_BASE
#define RW   (PROT_READ | PROT_WRITE)
#define page_at(n) (BASE + (n)*PAGE_SIZE)

/* An address space in use, a file of 200 pages (two levels of the cache's map), pictures. */
struct setting {
	struct mm_struct *mm;
	struct file *file;
	struct mm_picture *before;
	unsigned long cached, dirty;
	u64 size;
	int refs;
};

static struct setting begin(struct ktest *t, unsigned long flags, unsigned long touched)
{
	struct setting s = {.mm = mm_alloc(), .file = t_file(t, "swept", 200, 1000)};

	t_assert(t, s.mm);
	mm_use(s.mm);
	if (flags)
		t_expect_eq(t, file_mmap(s.mm, BASE, 100, RW, flags, s.file, 60), 0);
	t_expect_eq(t, user_touch(BASE, touched, 7), 0);
	s.before = mm_picture_take(s.mm);
	t_assert(t, s.before);
	filemap_count(&s.file->f_mapping, &s.cached, &s.dirty);
	s.size = i_size_read(s.file);
	s.refs = atomic_read(&s.file->f_count);
	return s;
}

static void end(struct ktest *t, struct setting s)
{
	mm_picture_free(s.before);
	t_expect_sane(t, s.mm);
	t_expect_file_sane(t, s.file);
	mm_unuse(s.mm);
	mmput(s.mm);
	fput(s.file);
}

static void expect_unchanged(struct ktest *t, const struct setting *s)
{
	unsigned long cached, dirty;

	t_expect_same(t, s->before, s->mm);
	t_expect_sane(t, s->mm);
	t_expect_file_sane(t, s->file);
	filemap_count(&s->file->f_mapping, &cached, &dirty);
	t_expect_eq(t, dirty, s->dirty);
	t_expect_eq(t, i_size_read(s->file), s->size);
	t_expect_eq(t, atomic_read(&s->file->f_count), s->refs);
	t_expect_eq(t, s->file->f_mapping.nr_vmas, s->refs - 1);
}

static int create(struct file **out)
{
	struct file *file = file_create("new", 100 * PAGE_SIZE);

	*out = IS_ERR(file) ? NULL : file;
	return IS_ERR(file) ? (int)PTR_ERR(file) : 0;
}

KTEST(file_sweep, create, KT_SWEEP)
{
	struct file *file = NULL;

	fault_sweep(t, create(&file), t_expect(t, !file));
	t_assert(t, file);
	fput(file);
}

KTEST(file_sweep, read_fault, KT_SWEEP)
{
	struct setting s = begin(t, MAP_SHARED, 0);
	u64 value = 0;

	fault_sweep(t, get_user(&value, page_at(70)), expect_unchanged(t, &s));
	t_expect_eq(t, value, 1130);
	end(t, s);
}

KTEST(file_sweep, shared_write, KT_SWEEP)
{
	struct setting s = begin(t, MAP_SHARED, 0);

	fault_sweep(t, put_user((u64)1, page_at(70)), expect_unchanged(t, &s));
	t_expect_eq(t, file_word(s.file, 130), 1);
	end(t, s);
}

KTEST(file_sweep, private_write, KT_SWEEP)
{
	struct setting s = begin(t, MAP_PRIVATE, 0);

	fault_sweep(t, put_user((u64)1, page_at(70)), expect_unchanged(t, &s));
	t_expect_eq(t, file_word(s.file, 130), 1130);
	end(t, s);
}

KTEST(file_sweep, private_copy_of_what_was_read, KT_SWEEP)
{
	struct setting s = begin(t, MAP_PRIVATE, 0);
	u64 value;

	t_expect_eq(t, get_user(&value, page_at(3)), 0);
	mm_picture_free(s.before);
	s.before = mm_picture_take(s.mm);
	t_assert(t, s.before);
	fault_sweep(t, put_user((u64)1, page_at(3)), expect_unchanged(t, &s));
	end(t, s);
}

static int map_over(struct setting *s)
{
	return file_mmap(s->mm, page_at(10), 5, RW, MAP_SHARED, s->file, 3);
}

KTEST(file_sweep, mmap_over_the_middle, KT_SWEEP)
{
	struct setting s = begin(t, MAP_SHARED, 20);

	fault_sweep(t, map_over(&s), expect_unchanged(t, &s));
	t_expect_eq(t, s.file->f_mapping.nr_vmas, 3);
	end(t, s);
}

KTEST(file_sweep, munmap_of_the_middle, KT_SWEEP)
{
	struct setting s = begin(t, MAP_PRIVATE, 20);

	fault_sweep(t, vm_munmap(s.mm, page_at(10), 5 * PAGE_SIZE), expect_unchanged(t, &s));
	end(t, s);
}

static int move_middle(struct setting *s)
{
	unsigned long to = page_at(2000);
	unsigned long at = vm_mremap(s->mm, page_at(10), 5 * PAGE_SIZE, 8 * PAGE_SIZE,
				     MREMAP_MAYMOVE | MREMAP_FIXED, to);

	return mm_is_err(at) ? (int)at : 0;
}

KTEST(file_sweep, mremap_of_the_middle, KT_SWEEP)
{
	struct setting s = begin(t, MAP_SHARED, 20);

	fault_sweep(t, move_middle(&s), expect_unchanged(t, &s));
	t_expect_eq(t, s.file->f_mapping.nr_vmas, 3);
	end(t, s);
}

/* The partial page must be read, and written on. */
KTEST(file_sweep, cut, KT_SWEEP)
{
	struct setting s = begin(t, MAP_SHARED, 20);

	fault_sweep(t, file_truncate(s.file, 150 * PAGE_SIZE + 10), expect_unchanged(t, &s));
	t_expect_eq(t, i_size_read(s.file), 150 * PAGE_SIZE + 10);
	end(t, s);
}

KTEST(file_sweep, grow, KT_SWEEP)
{
	struct setting s = begin(t, MAP_SHARED, 20);

	fault_sweep(t, file_truncate(s.file, 300 * PAGE_SIZE), expect_unchanged(t, &s));
	t_expect_eq(t, file_word(s.file, 299), 0);
	end(t, s);
}

static int read_all(struct file *file, long *sum)
{
	*sum = 0;
	for (unsigned long i = 0; i < 3; i++) {
		u64 word;
		long done = file_read(file, &word, sizeof(word), i * PAGE_SIZE);

		if (done < 0)
			return (int)done;
		*sum += (long)word;
	}
	return 0;
}

KTEST(file_sweep, read, KT_SWEEP)
{
	struct setting s = begin(t, 0, 0);
	long sum = 0;

	fault_sweep(t, read_all(s.file, &sum), expect_unchanged(t, &s));
	t_expect_eq(t, sum, 3003);
	end(t, s);
}

KTEST(file_sweep, write, KT_SWEEP)
{
	struct setting s = begin(t, 0, 0);

	fault_sweep(t, file_set_word(s.file, 190, 5), expect_unchanged(t, &s));
	t_expect_eq(t, file_word(s.file, 190), 5);
	end(t, s);
}

/* One page could not be stored; all become dirty again for the next round. */
static void expect_dirt(struct ktest *t, const struct setting *s)
{
	unsigned long cached, dirty;

	filemap_count(&s->file->f_mapping, &cached, &dirty);
	t_expect_eq(t, dirty, 1);
	t_expect_sane(t, s->mm);
	t_expect_eq(t, user_touch(BASE, 20, 7), 0);
}

/* What could not be stored is dirty still, and nothing is lost. */
KTEST(file_sweep, sync, KT_SWEEP)
{
	struct setting s = begin(t, MAP_SHARED, 20);
	unsigned long cached, dirty;

	t_expect_eq(t, s.dirty, 20);
	fault_sweep(t, file_sync(s.file), expect_dirt(t, &s));
	filemap_count(&s.file->f_mapping, &cached, &dirty);
	t_expect_eq(t, dirty, 0);
	t_expect_eq(t, vm_munmap(s.mm, BASE, 100 * PAGE_SIZE), 0);
	t_expect_eq(t, file_drop_clean(s.file), 20);
	for (unsigned long i = 0; i < 20; i++)
		t_expect_eq(t, file_word(s.file, 60 + i), 7);
	end(t, s);
}
