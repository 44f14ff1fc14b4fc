/*
 * swap.c - swap devices come and go under programs that use, send out and unmap their pages.
 *
 * Thread 0 turns two devices off and on in turn; each of the others has an address space of its own
 * and knows what every page of it holds. One address space is shared by two threads: one writes,
 * the other sends pages out.
 */
#include "kernel/base/err.h"
#include "kernel/core/user.h"
#include "kernel/drivers/block.h"
#include "kernel/sched/thread.h"
#include "mm/block_ram.h"
#include "mm/mman.h"
#include "mm/swap.h"
#include "tests/ktest.h"
#include "tests/mm_swap.h"
#include "tests/mm_user.h"

#define BASE	 USER_BASE
#define RW	 (PROT_READ | PROT_WRITE)
#define NR_PAGES 64u
#define THREADS	 5u /* 0: devices; 1, 2: alone; 3: writes, 4: sends out what 3 writes */

struct load {
	struct block_device *bdev[2];
	struct mm_struct *mm[THREADS];
	u32 stop;
	unsigned long nr_off;
};

static void off_and_on(struct ktest *t, struct load *load)
{
	unsigned long nr = t_scale(t, 8);

	for (unsigned long i = 0; i < nr; i++) {
		struct block_device *bdev = load->bdev[i & 1];

		t_expect_eq(t, swapoff(bdev), 0);
		yield();
		t_expect_ge(t, swapon(bdev), 0);
		load->nr_off++;
	}
	WRITE_ONCE(load->stop, 1);
}

/* What page @i must hold, 0: nothing was written since it was mapped. */
static void use_one(struct ktest *t, struct mm_struct *mm, struct rng *rng, u64 *word)
{
	unsigned long i = rng_below(rng, NR_PAGES), addr = BASE + i * PAGE_SIZE;
	u64 value;

	switch (rng_below(rng, 8)) {
	case 0:
		t_expect_eq(t, vm_munmap(mm, addr, PAGE_SIZE), 0);
		t_expect_eq(t, user_mmap(mm, addr, 1, RW), 0);
		word[i] = 0;
		break;
	case 1:
	case 2: t_expect_eq(t, vm_madvise(mm, addr, PAGE_SIZE, MADV_PAGEOUT), 0); break;
	case 3:
	case 4:
		word[i] = rng_next(rng);
		t_expect_eq(t, put_user(word[i], addr), 0);
		break;
	default:
		t_expect_eq(t, get_user(&value, addr), 0);
		t_expect_eq(t, value, word[i]);
	}
}

static void use_alone(struct ktest *t, struct load *load, unsigned i)
{
	u64 word[NR_PAGES] = {0};
	struct rng rng;

	rng_init(&rng, t_seed(t) + i);
	mm_use(load->mm[i]);
	while (!READ_ONCE(load->stop))
		use_one(t, load->mm[i], &rng, word);
	mm_unuse(load->mm[i]);
}

/* Each page counts up; what is read is what this thread wrote last. */
static void count_up(struct ktest *t, struct load *load, struct mm_struct *mm)
{
	u64 value;

	mm_use(mm);
	for (u64 round = 1; !READ_ONCE(load->stop); round++) {
		for (unsigned long i = 0; i < NR_PAGES; i++) {
			t_expect_eq(t, get_user(&value, BASE + i * PAGE_SIZE), 0);
			t_expect_eq(t, value, round - 1);
			t_expect_eq(t, put_user(round, BASE + i * PAGE_SIZE), 0);
		}
	}
	mm_unuse(mm);
}

static void send_out(struct ktest *t, struct load *load, struct mm_struct *mm)
{
	mm_use(mm);
	while (!READ_ONCE(load->stop)) {
		t_expect_eq(t, vm_madvise(mm, BASE, NR_PAGES * PAGE_SIZE, MADV_PAGEOUT), 0);
		yield();
	}
	mm_unuse(mm);
}

static void run_load(struct ktest *t, unsigned i, void *arg)
{
	struct load *load = arg;

	switch (i) {
	case 0: off_and_on(t, load); break;
	case 3: count_up(t, load, load->mm[3]); break;
	case 4: send_out(t, load, load->mm[3]); break;
	default: use_alone(t, load, i);
	}
}

KTEST(stress, swapoff_under_load, KT_STRESS)
{
	struct load load = {.stop = 0};

	for (unsigned i = 0; i < 2; i++) {
		load.bdev[i] = t_swapon(t, THREADS * NR_PAGES);
		t_assert(t, load.bdev[i]);
	}
	for (unsigned i = 1; i < 4; i++) {
		load.mm[i] = mm_alloc();
		t_assert(t, load.mm[i]);
		t_expect_eq(t, user_mmap(load.mm[i], BASE, NR_PAGES, RW), 0);
	}
	t_parallel(t, THREADS, run_load, &load);
	t_expect_swap_sane(t);
	for (unsigned i = 1; i < 4; i++) {
		t_expect_sane(t, load.mm[i]);
		mmput(load.mm[i]);
	}
	t_note(t, "%lu times off and on", load.nr_off);
	for (unsigned i = 0; i < 2; i++)
		t_swapoff(t, load.bdev[i]);
}
