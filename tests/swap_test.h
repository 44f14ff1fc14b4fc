/*
 * swap_test.h - what the tests of swap begin with: a device, and an address space in use whose
 * pages hold what their numbers say.
 */
#ifndef TESTS_SWAP_TEST_H
#define TESTS_SWAP_TEST_H

#include "tests/mm_swap.h"
#include "tests/mm_user.h"

struct swap_test {
	struct ktest *t;
	struct block_device *bdev;
	struct mm_struct *mm;
	unsigned long nr; /* pages from USER_BASE on */
};

/* The word that page @i holds at @word: 0 and 511 are written. */
u64 swap_pattern(unsigned long i, unsigned long word);

/* A device of @slots, and @nr pages, filled, used by the current thread. */
struct swap_test swap_begin(struct ktest *t, unsigned long slots, unsigned long nr);
/* Everything agrees, every slot is free, and all of it goes. */
void swap_end(struct swap_test *s);

void swap_fill(struct swap_test *s);
/* Page @i holds what swap_fill() put there. */
void swap_expect_page(struct swap_test *s, unsigned long i);

/* Another address space with the same pages, as a child has them. */
struct mm_struct *swap_fork_of(struct swap_test *s);

/* The next call of fault site @site fails; or none does. */
void swap_fail_io(struct ktest *t, const char *site, bool on);

static inline long swapents(struct swap_test *s)
{
	return get_mm_counter(s->mm, MM_SWAPENTS);
}

#endif
