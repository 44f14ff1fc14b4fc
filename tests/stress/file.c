/*
 * file.c - threads that share a file and two address spaces that map it, while it is cut, grown,
 * written back, paged out and dropped from the cache.
 *
 * Word w of each page is thread w's: only it writes there, so it knows what it must see. The upper
 * half of the file comes and goes: there a word may also be zero, or missing.
 */
#include <errno.h>

#include "kernel/core/user.h"
#include "kernel/x86/percpu.h"
#include "mm/filemap.h"
#include "mm/mman.h"
#include "tests/ktest.h"
#include "tests/mm_file.h"
#include "tests/mm_user.h"

#define RW	    (PROT_READ | PROT_WRITE)
#define SHARED_AT   (USER_BASE + PMD_SIZE - 8 * PAGE_SIZE)
#define PRIVATE_AT  (USER_BASE + 64 * PMD_SIZE)
#define NR_PAGES    32u
#define KEPT_PAGES  16u /* the lower half: never cut */
#define MAX_THREADS 8u

struct owner {
	struct ktest *t;
	struct rng rng;
	unsigned id;
	struct file *file;
	u64 word[NR_PAGES]; /* in the file */
};

struct shared_work {
	struct file *file;
	struct mm_struct *mm[2];
	u64 nr_ops;
};

static struct owner owners[MAX_THREADS];

/* @seen was found where @o last wrote *@word. */
static void expect_word(struct owner *o, unsigned p, u64 seen, u64 *word)
{
	if (seen == 0 && p >= KEPT_PAGES)
		*word = 0;
	t_expect_eq(o->t, seen, *word);
}

static void touch_shared(struct owner *o, unsigned p)
{
	unsigned long addr = SHARED_AT + p * PAGE_SIZE + o->id * 8;
	u64 word = rng_next(&o->rng) | 1, seen = 0;
	int err = get_user(&seen, addr);

	t_expect(o->t, !err || (err == -EIO && p >= KEPT_PAGES));
	if (!err)
		expect_word(o, p, seen, &o->word[p]);
	err = put_user(word, addr);
	t_expect(o->t, !err || (err == -EIO && p >= KEPT_PAGES));
	if (!err)
		o->word[p] = word;
}

/* By the kernel, half of the time. */
static void copy_shared(struct owner *o, unsigned p)
{
	u64 word = rng_next(&o->rng) | 1, seen = 0, at = p * PAGE_SIZE + o->id * 8;

	if (file_read(o->file, &seen, sizeof(seen), at) == 8)
		expect_word(o, p, seen, &o->word[p]);
	else
		t_expect(o->t, p >= KEPT_PAGES);
	if (file_write(o->file, &word, sizeof(word), at) == 8)
		o->word[p] = word;
	else
		t_expect(o->t, p >= KEPT_PAGES);
}

/* A window of its own in the space in use, private: mapped, written, given back. */
static void use_private(struct owner *o, struct mm_struct *mm)
{
	unsigned long base = PRIVATE_AT + o->id * 2 * NR_PAGES * PAGE_SIZE;
	unsigned first = rng_below(&o->rng, KEPT_PAGES - 2);

	t_expect_eq(o->t,
		    file_mmap(mm, base + first * PAGE_SIZE, 2, RW, MAP_PRIVATE, o->file, first), 0);
	for (unsigned p = first; p < first + 2; p++) {
		unsigned long addr = base + p * PAGE_SIZE + o->id * 8;
		u64 seen = 0;

		if (rng_chance(&o->rng, 50)) {
			t_expect_eq(o->t, get_user(&seen, addr), 0);
			t_expect_eq(o->t, seen, o->word[p]);
		}
		t_expect_eq(o->t, put_user((u64)5, addr), 0);
		t_expect_eq(o->t, get_user(&seen, addr), 0);
		t_expect_eq(o->t, seen, 5);
	}
	t_expect_eq(o->t, vm_munmap(mm, base + first * PAGE_SIZE, 2 * PAGE_SIZE), 0);
}

static void change_file(struct owner *o)
{
	u64 size = (KEPT_PAGES + rng_below(&o->rng, NR_PAGES - KEPT_PAGES + 1)) * PAGE_SIZE;

	switch (rng_below(&o->rng, 4)) {
	case 0:
		t_expect_eq(o->t, file_truncate(o->file, size), 0);
		break;
	case 1:
		file_drop_clean(o->file);
		break;
	default:
		t_expect_eq(o->t, file_sync(o->file), 0);
	}
}

static void one_op(struct owner *o, struct mm_struct *mm)
{
	unsigned p = rng_below(&o->rng, NR_PAGES);

	switch (rng_below(&o->rng, 10)) {
	case 0:
		change_file(o);
		break;
	case 1:
		copy_shared(o, p);
		break;
	case 2:
		t_expect_eq(o->t,
			    vm_madvise(mm, SHARED_AT + p * PAGE_SIZE, PAGE_SIZE,
				       rng_chance(&o->rng, 50) ? MADV_DONTNEED : MADV_PAGEOUT),
			    0);
		break;
	case 3:
		use_private(o, mm);
		break;
	default:
		touch_shared(o, p);
	}
}

static void run_owner(struct ktest *t, unsigned i, void *arg)
{
	const struct shared_work *work = arg;
	struct mm_struct *mm = work->mm[i % 2];
	struct owner *o = &owners[i];

	*o = (struct owner){.t = t, .id = i, .file = work->file};
	rng_init(&o->rng, t_seed(t) + i);
	mm_use(mm);
	for (u64 n = 0; n < work->nr_ops; n++)
		one_op(o, mm);
	mm_unuse(mm);
}

KTEST(stress, one_file_of_many, KT_STRESS)
{
	unsigned nr = min(max(4u, nr_vcpus * 2), MAX_THREADS);
	struct shared_work work = {
		.file = t_file(t, "shared", NR_PAGES, 0),
		.nr_ops = t_scale(t, 200),
	};

	for (unsigned long p = 0; p < NR_PAGES; p++)
		t_expect_eq(t, file_set_word(work.file, p, 0), 0);
	for (unsigned i = 0; i < 2; i++) {
		work.mm[i] = mm_alloc();
		t_assert(t, work.mm[i]);
		t_expect_eq(t,
			    file_mmap(work.mm[i], SHARED_AT, NR_PAGES, RW, MAP_SHARED, work.file,
				      0),
			    0);
	}
	t_parallel(t, nr, run_owner, &work);
	for (unsigned i = 0; i < 2; i++) {
		t_expect_sane(t, work.mm[i]);
		mmput(work.mm[i]);
	}
	t_expect_file_sane(t, work.file);
	t_expect_eq(t, work.file->f_mapping.nr_vmas, 0);
	for (unsigned p = 0; p < KEPT_PAGES; p++) {
		u64 word = 0;

		for (unsigned i = 0; i < nr; i++) {
			t_expect_eq(t, file_read(work.file, &word, 8, p * PAGE_SIZE + i * 8), 8);
			t_expect_eq(t, word, owners[i].word[p]);
		}
	}
	fput(work.file);
}
