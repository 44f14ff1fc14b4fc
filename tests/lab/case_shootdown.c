/*
 * case_shootdown.c - one vCPU uses a page that another unmaps and frees: gather, flush, free, in
 * that order.
 */
#include "kernel/base/err.h"
#include "kernel/core/once.h"
#include "kernel/core/user.h"
#include "kernel/x86/cpu.h"
#include "mm/mmu_gather.h"
#include "mm/page_alloc.h"
#include "mm/tables.h"
#include "mm/tlb.h"
#include "tests/lab/case.h"

#define ADDR 0x40000000ul

enum { MUT_DROPPED_FLUSH, MUT_LOCAL_FLUSH, MUT_FREE_FIRST };
enum { REACH_USED_BEFORE };

static struct mm_tables tables __lab_world;
static u64 used __lab_world;

static void user(void)
{
	u64 value;

	tables_use(&tables);
	if (get_user(&value, ADDR) == 0)
		WRITE_ONCE(used, 1);
	if (get_user(&value, ADDR) == 0)
		WRITE_ONCE(used, 2);
	tables_unuse(&tables);
}

/*
 * The mistakes: take the entry out and free the frame, with no flush, a local one, or one too late.
 */
static void zap_wrongly(void)
{
	spinlock_t *ptl;
	pte_t *pte = pte_offset_map_lock(&tables, pmd_walk(&tables, ADDR), ADDR, &ptl);
	struct page *page = pfn_to_page(pte_pfn(*pte));

	WRITE_ONCE(pte->pte, 0);
	atomic_dec(&page->_mapcount);
	pte_unmap_unlock(pte, ptl);
	if (case_mutant(MUT_LOCAL_FLUSH))
		invlpg((void *)ADDR);
	free_page(page);
	if (case_mutant(MUT_FREE_FIRST))
		flush_tlb_page(&tables.tlb, ADDR);
}

static void unmapper(void)
{
	struct mmu_gather tlb;

	if (READ_ONCE(used))
		lab_reach(REACH_USED_BEFORE);
	if (case_mutant(MUT_DROPPED_FLUSH) || case_mutant(MUT_LOCAL_FLUSH) ||
	    case_mutant(MUT_FREE_FIRST)) {
		zap_wrongly();
		return;
	}
	tlb_gather_mmu(&tlb, &tables, false);
	tables_zap_range(&tlb, ADDR, ADDR + PAGE_SIZE);
	tlb_finish_mmu(&tlb);
}

static void actor(void *index)
{
	if (index == NULL)
		unmapper();
	else
		user();
}

static int setup(unsigned actors)
{
	struct page *page;

	used = 0;
	if (tables_init(&tables) != 0)
		return -ENOMEM;
	page = alloc_page(GFP_KERNEL);
	if (!page || tables_map_range(&tables, ADDR, page_to_pfn(page), 1, PAGE_SHARED) != 0)
		return -ENOMEM;
	lab_name(pte_walk(&tables, ADDR), 8, "pte");
	lab_name((void *)ADDR, PAGE_SIZE, "page");
	lab_name(&used, 8, "used");
	return case_actors("vcpu", actors, actor);
}

static void check(unsigned actors)
{
	struct mmu_gather tlb;

	(void)actors;
	tlb_gather_mmu(&tlb, &tables, true);
	free_pgd_range(&tlb, ADDR, ADDR + PAGE_SIZE, 0, USER_MAX);
	tlb_finish_mmu(&tlb);
	tables_destroy(&tables);
}

static const char *const reach[] = {"used-before", NULL};
static const struct lab_mutant mutants[] = {
	[MUT_DROPPED_FLUSH] = {"dropped-flush", "no vCPU is told", LV_STALE},
	[MUT_LOCAL_FLUSH] = {"local-flush", "only the own vCPU flushes", LV_STALE},
	[MUT_FREE_FIRST] = {"free-first", "the frame is freed before the flush", LV_STALE},
	{NULL, NULL, LV_SAFE},
};
static const struct lab_case the_case = {
	.name = "shootdown",
	.what = "a page unmapped while another vCPU uses it",
	.actors = 2,
	.actors_min = 2,
	.actors_max = 8,
	.reach = reach,
	.mutants = mutants,
	.setup = setup,
	.check = check,
};
LAB_CASE(the_case);
