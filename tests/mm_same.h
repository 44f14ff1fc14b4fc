/*
 * mm_same.h - is an address space, after something failed in it, what it was before?
 *
 * Owns: the picture of an address space, the comparison, the one table of differences allowed.
 * Not here: whether it is sound in itself (mm/mm_check.h).
 * Idea: compared is what a program or its accounts could tell: which pages are mapped with what
 *       rights and advice, what is in them, where the heap ends, what is counted, which swap slots
 *       are named, how many mappings rmap finds of each page. The kernel may have prepared
 *       something all the same, or taken a right away that a fault gives back: each such difference
 *       is one enum mm_allowed, and there is no other.
 */
#ifndef TESTS_MM_SAME_H
#define TESTS_MM_SAME_H

#include "mm/mm.h"

struct ktest;

/* What may differ. Each has a test in tests/unit/mm_same.c that it occurs. */
enum mm_allowed {
	ALLOW_SPLIT,	 /* a VMA has become two that are alike */
	ALLOW_ANON_VMA,	 /* a VMA has got its anon_vma */
	ALLOW_TABLES,	 /* page tables without entries were added */
	ALLOW_WRITE_BIT, /* an entry lost write, which its VMA still gives: a fault restores it */
	ALLOW_EXCLUSIVE, /* a page lost its exclusive mark, or a swap entry did: copied at worst */
	ALLOW_ACCESSED,	 /* accessed or dirty bits of entries */
	ALLOW_ZERO,	 /* the zero page was mapped where nothing was, or the other way round */
	ALLOW_LOCK_SEQ,	 /* the lock sequence moved */
	NR_MM_ALLOWED
};

extern const char *const mm_allowed_names[NR_MM_ALLOWED];

struct mm_picture;

/*
 * mm_picture_take - all that is compared, as it is now.
 *
 * Context:  may sleep; takes mmap_lock for reading; nobody changes @mm meanwhile. A thread that may
 *           call newlib
 * Returns:  the caller's, for mm_picture_free(); NULL: no memory
 */
struct mm_picture *__must_check mm_picture_take(struct mm_struct *mm);
void mm_picture_free(struct mm_picture *picture);

/*
 * mm_same - compare two pictures.
 *
 * @allowed: receives a bit for each enum mm_allowed that was met; may be NULL
 * Returns:  0, or the number of differences that are not allowed, each a line in the log
 */
int __must_check mm_same(const struct mm_picture *before, const struct mm_picture *after,
			 unsigned *allowed);

/* In a test: @mm is what @before says. Returns the differences met that are allowed. */
unsigned t_expect_same(struct ktest *t, const struct mm_picture *before, struct mm_struct *mm);

#endif
