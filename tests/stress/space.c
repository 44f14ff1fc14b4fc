/*
 * space.c - threads that share one address space, page by page.
 *
 * Page p belongs to thread p % n: only it maps, unmaps, protects, advises and writes it, so it
 * knows exactly what it must see. But neighbours belong to others: VMAs are merged and split across
 * threads all the time, and every fault meets writers.
 */
#include <errno.h>
#include <string.h>

#include "kernel/core/user.h"
#include "kernel/x86/percpu.h"
#include "mm/mm_check.h"
#include "mm/mman.h"
#include "mm/mmap_lock.h"
#include "tests/ktest.h"

#define ANON	    (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW	    (PROT_READ | PROT_WRITE)
#define BASE	    (0x50000000ul - 20 * PAGE_SIZE) /* crosses a border of tables */
#define MAX_THREADS 16u
#define OWN_PAGES   24u

struct own_page {
	bool mapped;
	bool writable;
	u64 word;
};

struct owner {
	struct ktest *t;
	struct mm_struct *mm;
	struct rng rng;
	struct own_page page[OWN_PAGES];
};

static struct owner owners[MAX_THREADS];

static void change_mapping(struct owner *o, struct own_page *page, unsigned long addr)
{
	unsigned long prot;

	switch (rng_below(&o->rng, 5)) {
	case 0:
		t_expect_eq(o->t, vm_munmap(o->mm, addr, PAGE_SIZE), 0);
		*page = (struct own_page){0};
		break;
	case 1:
		prot = rng_chance(&o->rng, 70) ? RW : PROT_READ;
		t_expect_eq(o->t, vm_mprotect(o->mm, addr, PAGE_SIZE, prot),
			    page->mapped ? 0 : -ENOMEM);
		page->writable = page->mapped && prot == RW;
		break;
	case 2:
		t_expect_eq(o->t, vm_madvise(o->mm, addr, PAGE_SIZE, MADV_DONTNEED),
			    page->mapped ? 0 : -ENOMEM);
		page->word = 0;
		break;
	default:
		t_expect_eq(o->t, vm_mmap(o->mm, addr, PAGE_SIZE, RW, ANON | MAP_FIXED), addr);
		*page = (struct own_page){.mapped = true, .writable = true};
	}
}

static void touch(struct owner *o, struct own_page *page, unsigned long addr)
{
	u64 word = rng_next(&o->rng), seen = 0;
	int err;

	err = get_user(&seen, addr);
	t_expect_eq(o->t, err, page->mapped ? 0 : -EFAULT);
	if (!err)
		t_expect_eq(o->t, seen, page->word);
	err = put_user(word, addr);
	t_expect_eq(o->t, err, page->writable ? 0 : -EFAULT);
	if (!err)
		page->word = word;
}

struct space_work {
	struct mm_struct *mm;
	unsigned nr;
	u64 nr_ops;
};

static void run_owner(struct ktest *t, unsigned i, void *arg)
{
	const struct space_work *work = arg;
	struct owner *o = &owners[i];

	*o = (struct owner){.t = t, .mm = work->mm};
	rng_init(&o->rng, t_seed(t) + i);
	mm_use(o->mm);
	for (u64 n = 0; n < work->nr_ops; n++) {
		unsigned k = rng_below(&o->rng, OWN_PAGES);
		unsigned long addr = BASE + (k * work->nr + i) * PAGE_SIZE;

		if (rng_chance(&o->rng, 30))
			change_mapping(o, &o->page[k], addr);
		else
			touch(o, &o->page[k], addr);
	}
	mm_unuse(o->mm);
}

KTEST(stress, pages_of_many_in_one_space, KT_STRESS)
{
	struct space_work work = {
		.mm = mm_alloc(),
		.nr = min(max(2u, nr_vcpus * 2), MAX_THREADS),
		.nr_ops = t_scale(t, 600),
	};

	t_assert(t, work.mm);
	t_parallel(t, work.nr, run_owner, &work);
	mmap_write_lock(work.mm);
	t_expect_eq(t, mm_check(work.mm), 0);
	mmap_write_unlock(work.mm);
	mmput(work.mm);
}
