/*
 * walk_file.c - a mapped file that one actor uses while another cuts it, unmaps it, stores it.
 *
 * Owns: the cases `truncate`, `truncate-copy`, `file-munmap`, `writeback` and `file-zap`, their
 *       wrong forms, what must hold.
 * Idea: as walk_anon.c. A mutant on the side of the fault is a VMA whose vm_ops->fault leaves a
 *       step out; one on the other side is the change done by hand.
 */
#include <errno.h>

#include "kernel/base/err.h"
#include "kernel/core/user.h"
#include "mm/fault_internal.h"
#include "mm/file_internal.h"
#include "mm/filemap.h"
#include "mm/folio_lock.h"
#include "mm/i_mmap.h"
#include "mm/mman.h"
#include "mm/mmap_lock.h"
#include "mm/page_alloc.h"
#include "mm/rmap.h"
#include "mm/tables_internal.h"
#include "mm/tlb.h"
#include "tests/lab/case.h"
#include "tests/lab/walk_space.h"

#define ADDR	WALK_ADDR
#define RW	(PROT_READ | PROT_WRITE)
#define CONTENT 7ul /* of the file's one page */

enum { TRUNCATE_NO_RECHECK, TRUNCATE_SIZE_LAST };
enum { COPY_UNMAP_ONCE };
enum { WRITEBACK_NO_FLUSH, WRITEBACK_CLEAR_FIRST };
enum { ZAP_LATE_FLUSH };
enum { REACH_DONE, REACH_REFUSED };

static struct mm_struct *mm __lab_world;
static struct file *file __lab_world;
static bool zapped __lab_world; /* a third actor zaps the page: the mutants are its own */
static u64 changed __lab_world; /* the change is over */
static u64 stored __lab_world;	/* what the writer wrote last */

/* ---- a fault that leaves a step out ---- */

/* Locks the page that it found, and believes that it is the file's still. */
static vm_fault_t fault_no_recheck(struct vm_fault *vmf)
{
	struct address_space *mapping = vma_mapping(vmf->vma);

	if (vmf->pgoff >= size_pages(i_size_read(file)))
		return VM_FAULT_SIGBUS;
	vmf->page = filemap_get_folio(mapping, vmf->pgoff);
	if (!vmf->page)
		return VM_FAULT_SIGBUS;
	folio_lock(vmf->page);
	return 0;
}

static const struct vm_operations_struct ops_no_recheck = {.fault = fault_no_recheck};

/* ---- the change ---- */

/* Everything goes, and then the file says that it has nothing. */
static void cut_size_last(void)
{
	unmap_mapping_range(&file->f_mapping, 0, ~0ul);
	truncate_inode_pages(&file->f_mapping, 0);
	unmap_mapping_range(&file->f_mapping, 0, ~0ul);
	WRITE_ONCE(file->i_size, 0);
	file_store_cut(file, 0, 1);
}

/* Entries go before the pages, and not again after them. */
static void cut_unmap_once(void)
{
	WRITE_ONCE(file->i_size, 0);
	unmap_mapping_range(&file->f_mapping, 0, ~0ul);
	truncate_inode_pages(&file->f_mapping, 0);
	file_store_cut(file, 0, 1);
}

static void copy_cutter(void *arg)
{
	(void)arg;
	if (case_mutant(COPY_UNMAP_ONCE))
		cut_unmap_once();
	else
		lab_assert(file_truncate(file, 0) == 0);
	WRITE_ONCE(changed, 1);
}

static void cutter(void *arg)
{
	(void)arg;
	if (case_mutant(TRUNCATE_SIZE_LAST))
		cut_size_last();
	else
		lab_assert(file_truncate(file, 0) == 0);
	WRITE_ONCE(changed, 1);
}

static void unmapper(void *arg)
{
	(void)arg;
	lab_assert(vm_munmap(mm, ADDR, PAGE_SIZE) == 0);
	WRITE_ONCE(changed, 1);
}

/* The page's one entry, which is mapped at ADDR, loses its right to write, and is not flushed. */
static void wrprotect_unflushed(void)
{
	spinlock_t *ptl;
	pte_t *pte = pte_offset_map_lock(&mm->tables, pmd_walk(&mm->tables, ADDR), ADDR, &ptl);
	u64 seen = READ_ONCE(pte->pte);

	while (!pte_try_replace(pte, &seen, seen & ~(_PAGE_RW | _PAGE_DIRTY), true))
		;
	pte_unmap_unlock(pte, ptl);
}

/* The entry goes, its dirt reaches the page, and the flush comes only after the lock is let go. */
static void zap_late_flush(void)
{
	struct page *page = NULL;
	spinlock_t *ptl;
	pte_t *pte;

	mmap_read_lock(mm);
	pte = pte_offset_map_lock(&mm->tables, pmd_walk(&mm->tables, ADDR), ADDR, &ptl);
	if (pte_present(__pte(READ_ONCE(pte->pte)))) {
		u64 seen = pte_take(pte, 0, false, true);

		page = pfn_to_page(pte_pfn(__pte(seen)));
		if (seen & _PAGE_DIRTY)
			folio_mark_dirty(page);
		folio_remove_rmap_pte(page);
		add_mm_counter(mm, MM_FILEPAGES, -1);
	}
	pte_unmap_unlock(pte, ptl);
	if (page) {
		flush_tlb_page(&mm->tables.tlb, ADDR);
		put_page(page);
	}
	mmap_read_unlock(mm);
}

static void zapper(void *arg)
{
	(void)arg;
	if (case_mutant(ZAP_LATE_FLUSH))
		zap_late_flush();
	else
		lab_assert(vm_madvise(mm, ADDR, PAGE_SIZE, MADV_DONTNEED) == 0);
}

/* Store the page, with a step left out or at the wrong time. */
static void store_wrongly(void)
{
	struct page *page = filemap_get_folio(&file->f_mapping, 0);

	lab_assert(page);
	folio_lock(page);
	if (case_mutant(WRITEBACK_NO_FLUSH)) {
		wrprotect_unflushed();
		page_flag_clear(page, PG_dirty);
		lab_assert(file->f_mapping.a_ops->writepage(&file->f_mapping, page) == 0);
	} else {
		/* The contents are taken before the entries are cleaned. */
		page_flag_clear(page, PG_dirty);
		lab_assert(file->f_mapping.a_ops->writepage(&file->f_mapping, page) == 0);
		folio_lock(page);
		folio_mkclean(page);
		folio_unlock(page);
	}
	put_page(page);
}

/* Stores the file and drops its page, as reclaim would. What was written must not be lost. */
static void storer(void *arg)
{
	struct page *page;

	(void)arg;
	/* Both touch it, so a bounded search switches there: the writer's accesses are its own. */
	(void)READ_ONCE(stored);
	if (zapped || !(case_mutant(WRITEBACK_NO_FLUSH) || case_mutant(WRITEBACK_CLEAR_FIRST)))
		lab_assert(file_sync(file) == 0);
	else
		store_wrongly();
	page = filemap_get_folio(&file->f_mapping, 0);
	if (!page)
		return;
	folio_lock(page);
	if (!page_flag_test(page, PG_dirty)) {
		unmap_mapping_folio(page);
		/* Written between: dirty again, and kept. */
		if (!page_flag_test(page, PG_dirty))
			filemap_remove_folio(page);
	}
	folio_unlock(page);
	put_page(page);
}

/* ---- the use ---- */

static void user(void *arg)
{
	(void)arg;
	mm_use(mm);
	for (u64 i = 1; i <= 2; i++) {
		u64 before = READ_ONCE(changed), value = 0;
		int err = get_user(&value, ADDR);

		lab_assert(err == 0 || err == -EIO || err == -EFAULT);
		lab_assert(!before || err);
		/* Cut contents are those of before, if any are seen. */
		lab_assert(err || value == CONTENT);
		lab_reach(err ? REACH_REFUSED : REACH_DONE);
	}
	mm_unuse(mm);
}

/* Into a private copy. */
static void copier(void *arg)
{
	(void)arg;
	mm_use(mm);
	for (u64 i = 1; i <= 2; i++) {
		u64 before = READ_ONCE(changed);
		int err = put_user(i, ADDR);

		lab_assert(err == 0 || err == -EIO);
		lab_assert(!before || err);
		lab_reach(err ? REACH_REFUSED : REACH_DONE);
	}
	mm_unuse(mm);
}

static void writer(void *arg)
{
	(void)arg;
	mm_use(mm);
	for (u64 i = 1; i <= 2; i++) {
		lab_assert(put_user(100 + i, ADDR) == 0);
		WRITE_ONCE(stored, 100 + i);
		lab_reach(REACH_DONE);
	}
	mm_unuse(mm);
}

/* ---- the cases ---- */

static int setup(void (*changer)(void *arg), void (*use)(void *arg), unsigned long prot,
		 unsigned long type)
{
	changed = 0;
	zapped = false;
	stored = CONTENT;
	file = walk_file("cut", CONTENT);
	mm = walk_space_of(file, prot, type);
	if (!mm)
		return -ENOMEM;
	lab_name(&changed, sizeof(changed), "changed");
	lab_name(&stored, sizeof(stored), "stored");
	return walk_actors("changer", changer, "user", use);
}

static int truncate_setup(unsigned actors)
{
	int err = setup(cutter, user, PROT_READ, MAP_SHARED);
	struct vm_area_struct *vma;

	(void)actors;
	vma = vma_lookup(mm, ADDR);
	if (case_mutant(TRUNCATE_NO_RECHECK)) {
		vma->vm_ops = &ops_no_recheck;
		atomic_dec(&file->f_mapping.nr_open);
	}
	return err;
}

static int copy_setup(unsigned actors)
{
	(void)actors;
	return setup(copy_cutter, copier, RW, MAP_PRIVATE);
}

static int munmap_setup(unsigned actors)
{
	(void)actors;
	return setup(unmapper, user, PROT_READ, MAP_SHARED);
}

/* The page is there, and may be written, so that the writer may have its translation. */
static int writeback_setup(unsigned actors)
{
	int err = setup(storer, writer, RW, MAP_SHARED);

	(void)actors;
	return err ? err : walk_touch(mm, CONTENT);
}

static int zap_setup(unsigned actors)
{
	int err = writeback_setup(actors);

	zapped = true;
	return err ? err : lab_actor("zapper", 2, zapper, NULL);
}

static void check(unsigned actors)
{
	(void)actors;
	walk_space_check(mm);
	lab_assert(filemap_check(&file->f_mapping) == 0);
	mmput(mm);
	fput(file);
}

static void writeback_check(unsigned actors)
{
	u64 value = 0;

	lab_assert(file_read(file, &value, sizeof(value), 0) == sizeof(value));
	lab_assert(value == stored);
	check(actors);
}

static const char *const reach_both[] = {"done", "refused", NULL};
static const char *const reach_done[] = {"done", NULL};

static const struct lab_mutant truncate_mutants[] = {
	[TRUNCATE_NO_RECHECK] = {"no-recheck", "maps the page it waited for, cut or not",
				 LV_CORRUPT},
	[TRUNCATE_SIZE_LAST] = {"size-last", "the file keeps its size until its pages are gone",
				LV_CORRUPT},
	{NULL, NULL, LV_SAFE},
};
static const struct lab_case case_truncate = {
	.name = "truncate",
	.kind = "walk",
	.what = "reads a page of a file that is cut",
	.actors = 2,
	.actors_min = 2,
	.actors_max = 2,
	.reach = reach_both,
	.mutants = truncate_mutants,
	.setup = truncate_setup,
	.check = check,
};
LAB_CASE(case_truncate);

static const struct lab_mutant copy_mutants[] = {
	[COPY_UNMAP_ONCE] = {"unmap-once", "leaves private copies that were made meanwhile",
			     LV_CORRUPT},
	{NULL, NULL, LV_SAFE},
};
static const struct lab_case case_copy = {
	.name = "truncate-copy",
	.kind = "walk",
	.what = "copies a page of a file that is cut",
	.actors = 2,
	.actors_min = 2,
	.actors_max = 2,
	.reach = reach_both,
	.mutants = copy_mutants,
	.setup = copy_setup,
	.check = check,
};
LAB_CASE(case_copy);

static const struct lab_case case_munmap = {
	.name = "file-munmap",
	.kind = "walk",
	.what = "reads a page of a file that is unmapped",
	.actors = 2,
	.actors_min = 2,
	.actors_max = 2,
	.reach = reach_both,
	.setup = munmap_setup,
	.check = check,
};
LAB_CASE(case_munmap);

static const struct lab_mutant writeback_mutants[] = {
	[WRITEBACK_NO_FLUSH] = {"no-flush", "cleans the entry and no translation", LV_CORRUPT},
	[WRITEBACK_CLEAR_FIRST] = {"clear-first", "stores before the entries are cleaned",
				   LV_CORRUPT},
	{NULL, NULL, LV_SAFE},
};
static const struct lab_case case_writeback = {
	.name = "writeback",
	.kind = "walk",
	.what = "writes to a page of a file that is stored and dropped",
	.actors = 2,
	.actors_min = 2,
	.actors_max = 2,
	.reach = reach_done,
	.mutants = writeback_mutants,
	.setup = writeback_setup,
	.check = writeback_check,
};
LAB_CASE(case_writeback);

static const struct lab_mutant zap_mutants[] = {
	[ZAP_LATE_FLUSH] = {"late-flush", "lets the entry's lock go before it flushes", LV_CORRUPT},
	{NULL, NULL, LV_SAFE},
};
static const struct lab_case case_zap = {
	.name = "file-zap",
	.kind = "walk",
	.what = "as writeback, while the entry is zapped",
	.actors = 3,
	.actors_min = 3,
	.actors_max = 3,
	.reach = reach_done,
	.mutants = zap_mutants,
	.setup = zap_setup,
	.check = writeback_check,
};
LAB_CASE(case_zap);
