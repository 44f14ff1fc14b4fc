/*
 * walk_fork.c - an address space that is copied while a thread of it writes and pages of it go out.
 *
 * Owns: the case `fork`, its wrong forms, what parent and child must be at the end.
 * Idea: one page of every kind: written meanwhile, swapped out before, swapped out meanwhile, a
 *       file's and a private copy of one, to be wiped, not for the child, without rights, pinned.
 *       The copy is the real dup_mmap(); a mutant is it with one hook, or one deed, taken away.
 */
#include <errno.h>

#include "kernel/base/err.h"
#include "kernel/core/user.h"
#include "kernel/sched/thread.h"
#include "mm/block_ram.h"
#include "mm/dup_mmap.h"
#include "mm/gup.h"
#include "mm/mm_check.h"
#include "mm/mm_marks.h"
#include "mm/mman.h"
#include "mm/mmap_lock.h"
#include "mm/semantics.h"
#include "mm/vma_lock.h"
#include "tests/lab/case.h"
#include "tests/lab/walk_space.h"
#include "tests/mm_file.h"
#include "tests/mm_swap.h"
#include "tests/mm_user.h"

#define ADDR  0x40000000ul
#define RW    (PROT_READ | PROT_WRITE)
#define WORD  0x5ca1ab1e0ddba11ul
#define SLOTS 16u

enum { PAIR, OUT, IDLE, COPY, PAGE_OF_FILE, WIPED, PRIVATE, NO_RIGHTS, PINNED, NR };
enum { MUT_NO_FLUSH, MUT_NOT_PROTECTED, MUT_UNTIED, MUT_MISCOUNTED, MUT_NOT_WIPED };
enum { REACH_WRITTEN_BEFORE, REACH_WRITTEN_LATER, REACH_WENT_OUT };

static struct mm_struct *mm __lab_world;
static struct mm_struct *child __lab_world;
static struct block_device *bdev __lab_world;
static struct file *file __lab_world;
static struct page *pinned __lab_world;
static struct sem_set rules __lab_world; /* those of a mutant */
static u64 pair[2] __lab_world;		 /* what the child found, */
static u64 looked __lab_world;		 /* when this was set */

static unsigned long page_at(unsigned i)
{
	return ADDR + i * PAGE_SIZE;
}

/* ---- the copy ---- */

static void unlock_unflushed(struct fork_copy *fc) NO_LOCK_ANALYSIS
{
	mmap_write_unlock(fc->mm);
	mmap_write_unlock(fc->oldmm);
}

static bool all_but_ties(enum publication by)
{
	return by != PUB_ANON;
}

/* Under the parent's rules but for one hook. */
static struct mm_struct *copy_by_rules(void)
{
	struct mm_struct *copy = mm_alloc();

	rules = *mm->sem;
	if (case_mutant(MUT_NO_FLUSH))
		rules.hooks.unlock = unlock_unflushed;
	if (case_mutant(MUT_UNTIED))
		rules.hooks.publish = all_but_ties;
	lab_assert(copy != NULL);
	copy->sem = &rules;
	lab_assert(dup_mmap(copy, mm) == 0);
	return copy;
}

/* The VMA to be wiped is, or is not any more. */
static void set_wiped(struct mm_struct *in, bool on)
{
	struct vm_area_struct *vma;

	mmap_write_lock(in);
	vma = vma_lookup(in, page_at(WIPED));
	vma_start_write(vma);
	vma->vm_flags = on ? vma->vm_flags | VM_WIPEONFORK : vma->vm_flags & ~VM_WIPEONFORK;
	mmap_write_unlock(in);
}

static struct mm_struct *make_child(void)
{
	struct mm_struct *copy;

	if (case_mutant(MUT_NO_FLUSH) || case_mutant(MUT_UNTIED))
		return copy_by_rules();
	if (case_mutant(MUT_NOT_WIPED))
		set_wiped(mm, false);
	copy = dup_mm(mm);
	lab_assert(!IS_ERR(copy));
	if (case_mutant(MUT_NOT_WIPED)) {
		set_wiped(mm, true);
		set_wiped(copy, true);
	}
	if (case_mutant(MUT_NOT_PROTECTED))
		walk_give_write(mm, page_at(PAIR));
	if (case_mutant(MUT_MISCOUNTED))
		add_mm_counter(copy, MM_ANONPAGES, 1);
	return copy;
}

/* ---- what is where ---- */

static u64 word_of(unsigned i)
{
	u64 value = 0;

	lab_assert(get_user(&value, page_at(i)) == 0);
	return value;
}

static bool refused(unsigned i)
{
	u64 value;

	return get_user(&value, page_at(i)) == -EFAULT;
}

/* What nobody writes, in the parent and in the child, whichever is in use. */
static void look_at_the_rest(void)
{
	lab_assert(word_of(OUT) == WORD + OUT);
	lab_assert(word_of(COPY) == WORD + COPY);
	lab_assert(word_of(PAGE_OF_FILE) == 0);
	lab_assert(refused(NO_RIGHTS));
	lab_assert(word_of(PINNED) == WORD + PINNED);
}

static void look_at_pair(u64 *out)
{
	out[1] = 0;
	lab_assert(get_user(&out[1], page_at(PAIR) + 2048) == 0);
	out[0] = word_of(PAIR);
}

/* ---- the actors ---- */

/*
 * In the frame, since using the child drops the one CPU's translations, and with them those that
 * the parent's flush forgot.
 */
static void look_at_frame(void)
{
	const u64 *word = page_address(user_page(child, page_at(PAIR)));

	pair[1] = READ_ONCE_NOPOINT(word[256]);
	pair[0] = READ_ONCE_NOPOINT(word[0]);
	WRITE_ONCE(looked, 1);
	for (unsigned i = 0; i < 20; i++)
		lab_assert(READ_ONCE(looked) == 1);
}

static void forker(void *arg)
{
	u64 again[2];

	(void)arg;
	child = make_child();
	look_at_frame();
	mm_use(child);
	look_at_pair(again);
	lab_assert(again[0] == pair[0] && again[1] == pair[1]);
	/* A moment of the parent's memory: one word is written before the other. */
	lab_assert(pair[0] == pair[1] || pair[0] == pair[1] + 1);
	lab_reach(pair[0] ? REACH_WRITTEN_BEFORE : REACH_WRITTEN_LATER);
	lab_assert(word_of(IDLE) == WORD + IDLE);
	lab_assert(put_user((u64)1, page_at(IDLE)) == 0);
	lab_assert(word_of(WIPED) == 0);
	lab_assert(refused(PRIVATE));
	look_at_the_rest();
	mm_unuse(child);
}

/* As many steps as a copy takes, or until the child has looked. */
static void linger(void)
{
	for (unsigned i = 0; i < 400 && !READ_ONCE(looked); i++)
		;
}

static void sibling(void *arg)
{
	(void)arg;
	mm_use(mm);
	for (u64 i = 1; i <= 2; i++) {
		lab_assert(put_user(i, page_at(PAIR)) == 0);
		lab_assert(put_user(i, page_at(PAIR) + 2048) == 0);
		if (i == 1)
			linger();
	}
	mm_unuse(mm);
}

static void reclaimer(void *arg)
{
	(void)arg;
	/* As a thread of the parent, so that the one CPU keeps its translations. */
	mm_use(mm);
	if (user_swap_out(mm, page_at(IDLE), 1))
		lab_reach(REACH_WENT_OUT);
	mm_unuse(mm);
}

/* ---- before and after ---- */

static int fill(void)
{
	int err = 0;

	mm_use(mm);
	for (unsigned i = 0; i < NR && !err; i++) {
		if (i == PAGE_OF_FILE)
			(void)word_of(i);
		else
			err = put_user(i == PAIR ? 0 : WORD + i, page_at(i));
	}
	mm_unuse(mm);
	return err;
}

static int make_space(void)
{
	int err;

	child = NULL;
	looked = 0;
	bdev = block_ram_create(0, SLOTS);
	file = file_create("f", 2 * PAGE_SIZE);
	mm = mm_alloc();
	if (IS_ERR(bdev) || IS_ERR(file) || !mm || swapon(bdev) < 0)
		return -ENOMEM;
	err = user_mmap(mm, ADDR, NR, RW);
	if (!err)
		err = file_mmap(mm, page_at(COPY), 2, RW, MAP_PRIVATE, file, 0);
	if (!err)
		err = fill();
	if (!err)
		err = vm_madvise(mm, page_at(WIPED), PAGE_SIZE, MADV_WIPEONFORK);
	if (!err)
		err = vm_madvise(mm, page_at(PRIVATE), PAGE_SIZE, MADV_DONTFORK);
	if (!err)
		err = vm_mprotect(mm, page_at(NO_RIGHTS), PAGE_SIZE, PROT_NONE);
	pinned = err ? NULL : pin_user_page(mm, page_at(PINNED));
	if (!pinned || user_swap_out(mm, page_at(OUT), 1) != 1)
		return -ENOMEM;
	return 0;
}

static int setup(unsigned actors)
{
	int err = make_space();

	if (!err)
		err = lab_actor("forker", 0, forker, NULL);
	if (!err)
		err = lab_actor("sibling", 1, sibling, NULL);
	if (!err && actors > 2)
		err = lab_actor("reclaimer", 2, reclaimer, NULL);
	lab_name(mm, sizeof(*mm), "mm");
	lab_name((void *)ADDR, PAGE_SIZE, "pair");
	return err;
}

static void check_whole(struct mm_struct *space)
{
	mmap_write_lock(space);
	lab_assert(mm_check(space) == 0);
	mmap_write_unlock(space);
}

static void check_child(void)
{
	u64 now[2];

	mm_use(child);
	look_at_pair(now);
	lab_assert(now[0] == pair[0] && now[1] == pair[1]);
	lab_assert(word_of(IDLE) == 1);
	look_at_the_rest();
	lab_assert(user_page(child, page_at(PINNED)) != pinned);
	lab_assert(vm_mprotect(child, page_at(NO_RIGHTS), PAGE_SIZE, PROT_READ) == 0);
	lab_assert(word_of(NO_RIGHTS) == WORD + NO_RIGHTS);
	mm_unuse(child);
}

static void check_parent(void)
{
	u64 now[2];

	mm_use(mm);
	look_at_pair(now);
	lab_assert(now[0] == 2 && now[1] == 2);
	lab_assert(word_of(IDLE) == WORD + IDLE);
	lab_assert(word_of(WIPED) == WORD + WIPED);
	lab_assert(word_of(PRIVATE) == WORD + PRIVATE);
	look_at_the_rest();
	lab_assert(user_page(mm, page_at(PINNED)) == pinned);
	mm_unuse(mm);
}

static void check(unsigned actors)
{
	(void)actors;
	check_whole(mm);
	check_whole(child);
	check_child();
	check_parent();
	check_whole(mm);
	check_whole(child);
	unpin_user_page(pinned);
	mmput(child);
	mmput(mm);
	fput(file);
	lab_assert(swapoff(bdev) == 0);
	lab_assert(swap_check() == 0);
	block_ram_destroy(bdev);
}

static const char *const reach[] = {"written-before", "written-later", "went-out", NULL};
static const struct lab_mutant mutants[] = {
	[MUT_NO_FLUSH] = {"no-flush", "the parent goes on writing by an old translation",
			  LV_CORRUPT},
	[MUT_NOT_PROTECTED] = {"not-protected", "the parent's entry keeps its right to write",
			       LV_CORRUPT},
	[MUT_UNTIED] = {"untied", "the child's VMAs are not tied to the parent's anon_vmas",
			LV_CORRUPT},
	[MUT_MISCOUNTED] = {"miscounted", "the child counts a page that it does not map",
			    LV_CORRUPT},
	[MUT_NOT_WIPED] = {"not-wiped", "what was to be wiped is copied", LV_CORRUPT},
	{NULL, NULL, LV_SAFE},
};

static const struct lab_case case_fork = {
	.name = "fork",
	.kind = "walk",
	.what = "copied while a thread writes and a page goes out",
	.actors = 3,
	.actors_min = 2,
	.actors_max = 3,
	.reach = reach,
	.mutants = mutants,
	.setup = setup,
	.check = check,
};
LAB_CASE(case_fork);
