/*
 * walk_reclaim_file.c - a page of a file that one actor writes to while reclaim takes it away.
 *
 * Owns: the case `reclaim-file` and its wrong form. Idea: as walk_reclaim.c.
 */
#include <errno.h>

#include "kernel/base/err.h"
#include "kernel/core/user.h"
#include "mm/filemap.h"
#include "mm/folio_lock.h"
#include "mm/lru.h"
#include "mm/mman.h"
#include "mm/mmap_lock.h"
#include "mm/page_alloc.h"
#include "mm/rmap.h"
#include "mm/shrink.h"
#include "tests/lab/case.h"
#include "tests/lab/walk_space.h"

#define ADDR WALK_ADDR
#define RW   (PROT_READ | PROT_WRITE)

enum { STORE_FIRST };

static struct mm_struct *mm __lab_world;
static struct file *file __lab_world;
static u64 stored __lab_world; /* what the writer wrote last */

/* Stores the page while it may be written still, and believes it clean afterwards. */
static void store_first(struct page *page)
{
	folio_lock(page);
	page_flag_clear(page, PG_dirty);
	lab_assert(file->f_mapping.a_ops->writepage(&file->f_mapping, page) == 0);
	folio_lock(page);
	unmap_mapping_folio(page);
	filemap_remove_folio(page);
	folio_unlock(page);
}

static void reclaimer(void *arg)
{
	struct scan_control sc = {.nr_to_reclaim = 1, .may_swap = true, .force = true};
	struct page *page;

	(void)arg;
	/* Both touch it, so a bounded search switches there: the writer's accesses are its own. */
	(void)READ_ONCE(stored);
	page = filemap_get_folio(&file->f_mapping, 0);
	if (!page)
		return;
	if (case_mutant(STORE_FIRST))
		store_first(page);
	else if (folio_isolate_lru(page))
		shrink_folios(&page, 1, this_cpu_ptr(lruvec), &sc);
	put_page(page);
	lab_reach(0);
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

static int setup(unsigned actors)
{
	(void)actors;
	stored = 7;
	file = walk_file("kept", 0);
	mm = walk_space_of(file, RW, MAP_SHARED);
	if (!mm || walk_touch(mm, stored))
		return -ENOMEM;
	lab_name(&stored, sizeof(stored), "stored");
	return walk_actors("reclaimer", reclaimer, "writer", writer);
}

static void check(unsigned actors)
{
	u64 value = 0;

	(void)actors;
	lab_assert(file_read(file, &value, sizeof(value), 0) == sizeof(value));
	lab_assert(value == stored);
	walk_space_check(mm);
	lab_assert(filemap_check(&file->f_mapping) == 0);
	lab_assert(lru_check() == 0);
	mmput(mm);
	fput(file);
}

static const char *const reach[] = {"done", NULL};

static const struct lab_mutant mutants[] = {
	[STORE_FIRST] = {"store-first", "stores the page before it is unmapped", LV_CORRUPT},
	{NULL, NULL, LV_SAFE},
};
static const struct lab_case case_reclaim_file = {
	.name = "reclaim-file",
	.kind = "walk",
	.what = "writes to a page of a file that reclaim stores and drops",
	.actors = 2,
	.actors_min = 2,
	.actors_max = 2,
	.reach = reach,
	.mutants = mutants,
	.setup = setup,
	.check = check,
};
LAB_CASE(case_reclaim_file);
