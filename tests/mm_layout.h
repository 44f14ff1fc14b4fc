/*
 * mm_layout.h - the VMAs of an address space as text, one letter per page.
 *
 *	"AAbb..CC"   pages from LAYOUT_BASE on; `.` is free
 *
 * VMAs are lettered in order, A, B, C...; upper case may be written, lower case only read. So
 * "AABB" is two VMAs side by side that were not merged, and a layout has one text only.
 * Used by kernel tests and host tests alike.
 */
#ifndef TESTS_MM_LAYOUT_H
#define TESTS_MM_LAYOUT_H

#include "mm/mm.h"

#define LAYOUT_BASE    0x40000000ul
#define LAYOUT_PAGES   64u
#define layout_addr(n) (LAYOUT_BASE + (n)*PAGE_SIZE)

/* The first pages of @mm into @out, up to the last that is mapped. mmap_lock held. */
void layout_read(struct mm_struct *mm, char out[LAYOUT_PAGES + 1]);

/* Map each run of letters of @text by vm_mmap(). 0, or what it failed with. */
int __must_check layout_map(struct mm_struct *mm, const char *text);

/* In a test: @mm has the layout @text. */
#define t_expect_layout(t, mm, text)                                                               \
	do {                                                                                       \
		char layout_[LAYOUT_PAGES + 1];                                                    \
		layout_read(mm, layout_);                                                          \
		t_expect_str_eq(t, layout_, text);                                                 \
	} while (0)

#endif
