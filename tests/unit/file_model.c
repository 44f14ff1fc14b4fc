/*
 * file_model.c - random operations on files and on address spaces that map them, against arrays.
 *
 * The model knows one word of each page of each file, how long the files are, and for each page of
 * each window what it maps and whether it has a copy of its own. It knows nothing of caches, dirt
 * or write-back, which therefore must not be seen.
 */
#include <errno.h>
#include <string.h>

#include "kernel/base/err.h"
#include "kernel/core/user.h"
#include "mm/filemap.h"
#include "mm/mman.h"
#include "mm/vma.h"
#include "tests/ktest.h"
#include "tests/mm_file.h"
#include "tests/mm_user.h"

#define RW	   (PROT_READ | PROT_WRITE)
#define NR_FILES   3u
#define FILE_PAGES 20u
#define NR_MMS	   3u
#define NR_PAGES   32u /* of a window */
#define OFFSET	   2048u /* of the word in its page */
#define PARTIAL	   1000u /* bytes of a last page that is not whole: the word lies beyond */
#define BASE	   (USER_BASE + PMD_SIZE - 11 * PAGE_SIZE) /* crosses a border of tables */
#define addr_of(n) (BASE + (n)*PAGE_SIZE + OFFSET)

struct file_model {
	struct file *file;
	u64 size;
	u64 word[FILE_PAGES];
};

struct cell {
	bool mapped, shared, writable;
	bool copied; /* has a page of its own, with: */
	u8 file;
	u8 pgoff;
	u64 word;
};

struct actor {
	struct ktest *t;
	struct rng rng;
	struct file_model file[NR_FILES];
	struct mm_struct *mm[NR_MMS];
	struct cell cell[NR_MMS][NR_PAGES];
	unsigned now; /* which mm is in use */
};

static unsigned below(struct actor *a, unsigned bound)
{
	return rng_below(&a->rng, bound);
}

static unsigned pick_range(struct actor *a, unsigned *first)
{
	*first = below(a, NR_PAGES);
	return 1 + below(a, min(NR_PAGES - *first, 8u));
}

static bool all_mapped(const struct cell *cell, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++) {
		if (!cell[i].mapped)
			return false;
	}
	return true;
}

/* ---- address spaces ---- */

static void op_map(struct actor *a, struct mm_struct *mm, struct cell *cell)
{
	unsigned first, nr = pick_range(a, &first), f = below(a, NR_FILES);
	/* Natural offsets half of the time, so that neighbours merge. */
	unsigned pgoff = below(a, 2) ? first % FILE_PAGES : below(a, FILE_PAGES);
	bool shared = below(a, 2), writable = below(a, 4);

	t_expect_eq(a->t,
		    file_mmap(mm, BASE + first * PAGE_SIZE, nr, writable ? RW : PROT_READ,
			      shared ? MAP_SHARED : MAP_PRIVATE, a->file[f].file, pgoff),
		    0);
	for (unsigned i = 0; i < nr; i++)
		cell[first + i] = (struct cell){.mapped = true,
						.shared = shared,
						.writable = writable,
						.file = f,
						.pgoff = pgoff + i};
}

static void op_unmap(struct actor *a, struct mm_struct *mm, struct cell *cell)
{
	unsigned first, nr = pick_range(a, &first);

	t_expect_eq(a->t, vm_munmap(mm, BASE + first * PAGE_SIZE, nr * PAGE_SIZE), 0);
	memset(&cell[first], 0, nr * sizeof(*cell));
}

static void op_protect(struct actor *a, struct mm_struct *mm, struct cell *cell)
{
	unsigned first, nr = pick_range(a, &first);
	bool writable = below(a, 3);
	int err = vm_mprotect(mm, BASE + first * PAGE_SIZE, nr * PAGE_SIZE,
			      writable ? RW : PROT_READ);

	t_expect_eq(a->t, err, all_mapped(&cell[first], nr) ? 0 : -ENOMEM);
	for (unsigned i = first; i < first + nr && cell[i].mapped; i++)
		cell[i].writable = writable;
}

static void op_dontneed(struct actor *a, struct mm_struct *mm, struct cell *cell)
{
	unsigned first, nr = pick_range(a, &first);
	int err = vm_madvise(mm, BASE + first * PAGE_SIZE, nr * PAGE_SIZE, MADV_DONTNEED);

	t_expect_eq(a->t, err, all_mapped(&cell[first], nr) ? 0 : -ENOMEM);
	for (unsigned i = first; i < first + nr; i++)
		cell[i].copied = false;
}

/* Nothing of it may be seen: pages of files are stored, if dirty, and dropped. */
static void op_pageout(struct actor *a, struct mm_struct *mm, struct cell *cell)
{
	unsigned first, nr = pick_range(a, &first);
	int err = vm_madvise(mm, BASE + first * PAGE_SIZE, nr * PAGE_SIZE, MADV_PAGEOUT);

	t_expect_eq(a->t, err, all_mapped(&cell[first], nr) ? 0 : -ENOMEM);
}

static void op_move(struct actor *a, struct mm_struct *mm, struct cell *cell)
{
	unsigned from, nr = pick_range(a, &from), to = below(a, NR_PAGES - nr + 1);
	struct vm_area_struct *vma = vma_lookup(mm, BASE + from * PAGE_SIZE);
	unsigned long len = nr * PAGE_SIZE, at;
	struct cell moved[8];
	bool whole = vma && vma->vm_end >= BASE + (from + nr) * PAGE_SIZE;

	if (to < from + nr && from < to + nr)
		return;
	at = vm_mremap(mm, BASE + from * PAGE_SIZE, len, len, MREMAP_MAYMOVE | MREMAP_FIXED,
		       BASE + to * PAGE_SIZE);
	t_expect_eq(a->t, at, whole ? BASE + to * PAGE_SIZE : -EFAULT);
	if (!whole)
		return;
	memcpy(moved, &cell[from], nr * sizeof(*cell));
	memset(&cell[from], 0, nr * sizeof(*cell));
	memcpy(&cell[to], moved, nr * sizeof(*cell));
}

/* ---- accesses ---- */

static int expected_error(struct actor *a, const struct cell *cell, bool write)
{
	if (!cell->mapped || (write && !cell->writable))
		return -EFAULT;
	return cell->pgoff < size_pages(a->file[cell->file].size) ? 0 : -EIO;
}

static void op_write(struct actor *a, struct mm_struct *mm __maybe_unused, struct cell *cell)
{
	unsigned i = below(a, NR_PAGES);
	u64 word = rng_next(&a->rng) | 1;
	int err = put_user(word, addr_of(i));

	t_expect_eq(a->t, err, expected_error(a, &cell[i], true));
	if (err)
		return;
	if (cell[i].shared) {
		a->file[cell[i].file].word[cell[i].pgoff] = word;
	} else {
		cell[i].copied = true;
		cell[i].word = word;
	}
}

static void read_cell(struct actor *a, const struct cell *cell, unsigned i)
{
	u64 word = 0;
	int err = get_user(&word, addr_of(i));

	t_expect_eq(a->t, err, expected_error(a, cell, false));
	if (!err)
		t_expect_eq(a->t, word,
			    cell->copied ? cell->word : a->file[cell->file].word[cell->pgoff]);
}

static void op_read(struct actor *a, struct mm_struct *mm __maybe_unused, struct cell *cell)
{
	unsigned i = below(a, NR_PAGES);

	read_cell(a, &cell[i], i);
}

/* ---- files ---- */

static struct file_model *pick_file(struct actor *a)
{
	return &a->file[below(a, NR_FILES)];
}

static void op_file_write(struct actor *a, struct mm_struct *mm __maybe_unused,
			  struct cell *cell __maybe_unused)
{
	struct file_model *f = pick_file(a);
	unsigned p = below(a, FILE_PAGES);
	u64 word = rng_next(&a->rng) | 1, at = p * PAGE_SIZE + OFFSET;
	bool inside = at < f->size;

	t_expect_eq(a->t, file_write(f->file, &word, sizeof(word), at), inside ? 8 : 0);
	if (inside)
		f->word[p] = word;
}

static void op_file_read(struct actor *a, struct mm_struct *mm __maybe_unused,
			 struct cell *cell __maybe_unused)
{
	struct file_model *f = pick_file(a);
	unsigned p = below(a, FILE_PAGES);
	u64 word = 0, at = p * PAGE_SIZE + OFFSET;
	bool inside = at < f->size;

	t_expect_eq(a->t, file_read(f->file, &word, sizeof(word), at), inside ? 8 : 0);
	if (inside)
		t_expect_eq(a->t, word, f->word[p]);
}

static void model_truncate(struct actor *a, struct file_model *f, u64 size)
{
	unsigned long pages = size_pages(size), old = size_pages(f->size);

	/* The rest of a page that is not whole is zero after each change. */
	if (size < f->size && size % PAGE_SIZE)
		f->word[pages - 1] = 0;
	if (size > f->size && f->size % PAGE_SIZE)
		f->word[old - 1] = 0;
	for (unsigned long p = pages; p < FILE_PAGES; p++)
		f->word[p] = 0;
	f->size = size;
	for (unsigned m = 0; m < NR_MMS; m++) {
		for (unsigned i = 0; i < NR_PAGES; i++) {
			struct cell *cell = &a->cell[m][i];

			if (&a->file[cell->file] == f && cell->pgoff >= pages)
				cell->copied = false;
		}
	}
}

static void op_truncate(struct actor *a, struct mm_struct *mm __maybe_unused,
			struct cell *cell __maybe_unused)
{
	struct file_model *f = pick_file(a);
	u64 size = below(a, FILE_PAGES) * PAGE_SIZE + (below(a, 2) ? PARTIAL : 0);

	t_expect_eq(a->t, file_truncate(f->file, size), 0);
	model_truncate(a, f, size);
}

static void op_sync(struct actor *a, struct mm_struct *mm __maybe_unused,
		    struct cell *cell __maybe_unused)
{
	struct file_model *f = pick_file(a);

	t_expect_eq(a->t, file_sync(f->file), 0);
	if (below(a, 2))
		file_drop_clean(f->file);
}

static void (*const ops[])(struct actor *, struct mm_struct *, struct cell *) = {
	op_map,	  op_map,   op_unmap, op_protect, op_dontneed, op_move,	 op_file_write,
	op_write, op_write, op_write, op_write,	  op_read,     op_read,	 op_file_read,
	op_sync,  op_truncate, op_pageout,
};

/* ---- the whole ---- */

static void compare(struct actor *a)
{
	for (unsigned i = 0; i < NR_PAGES; i++)
		read_cell(a, &a->cell[a->now][i], i);
	for (unsigned f = 0; f < NR_FILES; f++)
		t_expect_file_sane(a->t, a->file[f].file);
	t_expect_sane(a->t, a->mm[a->now]);
}

static void begin(struct actor *a)
{
	for (unsigned f = 0; f < NR_FILES; f++) {
		a->file[f].size = FILE_PAGES / 2 * PAGE_SIZE;
		a->file[f].file = file_create("model", a->file[f].size);
		t_assert(a->t, !IS_ERR(a->file[f].file));
	}
	for (unsigned i = 0; i < NR_MMS; i++) {
		a->mm[i] = mm_alloc();
		t_assert(a->t, a->mm[i]);
	}
}

static void end(struct actor *a)
{
	for (unsigned i = 0; i < NR_MMS; i++)
		mmput(a->mm[i]);
	for (unsigned f = 0; f < NR_FILES; f++) {
		t_expect_eq(a->t, atomic_read(&a->file[f].file->f_count), 1);
		fput(a->file[f].file);
	}
}

static struct actor actors[4];

static void run_actor(struct ktest *t, unsigned i, void *arg)
{
	struct actor *a = &actors[i];

	memset(a, 0, sizeof(*a));
	a->t = t;
	rng_init(&a->rng, t_seed(t) + i);
	begin(a);
	mm_use(a->mm[0]);
	for (u64 n = 1; n <= *(u64 *)arg; n++) {
		ops[below(a, ARRAY_SIZE(ops))](a, a->mm[a->now], a->cell[a->now]);
		if (n % 32 == 0) {
			mm_unuse(a->mm[a->now]);
			a->now = below(a, NR_MMS);
			mm_use(a->mm[a->now]);
		}
		if (n % 256 == 0)
			compare(a);
	}
	compare(a);
	mm_unuse(a->mm[a->now]);
	end(a);
}

KTEST(file_model, one_thread, KT_MODEL)
{
	u64 nr = t_scale(t, 12000);

	run_actor(t, 0, &nr);
}

/* Each has files and spaces of its own. */
KTEST(file_model, four_threads, KT_MODEL)
{
	u64 nr = t_scale(t, 3000);

	t_parallel(t, 4, run_actor, &nr);
}
