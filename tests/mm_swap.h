/*
 * mm_swap.h - swapping single pages out by hand, for tests and benches.
 *
 * Owns: a RAM swap device for the length of a test, the way out of one page without reclaim's
 *       choice of victims.
 */
#ifndef TESTS_MM_SWAP_H
#define TESTS_MM_SWAP_H

#include "mm/swap.h"

struct ktest;

/* A RAM device of @nr pages, swapped to. NULL: no memory, and the test has failed. */
struct block_device *t_swapon(struct ktest *t, unsigned long nr);
/* Swapoff and the device goes; the test fails if either does not work. */
void t_swapoff(struct ktest *t, struct block_device *bdev);

/*
 * user_unmap_to_swap - add the page at @addr to the swap cache, and let every entry that maps it
 *                      name its slot instead.
 *
 * Returns:  the page, locked, with a reference; NULL: no page there, or no slot
 */
struct page *user_unmap_to_swap(struct mm_struct *mm, unsigned long addr);

/*
 * user_swap_out - the pages of [@start, +@nr pages) written to swap and freed.
 *
 * Returns: how many went; one that could not be written stays in the cache
 */
unsigned long user_swap_out(struct mm_struct *mm, unsigned long start, unsigned long nr);

/* No entry, count and page disagree, or the test fails. */
void t_expect_swap_sane(struct ktest *t);

/* The slot that the entry of @addr names; .val 0: it names none. */
swp_entry_t user_swap_entry(struct mm_struct *mm, unsigned long addr);

#endif
