/*
 * swap_test.c - see swap_test.h.
 */
#include "tests/swap_test.h"

#include "kernel/core/fault.h"
#include "kernel/core/user.h"
#include "kernel/drivers/block.h"
#include "mm/mman.h"
#include "tests/ktest.h"

#define BASE USER_BASE
#define RW   (PROT_READ | PROT_WRITE)

u64 swap_pattern(unsigned long i, unsigned long word)
{
	return rng_mix(i * 512 + word + 1);
}

void swap_fill(struct swap_test *s)
{
	for (unsigned long i = 0; i < s->nr; i++) {
		t_expect_eq(s->t, put_user(swap_pattern(i, 0), BASE + i * PAGE_SIZE), 0);
		t_expect_eq(s->t, put_user(swap_pattern(i, 511), BASE + i * PAGE_SIZE + 4088), 0);
	}
}

void swap_expect_page(struct swap_test *s, unsigned long i)
{
	u64 value;

	t_expect_eq(s->t, get_user(&value, BASE + i * PAGE_SIZE), 0);
	t_expect_eq(s->t, value, swap_pattern(i, 0));
	t_expect_eq(s->t, get_user(&value, BASE + i * PAGE_SIZE + 511 * 8), 0);
	t_expect_eq(s->t, value, swap_pattern(i, 511));
}

struct swap_test swap_begin(struct ktest *t, unsigned long slots, unsigned long nr)
{
	struct swap_test s = {.t = t, .bdev = t_swapon(t, slots), .mm = mm_alloc(), .nr = nr};

	t_assert(t, s.mm && s.bdev);
	t_expect_eq(t, user_mmap(s.mm, BASE, nr, RW), 0);
	mm_use(s.mm);
	swap_fill(&s);
	return s;
}

void swap_end(struct swap_test *s)
{
	t_expect_sane(s->t, s->mm);
	t_expect_swap_sane(s->t);
	mm_unuse(s->mm);
	mmput(s->mm);
	t_expect_eq(s->t, get_nr_swap_pages(), (long)(s->bdev->nr_sectors / SECTORS_PER_PAGE));
	t_swapoff(s->t, s->bdev);
}

struct mm_struct *swap_fork_of(struct swap_test *s)
{
	struct mm_struct *child = mm_alloc();

	t_assert(s->t, child);
	t_expect_eq(s->t, user_mmap(child, BASE, s->nr, RW), 0);
	t_expect_eq(s->t, user_share(s->mm, child, BASE, s->nr), 0);
	return child;
}

void swap_fail_io(struct ktest *t, const char *site, bool on)
{
	struct fault_attr attr = FAULT_ATTR_OFF;

	if (on)
		attr.at = 0;
	t_assert(t, fault_site_find(site));
	fault_site_set(fault_site_find(site), &attr);
}
