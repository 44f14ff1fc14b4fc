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

static void read_all(struct bench *b)
{
	int err = 0;
	u64 value;

	bench_start(b);
	for (unsigned long i = 0; i < bench_x(b); i++)
		err |= get_user(&value, BASE + i * PAGE_SIZE);
	bench_stop(b, bench_x(b));
	if (err)
		bench_fail(b, "a read failed: %d", err);
}

static void write_all(struct bench *b)
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
	struct mapped m;

	if (!file_begin(b, &m, MAP_SHARED, true))
		return;
	read_all(b);
	file_end(&m);
}

BENCH(file_fault_stored, "page", SWEEP)
{
	struct mapped m;

	if (!file_begin(b, &m, MAP_SHARED, false))
		return;
	read_all(b);
	file_end(&m);
}

BENCH(file_fault_private_copy, "page", SWEEP)
{
	struct mapped m;

	if (!file_begin(b, &m, MAP_PRIVATE, true))
		return;
	write_all(b);
	file_end(&m);
}

BENCH(file_fault_shared_write, "page", SWEEP)
{
	struct mapped m;

	if (!file_begin(b, &m, MAP_SHARED, true))
		return;
	write_all(b);
	file_end(&m);
}

/* Mapped for reading already. */
BENCH(file_fault_make_dirty, "page", SWEEP)
{
	struct mapped m;
	u64 value;

	if (!file_begin(b, &m, MAP_SHARED, true))
		return;
	for (unsigned long i = 0; i < bench_x(b); i++) {
		if (get_user(&value, BASE + i * PAGE_SIZE))
			bench_fail(b, "a read failed");
	}
	write_all(b);
	file_end(&m);
}

/* ---- the other way ---- */

BENCH(file_munmap, "page", SWEEP)
{
	struct mapped m;

	if (!file_begin(b, &m, MAP_SHARED, true))
		return;
	if (user_touch(BASE, bench_x(b), 1))
		bench_fail(b, "a write failed");
	bench_start(b);
	if (vm_munmap(m.mm, BASE, bench_x(b) * PAGE_SIZE))
		bench_fail(b, "munmap failed");
	bench_stop(b, bench_x(b));
	file_end(&m);
}

/* Mapped once, dirty. */
BENCH(file_truncate, "page", SWEEP)
{
	struct mapped m;

	if (!file_begin(b, &m, MAP_SHARED, true))
		return;
	if (user_touch(BASE, bench_x(b), 1))
		bench_fail(b, "a write failed");
	bench_start(b);
	if (file_truncate(m.file, 0))
		bench_fail(b, "truncate failed");
	bench_stop(b, bench_x(b));
	file_end(&m);
}

/* Each page's one entry loses its right to write, and is flushed. */
BENCH(file_mkclean, "page", SWEEP)
{
	unsigned long index = 0;
	struct page *page;
	struct mapped m;

	if (!file_begin(b, &m, MAP_SHARED, true))
		return;
	if (user_touch(BASE, bench_x(b), 1))
		bench_fail(b, "a write failed");
	bench_start(b);
	for (; (page = filemap_next_folio(&m.file->f_mapping, &index)); index++) {
		folio_lock(page);
		folio_mkclean(page);
		folio_unlock(page);
		put_page(page);
	}
	bench_stop(b, bench_x(b));
	/* What is left of PG_dirty goes with the file. */
	file_end(&m);
}

BENCH(file_sync, "page", SWEEP)
{
	struct mapped m;

	if (!file_begin(b, &m, MAP_SHARED, true))
		return;
	if (user_touch(BASE, bench_x(b), 1))
		bench_fail(b, "a write failed");
	bench_start(b);
	if (file_sync(m.file))
		bench_fail(b, "sync failed");
	bench_stop(b, bench_x(b));
	file_end(&m);
}

/* ---- fork and exit ---- */

/*
 * A child of @m's space: made, or ended, in the measured region. All pages are mapped, and
 * @anon of them are private copies.
 */
static void fork_file(struct bench *b, struct mapped *m, unsigned long anon, bool exit)
{
	struct mm_struct *child;
	int err = user_touch(BASE, anon, 2);
	u64 value;

	for (unsigned long i = 0; i < bench_x(b); i++)
		err |= get_user(&value, BASE + i * PAGE_SIZE);
	if (!exit)
		bench_start(b);
	child = dup_mm(m->mm);
	if (!exit)
		bench_stop(b, bench_x(b));
	if (err || IS_ERR(child)) {
		bench_fail(b, "no memory for pages or for a child");
		return;
	}
	if (exit)
		bench_start(b);
	mmput(child);
	if (exit)
		bench_stop(b, bench_x(b));
}

/* Nothing is copied: what is not there a fault finds again in the file. */
BENCH(fork_pte_shared_file, "pte", SWEEP)
{
	struct mapped m;

	if (!file_begin(b, &m, MAP_SHARED, true))
		return;
	fork_file(b, &m, 0, false);
	file_end(&m);
}

/* Nor here, */
BENCH(fork_pte_private_file, "pte", SWEEP)
{
	struct mapped m;

	if (!file_begin(b, &m, MAP_PRIVATE, true))
		return;
	fork_file(b, &m, 0, false);
	file_end(&m);
}

/* but with one page of its own the VMA is copied whole. */
BENCH(fork_pte_private_file_copied, "pte", SWEEP)
{
	struct mapped m;

	if (!file_begin(b, &m, MAP_PRIVATE, true))
		return;
	fork_file(b, &m, 1, false);
	file_end(&m);
}

BENCH(exit_pte_private_file_copied, "pte", SWEEP)
{
	struct mapped m;

	if (!file_begin(b, &m, MAP_PRIVATE, true))
		return;
	fork_file(b, &m, 1, true);
	file_end(&m);
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
