/*
 * walk_reclaim.c - a page that one actor uses, unmaps or protects while another sends it to swap.
 *
 * Owns: the cases `reclaim`, `reclaim-munmap` and `reclaim-mprotect`, their wrong forms, what must
 *       hold at the end.
 * Idea: the right form is what kswapd does with a page it has taken off its list. A mutant is the
 *       same way out by hand, with one step left out or at the wrong time; the page's one entry is
 *       known to be that of ADDR.
 */
#include "kernel/base/err.h"
#include "kernel/core/user.h"
#include "kernel/drivers/block.h"
#include "mm/block_ram.h"
#include "mm/folio_lock.h"
#include "mm/lru.h"
#include "mm/mman.h"
#include "mm/mmap_lock.h"
#include "mm/page_alloc.h"
#include "mm/rmap.h"
#include "mm/shrink.h"
#include "mm/swap.h"
#include "mm/tables_internal.h"
#include "mm/tlb.h"
#include "tests/lab/case.h"
#include "tests/lab/walk_space.h"

#define ADDR WALK_ADDR
#define RW	(PROT_READ | PROT_WRITE)
#define CONTENT 7ul

enum mistake {
	NO_RECHECK,
	NO_COUNT,
	NO_FLUSH,
	FLUSH_LATE,
	WRITE_FIRST,
	FREES_REFERENCED,
	NR_MISTAKES
};
enum { REACH_OUT, REACH_GONE };

static struct mm_struct *mm __lab_world;
static struct block_device *bdev __lab_world;
static u64 stored __lab_world; /* what the writer wrote last */

/* ---- the way out, by hand ---- */

/* The entry of ADDR, locked, or NULL. */
static pte_t *lock_entry(spinlock_t **ptl)
{
	pmd_t *pmd = pmd_walk(&mm->tables, ADDR);

	return pmd ? pte_offset_map_lock(&mm->tables, pmd, ADDR, ptl) : NULL;
}

/* What ADDR maps, with a reference. */
static struct page *get_user_page(void)
{
	struct page *page = NULL;
	spinlock_t *ptl;
	pte_t *pte = lock_entry(&ptl);

	if (!pte)
		return NULL;
	if (pte_present(*pte) && !pte_special(*pte)) {
		page = pfn_to_page(pte_pfn(*pte));
		get_page(page);
	}
	pte_unmap_unlock(pte, ptl);
	return page;
}

/* The entry names the slot from now on, if it maps the page still. */
static void unmap_entry(struct page *page, enum mistake mistake)
{
	swp_entry_t entry = page_swap_entry(page);
	spinlock_t *ptl;
	pte_t *pte = lock_entry(&ptl);
	u64 seen;

	if (!pte)
		return;
	seen = READ_ONCE(pte->pte);
	if (mistake != NO_RECHECK &&
	    (!pte_present(__pte(seen)) || pte_pfn(__pte(seen)) != page_to_pfn(page))) {
		pte_unmap_unlock(pte, ptl);
		return;
	}
	if (mistake != NO_COUNT)
		lab_assert(swap_duplicate(entry) == 0);
	mmlist_add(mm);
	while (!pte_try_replace(pte, &seen, pte_swp_mkexclusive(swp_entry_to_pte(entry)).pte, true))
		;
	if (mistake != NO_FLUSH && mistake != FLUSH_LATE)
		flush_tlb_page(&mm->tables.tlb, ADDR);
	ClearPageAnonExclusive(page);
	add_mm_counter(mm, MM_ANONPAGES, -1);
	add_mm_counter(mm, MM_SWAPENTS, 1);
	folio_remove_rmap_pte(page);
	pte_unmap_unlock(pte, ptl);
	if (mistake == FLUSH_LATE)
		flush_tlb_page(&mm->tables.tlb, ADDR);
	put_page(page);
}

static void write_out(struct page *page)
{
	lab_assert(swap_writepage(page) == 0);
	folio_lock(page);
}

/* The frame goes, whoever else has it. */
static void free_by_force(struct page *page)
{
	page->_mapcount.counter = 0;
	page->_refcount.counter = 0;
	free_dead_page(page);
}

static void reclaim_wrongly(enum mistake mistake)
{
	struct page *page = get_user_page();

	if (!page)
		return;
	folio_lock(page);
	if (!folio_test_swapcache(page) && add_to_swap(page))
		lab_fail(LV_CORRUPT, "no slot");
	if (mistake == WRITE_FIRST)
		write_out(page);
	unmap_entry(page, mistake);
	if (mistake != WRITE_FIRST)
		write_out(page);
	if (mistake == FREES_REFERENCED) {
		delete_from_swap_cache(page);
		folio_unlock(page);
		free_by_force(page);
		return;
	}
	if (mistake != NO_COUNT && folio_test_swapcache(page) && !page_mapped(page) &&
	    !page_flag_test(page, PG_dirty))
		delete_from_swap_cache(page);
	folio_unlock(page);
	put_page(page);
}

/* ---- the actors ---- */

/* The mistake that is switched on, of the @nr that the case's mutants are in order. */
static enum mistake the_mistake(const enum mistake *mistakes, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++) {
		if (case_mutant(i))
			return mistakes[i];
	}
	return NR_MISTAKES;
}

/* As kswapd does it, with no lock of the address space, but whether the page is used or not. */
static void reclaim_rightly(void)
{
	struct scan_control sc = {.nr_to_reclaim = 1, .may_swap = true, .force = true};
	struct page *page = get_user_page();

	if (!page)
		return;
	if (folio_isolate_lru(page))
		shrink_folios(&page, 1, this_cpu_ptr(lruvec), &sc);
	put_page(page);
}

static void reclaim_as(enum mistake mistake)
{
	if (mistake == NR_MISTAKES)
		reclaim_rightly();
	else
		reclaim_wrongly(mistake);
}

static const enum mistake use_mistakes[] = {NO_FLUSH, WRITE_FIRST, FREES_REFERENCED};
static const enum mistake munmap_mistakes[] = {NO_RECHECK, NO_COUNT};
static const enum mistake protect_mistakes[] = {FLUSH_LATE};

static void reclaimer(void *arg)
{
	(void)arg;
	/* Both touch it, so a bounded search switches there: the writer's accesses are its own. */
	(void)READ_ONCE(stored);
	reclaim_as(the_mistake(use_mistakes, ARRAY_SIZE(use_mistakes)));
	if (get_mm_counter(mm, MM_SWAPENTS))
		lab_reach(REACH_OUT);
}

static void reclaimer_beside_munmap(void *arg)
{
	(void)arg;
	reclaim_as(the_mistake(munmap_mistakes, ARRAY_SIZE(munmap_mistakes)));
	lab_reach(get_mm_counter(mm, MM_SWAPENTS) ? REACH_OUT : REACH_GONE);
}

static void reclaimer_beside_mprotect(void *arg)
{
	(void)arg;
	reclaim_as(the_mistake(protect_mistakes, ARRAY_SIZE(protect_mistakes)));
	if (get_mm_counter(mm, MM_SWAPENTS))
		lab_reach(REACH_OUT);
}

static void writer(void *arg)
{
	(void)arg;
	mm_use(mm);
	for (u64 i = 1; i <= 2; i++) {
		lab_assert(put_user(100 + i, ADDR) == 0);
		WRITE_ONCE(stored, 100 + i);
	}
	mm_unuse(mm);
}

static void unmapper(void *arg)
{
	(void)arg;
	mm_use(mm);
	lab_assert(vm_munmap(mm, ADDR, PAGE_SIZE) == 0);
	lab_assert(put_user((u64)1, ADDR) == -EFAULT);
	mm_unuse(mm);
}

static void protector(void *arg)
{
	(void)arg;
	mm_use(mm);
	/* This vCPU has a translation now, which reclaim may not have flushed yet. */
	lab_assert(put_user(CONTENT, ADDR) == 0);
	lab_assert(vm_mprotect(mm, ADDR, PAGE_SIZE, PROT_READ) == 0);
	lab_assert(put_user((u64)1, ADDR) == -EFAULT);
	mm_unuse(mm);
}

/* ---- the cases ---- */

static int setup(void (*reclaim)(void *arg), void (*other)(void *arg))
{
	stored = CONTENT;
	bdev = block_ram_create(0, SWAP_MIN_SLOTS);
	mm = walk_space(1);
	if (!mm || IS_ERR(bdev) || swapon(bdev) < 0 || walk_touch(mm, CONTENT))
		return -ENOMEM;
	lab_name(&stored, sizeof(stored), "stored");
	return walk_actors("reclaimer", reclaim, "other", other);
}

static int use_setup(unsigned actors)
{
	(void)actors;
	return setup(reclaimer, writer);
}

static int munmap_setup(unsigned actors)
{
	(void)actors;
	return setup(reclaimer_beside_munmap, unmapper);
}

static int protect_setup(unsigned actors)
{
	(void)actors;
	return setup(reclaimer_beside_mprotect, protector);
}

static void check(unsigned actors)
{
	(void)actors;
	walk_space_check(mm);
	lab_assert(swap_check() == 0);
	lab_assert(lru_check() == 0);
	mmput(mm);
	lab_assert(swapoff(bdev) == 0);
	block_ram_destroy(bdev);
}

/* The first word of the page, wherever it is. */
static u64 word_of_page(void)
{
	struct page *page = get_user_page();
	swp_entry_t entry;
	spinlock_t *ptl;
	pte_t *pte;
	u64 word;

	if (!page) {
		pte = lock_entry(&ptl);
		entry = pte_to_swp_entry(*pte);
		pte_unmap_unlock(pte, ptl);
		page = read_swap_cache(entry);
		if (IS_ERR(page))
			lab_fail(LV_CORRUPT, "the page cannot be read: %ld", PTR_ERR(page));
		folio_unlock(page);
	}
	word = *(u64 *)page_address(page);
	put_page(page);
	return word;
}

static void use_check(unsigned actors)
{
	lab_assert(word_of_page() == stored);
	check(actors);
}

static const char *const use_reach[] = {"out", NULL};
static const char *const munmap_reach[] = {"out", "gone", NULL};

static const struct lab_mutant use_mutants[] = {
	{"no-flush", "writes and frees while a translation is left", LV_STALE},
	{"write-first", "stores the page before it is unmapped", LV_CORRUPT},
	{"frees-referenced", "frees the frame, mapped again or not", LV_CORRUPT},
	{NULL, NULL, LV_SAFE},
};
static const struct lab_case case_reclaim = {
	.name = "reclaim",
	.kind = "walk",
	.what = "writes to a page that reclaim sends to swap",
	.actors = 2,
	.actors_min = 2,
	.actors_max = 2,
	.reach = use_reach,
	.mutants = use_mutants,
	.setup = use_setup,
	.check = use_check,
};
LAB_CASE(case_reclaim);

static const struct lab_mutant munmap_mutants[] = {
	{"no-recheck", "leaves a swap entry where nothing was mapped", LV_CORRUPT},
	{"no-count", "leaves an entry whose slot does not count it", LV_CORRUPT},
	{NULL, NULL, LV_SAFE},
};
static const struct lab_case case_reclaim_munmap = {
	.name = "reclaim-munmap",
	.kind = "walk",
	.what = "unmaps a page that reclaim sends to swap",
	.actors = 2,
	.actors_min = 2,
	.actors_max = 2,
	.reach = munmap_reach,
	.mutants = munmap_mutants,
	.setup = munmap_setup,
	.check = check,
};
LAB_CASE(case_reclaim_munmap);

static const struct lab_mutant protect_mutants[] = {
	{"flush-late", "lets the entry's lock go before it flushes, and tells nobody", LV_CORRUPT},
	{NULL, NULL, LV_SAFE},
};
static const struct lab_case case_reclaim_mprotect = {
	.name = "reclaim-mprotect",
	.kind = "walk",
	.what = "protects a page that reclaim sends to swap",
	.actors = 2,
	.actors_min = 2,
	.actors_max = 2,
	.reach = use_reach,
	.mutants = protect_mutants,
	.setup = protect_setup,
	.check = check,
};
LAB_CASE(case_reclaim_mprotect);
