/*
 * pressure.c - threads that use more memory than there is, in an address space they share.
 *
 * Page p of a space belongs to thread p % n, which alone changes and writes it, so it knows what it
 * must see; neighbours belong to others, and every page is taken away by kswapd or by whoever is
 * short of memory. Half of the pages are a file's, mapped shared. There is room for a third of all.
 */
#include <errno.h>

#include "kernel/core/user.h"
#include "kernel/x86/percpu.h"
#include "mm/fault.h"
#include "mm/lru.h"
#include "mm/mm_check.h"
#include "mm/mman.h"
#include "mm/mmap_lock.h"
#include "mm/reclaim.h"
#include "tests/ktest.h"
#include "tests/mm_file.h"
#include "tests/mm_pressure.h"
#include "tests/mm_swap.h"
#include "tests/mm_user.h"

#define ANON	    (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW	    (PROT_READ | PROT_WRITE)
#define BASE	    (0x50000000ul - 20 * PAGE_SIZE) /* crosses a border of tables */
#define FILE_BASE   0x60000000ul
#define MAX_THREADS 8u
#define OWN_PAGES   90u

struct owner {
	struct ktest *t;
	struct rng rng;
	u64 word[OWN_PAGES];	  /* what the anonymous page says */
	u64 file_word[OWN_PAGES]; /* what the file's page says */
	bool mapped[OWN_PAGES];
};

struct crowd {
	struct mm_struct *mm;
	struct file *file;
	unsigned nr;
	u64 nr_ops;
};

static struct owner owners[MAX_THREADS];

static void change(struct owner *o, struct mm_struct *mm, unsigned k, unsigned long addr)
{
	switch (rng_below(&o->rng, 4)) {
	case 0:
		t_expect_eq(o->t, vm_munmap(mm, addr, PAGE_SIZE), 0);
		o->mapped[k] = false;
		o->word[k] = 0;
		break;
	case 1:
		t_expect_eq(o->t, vm_madvise(mm, addr, PAGE_SIZE, MADV_DONTNEED),
			    o->mapped[k] ? 0 : -ENOMEM);
		o->word[k] = 0;
		break;
	case 2:
		t_expect_eq(o->t, vm_madvise(mm, addr, PAGE_SIZE, MADV_PAGEOUT),
			    o->mapped[k] ? 0 : -ENOMEM);
		break;
	default:
		t_expect_eq(o->t, vm_mmap(mm, addr, PAGE_SIZE, RW, ANON | MAP_FIXED), addr);
		o->mapped[k] = true;
		o->word[k] = 0;
	}
}

/* Look at a word and write another. */
static void touch(struct owner *o, u64 *word, unsigned long addr, int expect)
{
	u64 next = rng_next(&o->rng), seen = 0;
	int err = get_user(&seen, addr);

	t_expect_eq(o->t, err, expect);
	if (!err)
		t_expect_eq(o->t, seen, *word);
	err = put_user(next, addr);
	t_expect_eq(o->t, err, expect);
	if (!err)
		*word = next;
}

static void run_owner(struct ktest *t, unsigned i, void *arg)
{
	const struct crowd *crowd = arg;
	struct owner *o = &owners[i];

	*o = (struct owner){.t = t};
	for (unsigned k = 0; k < OWN_PAGES; k++)
		o->mapped[k] = true;
	rng_init(&o->rng, t_seed(t) + i);
	mm_use(crowd->mm);
	for (u64 n = 0; n < crowd->nr_ops; n++) {
		unsigned k = rng_below(&o->rng, OWN_PAGES);
		unsigned long at = (k * crowd->nr + i) * PAGE_SIZE;

		if (rng_chance(&o->rng, 10))
			change(o, crowd->mm, k, BASE + at);
		else if (rng_chance(&o->rng, 30))
			touch(o, &o->file_word[k], FILE_BASE + at, 0);
		else
			touch(o, &o->word[k], BASE + at, o->mapped[k] ? 0 : -EFAULT);
	}
	/* Everything once more. */
	for (unsigned k = 0; k < OWN_PAGES; k++) {
		unsigned long at = (k * crowd->nr + i) * PAGE_SIZE;

		touch(o, &o->file_word[k], FILE_BASE + at, 0);
		touch(o, &o->word[k], BASE + at, o->mapped[k] ? 0 : -EFAULT);
	}
	mm_unuse(crowd->mm);
}

static void space_of_many(struct ktest *t, struct crowd *crowd)
{
	unsigned long pages = crowd->nr * OWN_PAGES;

	crowd->mm = mm_alloc();
	t_assert(t, crowd->mm);
	t_expect_eq(t, user_mmap(crowd->mm, BASE, pages, RW), 0);
	crowd->file = t_file(t, "pressed", pages, 0);
	for (unsigned long i = 0; i < pages; i++)
		t_expect_eq(t, file_set_word(crowd->file, i, 0), 0);
	t_expect_eq(t, file_mmap(crowd->mm, FILE_BASE, pages, RW, MAP_SHARED, crowd->file, 0), 0);
}

static void press(struct ktest *t, u64 nr_ops)
{
	struct crowd crowd = {
		.nr = min(2 * nr_vcpus, MAX_THREADS),
		.nr_ops = nr_ops,
	};
	struct block_device *bdev = t_swapon(t, 2 * MAX_THREADS * OWN_PAGES);
	struct reclaim_figures before, after;

	space_of_many(t, &crowd);
	t_hoard(t, crowd.nr * OWN_PAGES * 2 / 3);
	reclaim_figures(&before);
	t_parallel(t, crowd.nr, run_owner, &crowd);
	reclaim_figures(&after);
	t_expect_gt(t, after.reclaimed, before.reclaimed);
	t_note(t, "%ld freed, %ld written", after.reclaimed - before.reclaimed,
	       after.written - before.written);
	mmap_write_lock(crowd.mm);
	t_expect_eq(t, mm_check(crowd.mm), 0);
	mmap_write_unlock(crowd.mm);
	t_hoard_release(t);
	t_expect_swap_sane(t);
	t_expect_file_sane(t, crowd.file);
	mmput(crowd.mm);
	fput(crowd.file);
	t_swapoff(t, bdev);
	reclaim_pause();
	t_expect_eq(t, lru_check(), 0);
	reclaim_resume();
}

KTEST(stress, more_than_there_is_room_for, KT_STRESS)
{
	press(t, t_scale(t, 300));
}

/* A touch brings four pages at once, of which three are others'. */
KTEST(stress, more_folios_than_there_is_room_for, KT_STRESS)
{
	unsigned order = anon_order;

	anon_order = 2;
	press(t, t_scale(t, 200));
	anon_order = order;
}
