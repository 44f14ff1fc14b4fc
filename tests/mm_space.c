/*
 * mm_space.c - filling and emptying an address space of bare frames.
 */
#include "tests/mm_space.h"

#include <errno.h>

static int map_one(struct mm_tables *mt, unsigned long addr)
{
	struct page *page = alloc_page(GFP_KERNEL | GFP_FOR(FK_ANON));
	int err;

	if (!page)
		return -ENOMEM;
	err = tables_map_pages(mt, addr, &page, 1, PAGE_SHARED);
	if (err)
		put_page(page);
	return err;
}

/* As many as fit on the stack at once. */
static int map_some(struct mm_tables *mt, unsigned long addr, unsigned nr)
{
	struct page *page[64];
	unsigned got = 0;
	int err = -ENOMEM;

	while (got < nr && (page[got] = alloc_page(GFP_KERNEL | GFP_FOR(FK_ANON))))
		got++;
	if (got == nr)
		err = tables_map_pages(mt, addr, page, nr, PAGE_SHARED);
	if (err)
		release_pages(page, got);
	return err;
}

int space_map(struct mm_tables *mt, unsigned long start, unsigned long nr, unsigned long stride)
{
	int err = 0;

	if (stride == PAGE_SIZE) {
		for (unsigned long i = 0; i < nr && !err; i += 64)
			err = map_some(mt, start + i * PAGE_SIZE, min(nr - i, 64ul));
	} else {
		for (unsigned long i = 0; i < nr && !err; i++)
			err = map_one(mt, start + i * stride);
	}
	return err;
}

void space_clear(struct mm_tables *mt, unsigned long start, unsigned long end)
{
	struct mmu_gather tlb;

	tlb_gather_mmu(&tlb, mt, false);
	tables_zap_range(&tlb, start, end);
	free_pgd_range(&tlb, start, end, 0, 0);
	tlb_finish_mmu(&tlb);
}

void space_end(struct mm_tables *mt, unsigned long start, unsigned long end)
{
	space_clear(mt, start, end);
	tables_destroy(mt);
}
