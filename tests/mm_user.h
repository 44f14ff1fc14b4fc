/*
 * mm_user.h - address spaces for the tests and benches of layer 6.
 *
 * Owns: looking at entries, pages shared between two address spaces as fork leaves them.
 */
#ifndef TESTS_MM_USER_H
#define TESTS_MM_USER_H

#include "mm/mm.h"
#include "mm/page.h"

#define USER_BASE 0x40000000ul

struct ktest;

/* The entry of @addr, 0 if there is no table. The caller knows that nobody changes it. */
u64 user_pte(struct mm_struct *mm, unsigned long addr);
/* The frame mapped at @addr, or NULL; NULL for the zero page too. */
struct page *user_page(struct mm_struct *mm, unsigned long addr);
/*
 * The same with a reference, beside others who map and unmap. Context: the caller uses @mm.
 */
struct page *user_get_page(struct mm_struct *mm, unsigned long addr);
/* Entries of [@start, @start + @nr pages) that map a frame of their own. */
unsigned long user_mapped(struct mm_struct *mm, unsigned long start, unsigned long nr);

/*
 * user_mmap - [@start, +@nr pages) mapped there with @prot; the current thread need not use @mm.
 *
 * Returns:  0 or -errno
 */
int __must_check user_mmap(struct mm_struct *mm, unsigned long start, unsigned long nr,
			   unsigned long prot);

/* Store @value into the first word of each of @nr pages, as the current thread. 0 or -errno. */
int __must_check user_touch(unsigned long start, unsigned long nr, u64 value);

/*
 * user_share - map what [@start, +@nr pages) of @from maps also there in @to, as fork would.
 *
 * Every entry becomes read-only on both sides, no page is exclusive any more. Both have one VMA
 * that holds the range.
 * Returns:  0, or -ENOMEM with some of it shared
 */
int __must_check user_share(struct mm_struct *from, struct mm_struct *to, unsigned long start,
			    unsigned long nr);

/* Take write away from the entries of the range and nothing else, as fork leaves the parent. */
void user_wrprotect(struct mm_struct *mm, unsigned long start, unsigned long nr);

/* The address space agrees with itself, or the test fails. */
void t_expect_sane(struct ktest *t, struct mm_struct *mm);

#endif
