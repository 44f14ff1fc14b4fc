/*
 * walk_swap.c - a page on a swap device that one actor uses, drops or exits with, while another
 * turns the device off.
 *
 * Owns: the cases `swapoff-fault`, `swapoff-dontneed`, `swapoff-munmap`, `swapoff-exit`, and
 *       `swapin-dontneed` where nothing is turned off; their wrong forms.
 * Idea: the walk is the real swapoff(). A mutant brings the page back by hand, with one step left
 *       out. In `swapoff-fault` a third actor sends another page out, to a device that may be on
 *       its way out itself.
 */
#include <errno.h>

#include "kernel/base/err.h"
#include "kernel/core/user.h"
#include "kernel/sched/thread.h"
#include "mm/block_ram.h"
#include "mm/folio_lock.h"
#include "mm/mman.h"
#include "mm/mmap_lock.h"
#include "mm/page_alloc.h"
#include "mm/rmap.h"
#include "tests/lab/case.h"
#include "tests/lab/walk_space.h"
#include "tests/mm_swap.h"
#include "tests/mm_user.h"

#define ADDR  WALK_ADDR
#define OTHER (ADDR + PAGE_SIZE)
#define WORD  0x5ca1ab1e0ddba11ul
#define SLOTS 16u

/* The same for all cases; one that a case cannot show is not in its list. */
enum { MUT_NO_RECHECK, MUT_COUNT_TWICE, MUT_NO_PIN, MUT_GIVEN_AWAY, MUT_LET_GO };
enum { REACH_OFF_BROUGHT, REACH_OTHER_FIRST };

static struct mm_struct *mm __lab_world;
static struct block_device *bdev __lab_world;
static u64 off __lab_world;	  /* the device is */
static u64 user_done __lab_world; /* the user has had the page before swapoff was over */
static u64 nobodys __lab_world;
/* Which of MUT_ the @i-th of the case's list is. */
static const int *mutant_of;

static int the_mutant(void)
{
	for (unsigned i = 0; mutant_of[i] >= 0; i++) {
		if (case_mutant(i))
			return mutant_of[i];
	}
	return -1;
}

/* ---- wrong ways back ---- */

/* Put @page there, whatever is there if @blindly. False: something else was there. */
static bool install(struct vm_area_struct *vma, struct page *page, pte_t seen, bool blindly)
	NO_LOCK_ANALYSIS
{
	spinlock_t *ptl;
	pte_t *pte = pte_offset_map_lock(&mm->tables, pmd_walk(&mm->tables, ADDR), ADDR, &ptl);
	bool same = READ_ONCE(pte->pte) == seen.pte;
	if (same || blindly) {
		if (the_mutant() != MUT_GIVEN_AWAY)
			get_page(page);
		folio_add_anon_rmap_swap(page, vma, ADDR, pte_swp_exclusive(seen));
		add_mm_counter(mm, MM_ANONPAGES, 1);
		add_mm_counter(mm, MM_SWAPENTS, -1);
		WRITE_ONCE(pte->pte, page_to_phys(page).v | vma->vm_page_prot.prot);
	}
	pte_unmap_unlock(pte, ptl);
	return same || blindly;
}

/* @page, which is locked, goes where @seen was, with a mistake. */
static void put_back_wrongly(int mutant, struct vm_area_struct *vma, struct page *page, pte_t seen)
{
	bool blindly = mutant == MUT_NO_RECHECK || mutant == MUT_LET_GO;
	bool installed = install(vma, page, seen, blindly);

	if (installed)
		swap_free(pte_to_swp_entry(seen));
	if (installed && mutant == MUT_COUNT_TWICE)
		swap_free(pte_to_swp_entry(seen));
	folio_free_swap(page);
	folio_unlock(page);
	if (!installed || mutant != MUT_GIVEN_AWAY)
		put_page(page);
}

/*
 * What swapoff does for ADDR, with a mistake. mmap_lock is held for read, and let go: if MUT_LET_GO
 * before the page is read, and the VMA is any then.
 */
static void unuse_wrongly(int mutant) NO_LOCK_ANALYSIS
{
	struct vm_area_struct *vma = vma_lookup(mm, ADDR);
	pte_t seen = __pte(user_pte(mm, ADDR));
	bool let_go = mutant == MUT_LET_GO;
	struct page *page;

	if (let_go)
		mmap_read_unlock(mm);
	if (vma && is_swap_pte(seen)) {
		page = read_swap_cache(pte_to_swp_entry(seen));
		if (let_go)
			vma = find_vma(mm, ADDR);
		if (!IS_ERR(page))
			put_back_wrongly(mutant, vma, page, seen);
	}
	if (!let_go)
		mmap_read_unlock(mm);
}

static void swapoff_wrongly(int mutant) NO_LOCK_ANALYSIS
{
	if (mutant != MUT_NO_PIN && !mmget_not_zero(mm))
		return;
	mmap_read_lock(mm);
	/* Whoever has pinned it finds it whole. */
	unuse_wrongly(mutant);
	if (mutant != MUT_NO_PIN)
		mmput(mm);
}

/* ---- the actors ---- */

static void turner(void *arg)
{
	int mutant = the_mutant();

	(void)arg;
	if (mutant >= 0)
		swapoff_wrongly(mutant);
	lab_assert(swapoff(bdev) == 0);
	WRITE_ONCE(off, 1);
	lab_reach(READ_ONCE(user_done) ? REACH_OTHER_FIRST : REACH_OFF_BROUGHT);
}

/*
 * As many steps as swapoff takes until it looks at entries. At a word that nobody else touches, so
 * that a bounded search does not try to preempt each of them.
 */
static void linger(void)
{
	for (unsigned i = 0; i < 40; i++)
		lab_assert(READ_ONCE(nobodys) == 0);
}

/* Reads what was there, and writes. */
static void user(void *arg)
{
	u64 value = 0;

	(void)arg;
	mm_use(mm);
	linger();
	lab_assert(get_user(&value, ADDR) == 0);
	lab_assert(value == WORD);
	WRITE_ONCE(user_done, 1);
	lab_assert(put_user(WORD + 1, ADDR) == 0);
	mm_unuse(mm);
}

/* Another page goes out, to whatever slot is free, if the device still takes any. */
static void sender(void *arg)
{
	(void)arg;
	user_swap_out(mm, OTHER, 1);
}

static void dropper(void *arg)
{
	(void)arg;
	linger();
	lab_assert(vm_madvise(mm, ADDR, PAGE_SIZE, MADV_DONTNEED) == 0);
	WRITE_ONCE(user_done, 1);
}

/* Reads what was there, or zeros if it was dropped before. */
static void reader(void *arg) NO_LOCK_ANALYSIS
{
	u64 value = 0;

	(void)arg;
	if (the_mutant() >= 0) {
		mmap_read_lock(mm);
		unuse_wrongly(the_mutant());
		return;
	}
	mm_use(mm);
	lab_assert(get_user(&value, ADDR) == 0);
	lab_assert(value == WORD || value == 0);
	lab_reach(value == WORD ? REACH_OFF_BROUGHT : REACH_OTHER_FIRST);
	mm_unuse(mm);
}

static void unmapper(void *arg)
{
	(void)arg;
	linger();
	lab_assert(vm_munmap(mm, ADDR, PAGE_SIZE) == 0);
	WRITE_ONCE(user_done, 1);
}

static void drop_only(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < 3; i++)
		lab_assert(vm_madvise(mm, ADDR, PAGE_SIZE, MADV_DONTNEED) == 0);
}

static void leaver(void *arg)
{
	(void)arg;
	linger();
	mmput(mm);
	WRITE_ONCE(user_done, 1);
}

/* ---- setting up and looking ---- */

static int make_space(void)
{
	int err;

	off = user_done = 0;
	bdev = block_ram_create(0, SLOTS);
	mm = walk_space(2);
	if (IS_ERR(bdev) || !mm || swapon(bdev) < 0 || walk_touch(mm, WORD))
		return -ENOMEM;
	mm_use(mm);
	err = put_user(~WORD, OTHER);
	mm_unuse(mm);
	if (!err && user_swap_out(mm, ADDR, 1) != 1)
		err = -EIO;
	lab_name(pte_walk(&mm->tables, ADDR), 8, "pte");
	return err;
}

static int setup(const char *name, void (*fn)(void *arg), bool with_sender)
{
	int err = make_space();

	if (!err)
		err = walk_actors("swapoff", turner, name, fn);
	if (!err && with_sender)
		err = lab_actor("sender", 2, sender, NULL);
	return err;
}

static void check_device(void)
{
	lab_assert(swap_check() == 0);
	lab_assert(atomic_long_read(&nr_swapcache_pages) == 0);
	block_ram_destroy(bdev);
}

static void check_space(void)
{
	walk_space_check(mm);
	mmput(mm);
}

/* What an access to ADDR gives in the end: @err, or @word. */
static void expect_at_end(int err, u64 word)
{
	u64 value = 0;

	mm_use(mm);
	lab_assert(get_user(&value, ADDR) == err);
	lab_assert(value == word);
	mm_unuse(mm);
}

static void check(int err, u64 word)
{
	lab_assert(off);
	walk_space_check(mm);
	expect_at_end(err, word);
	check_space();
	check_device();
}

static void check_fault(unsigned actors)
{
	(void)actors;
	check(0, WORD + 1);
}

static void check_dontneed(unsigned actors)
{
	(void)actors;
	check(0, 0);
}

static void check_munmap(unsigned actors)
{
	(void)actors;
	check(-EFAULT, 0);
}

static void check_exit(unsigned actors)
{
	(void)actors;
	lab_assert(off);
	check_device();
}

static void check_swapin(unsigned actors)
{
	(void)actors;
	check_space();
	lab_assert(get_nr_swap_pages() == SLOTS);
	lab_assert(swapoff(bdev) == 0);
	check_device();
}

/* ---- the cases ---- */

static const char *const reach[] = {"swapoff-first", "other-first", NULL};

static const int fault_mutants_are[] = {MUT_NO_RECHECK, MUT_COUNT_TWICE, -1};
static const struct lab_mutant fault_mutants[] = {
	{"no-recheck", "installs the page whatever the entry is by then", LV_CORRUPT},
	{"count-twice", "takes two off the slot's count", LV_CORRUPT},
	{NULL, NULL, LV_SAFE},
};

static int fault_setup(unsigned actors)
{
	mutant_of = fault_mutants_are;
	return setup("user", user, actors > 2);
}

static const struct lab_case case_swapoff_fault = {
	.name = "swapoff-fault",
	.kind = "walk",
	.what = "reads and writes a page while swapoff brings it back",
	.actors = 3,
	.actors_min = 2,
	.actors_max = 3,
	.bound_actors = 2,
	.reach = reach,
	.mutants = fault_mutants,
	.setup = fault_setup,
	.check = check_fault,
};
LAB_CASE(case_swapoff_fault);

static const int drop_mutants_are[] = {MUT_NO_RECHECK, MUT_COUNT_TWICE, -1};
static const struct lab_mutant drop_mutants[] = {
	{"no-recheck", "installs the page whatever the entry is by then", LV_CORRUPT},
	{"count-twice", "takes two off the slot's count", LV_CORRUPT},
	{NULL, NULL, LV_SAFE},
};

static int drop_setup(unsigned actors)
{
	(void)actors;
	mutant_of = drop_mutants_are;
	return setup("dropper", dropper, false);
}

static const struct lab_case case_swapoff_dontneed = {
	.name = "swapoff-dontneed",
	.kind = "walk",
	.what = "drops a page while swapoff brings it back",
	.actors = 2,
	.actors_min = 2,
	.actors_max = 2,
	.reach = reach,
	.mutants = drop_mutants,
	.setup = drop_setup,
	.check = check_dontneed,
};
LAB_CASE(case_swapoff_dontneed);

static const int munmap_mutants_are[] = {MUT_LET_GO, MUT_COUNT_TWICE, -1};
static const struct lab_mutant munmap_mutants[] = {
	{"let-go", "lets the mmap_lock go before the read, and goes on as before", LV_CORRUPT},
	{"count-twice", "takes two off the slot's count", LV_CORRUPT},
	{NULL, NULL, LV_SAFE},
};

static int munmap_setup(unsigned actors)
{
	int err = setup("unmapper", unmapper, false);

	(void)actors;
	mutant_of = munmap_mutants_are;
	/* The other page becomes a VMA of its own, so that all of this one's goes, but no table. */
	return err ? err : vm_mprotect(mm, OTHER, PAGE_SIZE, PROT_READ);
}

static const struct lab_case case_swapoff_munmap = {
	.name = "swapoff-munmap",
	.kind = "walk",
	.what = "unmaps a page while swapoff brings it back",
	.actors = 2,
	.actors_min = 2,
	.actors_max = 2,
	.reach = reach,
	.mutants = munmap_mutants,
	.setup = munmap_setup,
	.check = check_munmap,
};
LAB_CASE(case_swapoff_munmap);

static const int exit_mutants_are[] = {MUT_NO_PIN, -1};
static const struct lab_mutant exit_mutants[] = {
	{"no-pin", "walks an mm that it does not hold", LV_UAF},
	{NULL, NULL, LV_SAFE},
};

static int exit_setup(unsigned actors)
{
	(void)actors;
	mutant_of = exit_mutants_are;
	return setup("leaver", leaver, false);
}

static const struct lab_case case_swapoff_exit = {
	.name = "swapoff-exit",
	.kind = "walk",
	.what = "exits while swapoff brings its page back",
	.actors = 2,
	.actors_min = 2,
	.actors_max = 2,
	.bound = 1, /* 1800 points, most of them in the grace periods behind an exit */
	.reach = reach,
	.mutants = exit_mutants,
	.setup = exit_setup,
	.check = check_exit,
};
LAB_CASE(case_swapoff_exit);

static const char *const swapin_reach[] = {"read", "dropped", NULL};
static const int swapin_mutants_are[] = {MUT_GIVEN_AWAY, -1};
static const struct lab_mutant swapin_mutants[] = {
	{"given-away", "uses the page after its reference is the entry's", LV_LEAK},
	{NULL, NULL, LV_SAFE},
};

static int swapin_setup(unsigned actors)
{
	int err = make_space();

	(void)actors;
	mutant_of = swapin_mutants_are;
	return err ? err : walk_actors("reader", reader, "dropper", drop_only);
}

static const struct lab_case case_swapin_dontneed = {
	.name = "swapin-dontneed",
	.kind = "walk",
	.what = "reads a page from swap while another drops it",
	.actors = 2,
	.actors_min = 2,
	.actors_max = 2,
	.reach = swapin_reach,
	.mutants = swapin_mutants,
	.setup = swapin_setup,
	.check = check_swapin,
};
LAB_CASE(case_swapin_dontneed);
