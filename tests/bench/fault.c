/*
 * fault.c - the round trip of a user page fault: trap, hook, entry installed, access repeated.
 *
 * The handler here is the smallest one that resolves a fault, so the figure is what any fault pays
 * before an address space does its own work; `fault_refused` is the way back through the accessor's
 * -EFAULT.
 */
#include "kernel/x86/trap.h"
#include "kernel/x86/uaccess.h"
#include "mm/mmu_gather.h"
#include "mm/page_alloc.h"
#include "mm/tables.h"
#include "tests/bench.h"

#define NR_PAGES 256
#define BASE	 0x10000000ul

/* The bench's address space; its faults are resolved with frame after frame of @page. */
static struct mm_tables tables;
static struct page *page[NR_PAGES];
static int (*hook_before)(struct trap_frame *frame, unsigned long addr, u64 error);

static int install(struct trap_frame *frame, unsigned long addr, u64 error)
{
	unsigned i = (unsigned)((addr - BASE) >> PAGE_SHIFT);

	return tables_map_range(&tables, BASE + i * PAGE_SIZE, page_to_pfn(page[i]), 1,
				PAGE_SHARED);
}

static int refuse(struct trap_frame *frame, unsigned long addr, u64 error)
{
	return -EFAULT;
}

static void pages_free(unsigned nr)
{
	while (nr)
		put_page(page[--nr]);
}

/* An address space with tables but no page, in use, and frames to fault in. */
static bool space_begin(struct bench *b)
{
	unsigned nr = 0;

	while (nr < NR_PAGES && (page[nr] = alloc_page(GFP_KERNEL)))
		nr++;
	if (nr < NR_PAGES)
		goto undo_pages;
	if (tables_init(&tables))
		goto undo_pages;
	if (tables_populate(&tables, BASE, BASE + NR_PAGES * PAGE_SIZE))
		goto undo_tables;
	hook_before = user_fault_hook;
	tables_use(&tables);
	return true;

undo_tables:
	tables_destroy(&tables);
undo_pages:
	pages_free(nr);
	bench_fail(b, "no memory for %u pages", NR_PAGES);
	return false;
}

/* Unmap what is mapped (each mapping took over the frame's reference), free the rest. */
static void space_end(bool mapped)
{
	struct mmu_gather tlb;

	tables_unuse(&tables);
	user_fault_hook = hook_before;
	tlb_gather_mmu(&tlb, &tables, true);
	tables_zap_range(&tlb, BASE, BASE + NR_PAGES * PAGE_SIZE);
	free_pgd_range(&tlb, BASE, BASE + NR_PAGES * PAGE_SIZE, 0, 0);
	tlb_finish_mmu(&tlb);
	tables_destroy(&tables);
	if (!mapped)
		pages_free(NR_PAGES);
}

static void touch_all(struct bench *b, int expected)
{
	u64 value;
	unsigned wrong = 0;

	bench_start(b);
	for (unsigned i = 0; i < NR_PAGES; i++)
		wrong += get_user_u64(BASE + i * PAGE_SIZE, &value) != expected;
	bench_stop(b, NR_PAGES);
	if (wrong)
		bench_fail(b, "%u of %u accesses did not return %d", wrong, NR_PAGES, expected);
}

BENCH(fault_resolved, "fault", BENCH_ONCE)
{
	if (!space_begin(b))
		return;
	user_fault_hook = install;
	touch_all(b, 0);
	space_end(true);
}

BENCH(fault_refused, "fault", BENCH_ONCE)
{
	if (!space_begin(b))
		return;
	user_fault_hook = refuse;
	touch_all(b, -EFAULT);
	space_end(false);
}

BENCH(user_load, "load", BENCH_ONCE)
{
	if (!space_begin(b))
		return;
	user_fault_hook = install;
	for (unsigned i = 0; i < NR_PAGES; i++) {
		u64 value;

		if (get_user_u64(BASE + i * PAGE_SIZE, &value))
			bench_fail(b, "a page could not be faulted in");
	}
	touch_all(b, 0);
	space_end(true);
}
