/*
 * file.c - what mapped files cost: faults on cached pages, copies, cuts, write-back, finding pages.
 *
 * Per page unless said otherwise. A copy contains 513 instructions that move one frame, a read from
 * or a write to the store 517.
 */
#include "kernel/base/err.h"
#include "kernel/core/user.h"
#include "kernel/sched/rcu.h"
#include "mm/filemap.h"
#include "mm/folio_lock.h"
#include "mm/maple_tree.h"
#include "mm/mman.h"
#include "mm/page_alloc.h"
#include "mm/radix.h"
#include "tests/bench.h"
#include "tests/mm_file.h"
#include "tests/mm_user.h"

#define BASE  USER_BASE
#define RW    (PROT_READ | PROT_WRITE)
#define SWEEP BENCH_SWEEP("pages", 512, 2048, 4096)

/* A file that is mapped, by a space in use. */
struct mapped {
	struct mm_struct *mm;
	struct file *file;
};

static void file_end(struct mapped *m)
{
	if (m->mm) {
		mm_unuse(m->mm);
		mmput(m->mm);
	}
	if (m->file)
		fput(m->file);
	rcu_barrier();
}

/* All tables are there, and, if @cached, all pages. False: no memory, nothing is left. */
static bool file_begin(struct bench *b, struct mapped *m, unsigned long flags, bool cached)
{
	unsigned long nr = bench_x(b);
	struct file *file = file_create("bench", nr * PAGE_SIZE);
	u64 word;

	*m = (struct mapped){.mm = mm_alloc(), .file = IS_ERR(file) ? NULL : file};
	if (m->mm)
		mm_use(m->mm);
	if (!m->mm || !m->file || file_mmap(m->mm, BASE, nr, RW, flags, file, 0) ||
	    tables_populate(&m->mm->tables, BASE, BASE + nr * PAGE_SIZE))
		goto undo;
	for (unsigned long i = 0; cached && i < nr; i++) {
		if (file_read(file, &word, sizeof(word), i * PAGE_SIZE) != sizeof(word))
			goto undo;
	}
	return true;

undo:
	bench_fail(b, "no memory for a file of %lu pages", nr);
	file_end(m);
	return false;
}

typedef void file_body(struct bench *b, struct mapped *m);

/* Runs @body, which measures something of its own, on a file that is mapped. */
static void with_file(struct bench *b, unsigned long flags, bool cached, file_body *body)
{
	struct mapped m;

	if (!file_begin(b, &m, flags, cached))
		return;
	body(b, &m);
	file_end(&m);
}

static int read_pages(struct bench *b)
{
	int err = 0;
	u64 value;

	for (unsigned long i = 0; i < bench_x(b); i++)
		err |= get_user(&value, BASE + i * PAGE_SIZE);
	return err;
}

static void read_all(struct bench *b, struct mapped *m)
{
	int err;

	bench_start(b);
	err = read_pages(b);
	bench_stop(b, bench_x(b));
	if (err)
		bench_fail(b, "a read failed: %d", err);
}

static void write_all(struct bench *b, struct mapped *m)
{
	int err;

	bench_start(b);
	err = user_touch(BASE, bench_x(b), 2);
	bench_stop(b, bench_x(b));
	if (err)
		bench_fail(b, "a write failed: %d", err);
}

/* ---- faults ---- */

BENCH(file_fault_cached, "page", SWEEP)
{
	with_file(b, MAP_SHARED, true, read_all);
}

BENCH(file_fault_stored, "page", SWEEP)
{
	with_file(b, MAP_SHARED, false, read_all);
}

BENCH(file_fault_private_copy, "page", SWEEP)
{
	with_file(b, MAP_PRIVATE, true, write_all);
}

BENCH(file_fault_shared_write, "page", SWEEP)
{
	with_file(b, MAP_SHARED, true, write_all);
}

static void write_after_read(struct bench *b, struct mapped *m)
{
	if (read_pages(b))
		bench_fail(b, "a read failed");
	write_all(b, m);
}

/* Mapped for reading already. */
BENCH(file_fault_make_dirty, "page", SWEEP)
{
	with_file(b, MAP_SHARED, true, write_after_read);
}

/* ---- the other way: all pages are mapped, and dirty ---- */

static void with_dirty_file(struct bench *b, file_body *body)
{
	struct mapped m;

	if (!file_begin(b, &m, MAP_SHARED, true))
		return;
	if (user_touch(BASE, bench_x(b), 1))
		bench_fail(b, "a write failed");
	bench_start(b);
	body(b, &m);
	bench_stop(b, bench_x(b));
	file_end(&m);
}

static void unmap(struct bench *b, struct mapped *m)
{
	if (vm_munmap(m->mm, BASE, bench_x(b) * PAGE_SIZE))
		bench_fail(b, "munmap failed");
}

BENCH(file_munmap, "page", SWEEP)
{
	with_dirty_file(b, unmap);
}

static void cut(struct bench *b, struct mapped *m)
{
	if (file_truncate(m->file, 0))
		bench_fail(b, "truncate failed");
}

BENCH(file_truncate, "page", SWEEP)
{
	with_dirty_file(b, cut);
}

/* What is left of PG_dirty goes with the file. */
static void clean_entries(struct bench *b, struct mapped *m)
{
	unsigned long index = 0;
	struct page *page;

	for (; (page = filemap_next_folio(&m->file->f_mapping, &index)); index++) {
		folio_lock(page);
		folio_mkclean(page);
		folio_unlock(page);
		put_page(page);
	}
}

/* Each page's one entry loses its right to write, and is flushed. */
BENCH(file_mkclean, "page", SWEEP)
{
	with_dirty_file(b, clean_entries);
}

static void store(struct bench *b, struct mapped *m)
{
	if (file_sync(m->file))
		bench_fail(b, "sync failed");
}

BENCH(file_sync, "page", SWEEP)
{
	with_dirty_file(b, store);
}

/* ---- fork and exit: all pages are mapped ---- */

static void fork_child(struct bench *b, struct mapped *m)
{
	struct mm_struct *child;
	int err = read_pages(b);

	bench_start(b);
	child = dup_mm(m->mm);
	bench_stop(b, bench_x(b));
	if (err || IS_ERR(child))
		bench_fail(b, "no memory for pages or for a child");
	if (!IS_ERR(child))
		mmput(child);
}

/* Nothing is copied: what is not there a fault finds again in the file. */
BENCH(fork_pte_shared_file, "pte", SWEEP)
{
	with_file(b, MAP_SHARED, true, fork_child);
}

/* Nor here, */
BENCH(fork_pte_private_file, "pte", SWEEP)
{
	with_file(b, MAP_PRIVATE, true, fork_child);
}

static void fork_copied(struct bench *b, struct mapped *m)
{
	if (user_touch(BASE, 1, 2))
		bench_fail(b, "a write failed");
	fork_child(b, m);
}

/* but with one page of its own the VMA is copied whole. */
BENCH(fork_pte_private_file_copied, "pte", SWEEP)
{
	with_file(b, MAP_PRIVATE, true, fork_copied);
}

static void exit_copied(struct bench *b, struct mapped *m)
{
	int err = user_touch(BASE, 1, 2) | read_pages(b);
	struct mm_struct *child = dup_mm(m->mm);

	if (err || IS_ERR(child))
		bench_fail(b, "no memory for pages or for a child");
	if (IS_ERR(child))
		return;
	bench_start(b);
	mmput(child);
	bench_stop(b, bench_x(b));
}

BENCH(exit_pte_private_file_copied, "pte", SWEEP)
{
	with_file(b, MAP_PRIVATE, true, exit_copied);
}

/* ---- the map of a file's pages, against the tree of VMAs as it would be used ---- */

#define INDEXES BENCH_SWEEP("entries", 64, 512, 4096)

static void *entry_of(unsigned long i)
{
	return (void *)((i + 1) * 64);
}

static int radix_fill(struct radix *r, unsigned long nr)
{
	for (unsigned long i = 0; i < nr; i++) {
		struct radix_pool pool = {0};

		if (radix_pool_fill(&pool, radix_missing(r, i), GFP_KERNEL)) {
			radix_pool_drain(&pool);
			return -ENOMEM;
		}
		radix_store(r, i, entry_of(i), &pool);
	}
	return 0;
}

static void radix_clear(struct radix *r, unsigned long nr)
{
	for (unsigned long i = 0; i < nr; i++)
		(void)radix_erase(r, i);
}

BENCH(radix_store, "entry", INDEXES)
{
	struct radix r = {0};
	int err;

	bench_start(b);
	err = radix_fill(&r, bench_x(b));
	bench_stop(b, bench_x(b));
	if (err)
		bench_fail(b, "no memory");
	radix_clear(&r, bench_x(b));
}

BENCH(radix_load, "entry", INDEXES)
{
	struct radix r = {0};
	unsigned long wrong = 0;

	if (radix_fill(&r, bench_x(b)))
		bench_fail(b, "no memory");
	bench_start(b);
	for (unsigned long i = 0; i < bench_x(b); i++)
		wrong += radix_load(&r, i) != entry_of(i);
	bench_stop(b, bench_x(b));
	if (wrong)
		bench_fail(b, "%lu entries are wrong", wrong);
	radix_clear(&r, bench_x(b));
}

BENCH(radix_erase, "entry", INDEXES)
{
	struct radix r = {0};

	if (radix_fill(&r, bench_x(b)))
		bench_fail(b, "no memory");
	bench_start(b);
	radix_clear(&r, bench_x(b));
	bench_stop(b, bench_x(b));
}

static int maple_fill(struct maple_tree *mt, unsigned long nr)
{
	int err = 0;

	for (unsigned long i = 0; i < nr && !err; i++)
		err = mtree_store(mt, i, entry_of(i), GFP_KERNEL);
	return err;
}

BENCH(radix_maple_store, "entry", INDEXES)
{
	struct maple_tree mt;
	int err;

	mt_init_flags(&mt, 0);
	bench_start(b);
	err = maple_fill(&mt, bench_x(b));
	bench_stop(b, bench_x(b));
	if (err)
		bench_fail(b, "no memory");
	mtree_destroy(&mt);
	rcu_barrier();
}

BENCH(radix_maple_load, "entry", INDEXES)
{
	unsigned long wrong = 0;
	struct maple_tree mt;

	mt_init_flags(&mt, 0);
	if (maple_fill(&mt, bench_x(b)))
		bench_fail(b, "no memory");
	bench_start(b);
	for (unsigned long i = 0; i < bench_x(b); i++)
		wrong += mtree_load(&mt, i) != entry_of(i);
	bench_stop(b, bench_x(b));
	if (wrong)
		bench_fail(b, "%lu entries are wrong", wrong);
	mtree_destroy(&mt);
	rcu_barrier();
}

BENCH(radix_maple_erase, "entry", INDEXES)
{
	struct maple_tree mt;

	mt_init_flags(&mt, 0);
	if (maple_fill(&mt, bench_x(b)))
		bench_fail(b, "no memory");
	bench_start(b);
	for (unsigned long i = 0; i < bench_x(b); i++)
		mtree_erase(&mt, i);
	bench_stop(b, bench_x(b));
	mtree_destroy(&mt);
	rcu_barrier();
}
