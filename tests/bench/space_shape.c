/*
 * space_shape.c - what the shape of memory changes: folios of 512 frames, one page to a table.
 *
 * The counterparts of space.c's benches, which use single frames side by side.
 */
#include "mm/fault.h"
#include "tests/bench/space_frame.h"

#define FOLIOS BENCH_SWEEP("pages", 512, 2048, 8192)
#define TABLES BENCH_SWEEP("tables", 8, 64, 512)

/* ---- folios of 512 frames ---- */

static struct mm_struct *folios_begin(struct bench *b)
{
	struct mm_struct *mm = space_begin(b, bench_x(b));
	unsigned before = anon_order;

	if (!mm)
		return NULL;
	anon_order = ANON_ORDER_MAX;
	if (user_touch(BASE, bench_x(b), 1))
		bench_fail(b, "no memory for %lu pages", bench_x(b));
	anon_order = before;
	return mm;
}

static int protect_read(struct mm_struct *mm, unsigned long len)
{
	return vm_mprotect(mm, BASE, len, PROT_READ);
}

static int protect_write(struct mm_struct *mm, unsigned long len)
{
	return vm_mprotect(mm, BASE, len, RW);
}

static int unmap(struct mm_struct *mm, unsigned long len)
{
	return vm_munmap(mm, BASE, len);
}

BENCH(space_mprotect_read_folio, "page", FOLIOS)
{
	struct mm_struct *mm = folios_begin(b);

	if (!mm)
		return;
	space_measured(b, mm, protect_read);
	space_end(mm);
}

BENCH(space_mprotect_write_folio, "page", FOLIOS)
{
	struct mm_struct *mm = folios_begin(b);

	if (!mm)
		return;
	if (protect_read(mm, bench_x(b) * PAGE_SIZE))
		bench_fail(b, "mprotect failed");
	space_measured(b, mm, protect_write);
	space_end(mm);
}

BENCH(space_munmap_folio, "page", FOLIOS)
{
	struct mm_struct *mm = folios_begin(b);

	if (!mm)
		return;
	space_measured(b, mm, unmap);
	space_end(mm);
}

/* ---- one page in each table ---- */

/* More than there is memory, which nobody promises. */
static struct mm_struct *sparse_begin(struct bench *b)
{
	const unsigned long flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;
	struct mm_struct *mm = mm_alloc();

	if (!mm || vm_mmap(mm, BASE, bench_x(b) * PMD_SIZE, RW, flags) != BASE)
		bench_fail(b, "no memory for an address space");
	if (mm)
		mm_use(mm);
	return mm;
}

static int touch_each(unsigned long nr_tables)
{
	int err = 0;

	for (unsigned long i = 0; i < nr_tables && !err; i++)
		err = user_touch(BASE + i * PMD_SIZE, 1, 1);
	return err;
}

/* A first touch, and the table it needs. */
BENCH(space_table_touch, "table", TABLES)
{
	struct mm_struct *mm = sparse_begin(b);
	int err;

	if (!mm)
		return;
	bench_start(b);
	err = touch_each(bench_x(b));
	bench_stop(b, bench_x(b));
	if (err)
		bench_fail(b, "a write failed: %d", err);
	space_end(mm);
}

/* One page and its table, by one call. */
BENCH(space_table_munmap, "table", TABLES)
{
	struct mm_struct *mm = sparse_begin(b);
	int err;

	if (!mm)
		return;
	if (touch_each(bench_x(b)))
		bench_fail(b, "no memory for %lu tables", bench_x(b));
	bench_start(b);
	err = vm_munmap(mm, BASE, bench_x(b) * PMD_SIZE);
	bench_stop(b, bench_x(b));
	if (err)
		bench_fail(b, "munmap failed: %d", err);
	space_end(mm);
}

/* A table's worth of empty entries is looked at. */
BENCH(space_table_protect, "table", TABLES)
{
	struct mm_struct *mm = sparse_begin(b);
	int err;

	if (!mm)
		return;
	if (touch_each(bench_x(b)))
		bench_fail(b, "no memory for %lu tables", bench_x(b));
	bench_start(b);
	err = vm_mprotect(mm, BASE, bench_x(b) * PMD_SIZE, PROT_READ);
	bench_stop(b, bench_x(b));
	if (err)
		bench_fail(b, "mprotect failed: %d", err);
	space_end(mm);
}
