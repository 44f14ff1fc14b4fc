/*
 * mm_tables.c - page tables as the CPU itself reads them.
 */
#include <errno.h>
#include <string.h>

#include "kernel/core/fault.h"
#include "kernel/x86/uaccess.h"
#include "mm/tlb.h"
#include "tests/ktest.h"
#include "tests/mm_space.h"

#define BASE SPACE_BASE

static struct mm_tables space;

/* How many entries of [start, start + nr pages) are present. */
static unsigned long nr_present(unsigned long start, unsigned long nr)
{
	unsigned long found = 0;

	for (unsigned long i = 0; i < nr; i++) {
		pte_t *pte = pte_walk(&space, start + i * PAGE_SIZE);

		found += pte && pte_present(*pte);
	}
	return found;
}

KTEST(tables, the_cpu_finds_what_was_mapped, KT_UNIT)
{
	u64 value = 0;

	t_assert_eq(t, tables_init(&space), 0);
	t_expect_eq(t, space_map(&space, BASE, 100, PAGE_SIZE), 0);
	tables_use(&space);
	for (unsigned long i = 0; i < 100; i++)
		t_expect_eq(t, put_user_u64(BASE + i * PAGE_SIZE + 8, i * 3), 0);
	for (unsigned long i = 0; i < 100; i++) {
		pte_t pte = *pte_walk(&space, BASE + i * PAGE_SIZE);

		t_expect_eq(t, get_user_u64(BASE + i * PAGE_SIZE + 8, &value), 0);
		t_expect_eq(t, value, i * 3);
		t_expect_eq(t, ((u64 *)page_address(pfn_to_page(pte_pfn(pte))))[1], i * 3);
		t_expect(t, pte_dirty(pte) && pte_young(pte));
	}
	t_expect_eq(t, get_user_u64(BASE + 100 * PAGE_SIZE, &value), -EFAULT);
	t_expect_eq(t, get_user_u64(BASE - 8, &value), -EFAULT);
	tables_unuse(&space);
	space_end(&space, BASE, BASE + 100 * PAGE_SIZE);
}

KTEST(tables, rights_are_the_cpus, KT_UNIT)
{
	struct mmu_gather tlb;
	u64 value;

	t_assert_eq(t, tables_init(&space), 0);
	t_expect_eq(t, space_map(&space, BASE, 10, PAGE_SIZE), 0);
	tables_use(&space);
	for (unsigned long i = 0; i < 10; i++)
		t_expect_eq(t, put_user_u64(BASE + i * PAGE_SIZE, i), 0);

	tlb_gather_mmu(&tlb, &space, false);
	t_expect_eq(t, tables_protect_range(&tlb, BASE, BASE + 5 * PAGE_SIZE, PAGE_READONLY), 5);
	t_expect_eq(t, tables_protect_range(&tlb, BASE, BASE + 5 * PAGE_SIZE, PAGE_READONLY), 0);
	tlb_finish_mmu(&tlb);
	for (unsigned long i = 0; i < 10; i++) {
		t_expect_eq(t, get_user_u64(BASE + i * PAGE_SIZE, &value), 0);
		t_expect_eq(t, put_user_u64(BASE + i * PAGE_SIZE, i), i < 5 ? -EFAULT : 0);
		t_expect(t, pte_dirty(*pte_walk(&space, BASE + i * PAGE_SIZE)));
	}

	tlb_gather_mmu(&tlb, &space, false);
	t_expect_eq(t, tables_zap_range(&tlb, BASE, BASE + 3 * PAGE_SIZE), 3);
	tlb_finish_mmu(&tlb);
	for (unsigned long i = 0; i < 10; i++)
		t_expect_eq(t, get_user_u64(BASE + i * PAGE_SIZE, &value), i < 3 ? -EFAULT : 0);
	tables_unuse(&space);
	space_end(&space, BASE, BASE + 10 * PAGE_SIZE);
}

/* ---- tables come and go ---- */

static long table_bytes(void)
{
	return atomic_long_read(&space.pgtables_bytes);
}

KTEST(tables, floor_and_ceiling_decide_what_is_freed, KT_UNIT)
{
	struct mmu_gather tlb;

	t_assert_eq(t, tables_init(&space), 0);
	t_expect_eq(t, tables_populate(&space, BASE, BASE + 4 * PMD_SIZE), 0);
	t_expect_eq(t, table_bytes(), 6 * PAGE_SIZE);

	/* A neighbour above needs the last table, one below the first. */
	tlb_gather_mmu(&tlb, &space, false);
	free_pgd_range(&tlb, BASE, BASE + 4 * PMD_SIZE, BASE + PAGE_SIZE,
		       BASE + 4 * PMD_SIZE - PAGE_SIZE);
	tlb_finish_mmu(&tlb);
	t_expect_eq(t, table_bytes(), 4 * PAGE_SIZE);
	t_expect(t, pte_walk(&space, BASE));
	t_expect(t, !pte_walk(&space, BASE + PMD_SIZE));
	t_expect(t, pte_walk(&space, BASE + 3 * PMD_SIZE));

	/* The range ends inside a table that nobody else needs: the table goes with it. */
	tlb_gather_mmu(&tlb, &space, false);
	free_pgd_range(&tlb, BASE + PAGE_SIZE, BASE + 2 * PAGE_SIZE, BASE, BASE + PMD_SIZE);
	tlb_finish_mmu(&tlb);
	t_expect_eq(t, table_bytes(), 3 * PAGE_SIZE);
	t_expect(t, !pte_walk(&space, BASE));

	/* With the last table go the two above it. */
	tlb_gather_mmu(&tlb, &space, false);
	free_pgd_range(&tlb, BASE + 3 * PMD_SIZE, BASE + 4 * PMD_SIZE, 0, 0);
	tlb_finish_mmu(&tlb);
	t_expect_eq(t, table_bytes(), 0);
	tables_destroy(&space);
}

KTEST(tables, locks_are_per_table_or_per_space, KT_UNIT)
{
	for (int split = 0; split <= 1; split++) {
		spinlock_t *low, *high;
		bool before = tables_split_ptl;
		pte_t *pte;

		tables_split_ptl = split;
		t_assert_eq(t, tables_init(&space), 0);
		tables_split_ptl = before;
		pte = pte_alloc_map_lock(&space, BASE, &low);
		t_assert(t, pte);
		t_expect_eq(t, spin_is_locked(&space.page_table_lock), !split);
		pte_unmap_unlock(pte, low);
		pte = pte_alloc_map_lock(&space, BASE + PMD_SIZE, &high);
		t_assert(t, pte);
		pte_unmap_unlock(pte, high);
		t_expect_eq(t, low != high, split);
		t_expect(t, !pte_offset_map_lock(&space, pmd_walk(&space, BASE + 2 * PMD_SIZE),
						 BASE + 2 * PMD_SIZE, &low));
		space_end(&space, BASE, BASE + 2 * PMD_SIZE);
	}
}

/* ---- failures ---- */

static int map_sparse(void)
{
	struct page *page = alloc_page(GFP_KERNEL | GFP_FOR(FK_ANON));
	int err = -ENOMEM;

	if (!page)
		return err;
	/* Across a 1 GiB border: all three levels grow. */
	err = tables_map_range(&space, 2 * PUD_SIZE - PAGE_SIZE, page_to_pfn(page), 1, PAGE_SHARED);
	if (err)
		put_page(page);
	return err ? err : space_map(&space, 2 * PUD_SIZE, 1, PAGE_SIZE);
}

static int make_map_and_end(void)
{
	int err = tables_init(&space);

	if (err)
		return err;
	err = map_sparse();
	space_end(&space, PUD_SIZE, 3 * PUD_SIZE);
	return err;
}

KTEST(tables, every_allocation_fails_once, KT_SWEEP)
{
	long frames = frames_live(FK_ANON);

	/* The gather copes with a failed batch: then nothing is left to undo. */
	fault_sweep_undo(t, make_map_and_end(), t_expect_eq(t, frames_live(FK_ANON), frames),
			 t_expect_eq(t, frames_live(FK_ANON), frames));
}

/* The gather copes without batches: it flushes more often. */
static int zap_some(void)
{
	struct mmu_gather tlb;
	unsigned long zapped;

	tlb_gather_mmu(&tlb, &space, false);
	zapped = tables_zap_range(&tlb, BASE, BASE + 200 * PAGE_SIZE);
	tlb_finish_mmu(&tlb);
	return zapped == 200 ? 0 : -EINVAL;
}

KTEST(tables, a_gather_without_memory_frees_all_the_same, KT_UNIT)
{
	t_assert_eq(t, tables_init(&space), 0);
	t_expect_eq(t, space_map(&space, BASE, 200, PAGE_SIZE), 0);
	fault_nth_arm(0);
	t_expect_eq(t, zap_some(), 0);
	t_expect(t, fault_nth_fired());
	fault_nth_disarm();
	t_expect_eq(t, frames_live(FK_ANON), 0);
	space_end(&space, BASE, BASE + 200 * PAGE_SIZE);
}

KTEST(tables, a_full_gather_flushes_and_goes_on, KT_UNIT)
{
	unsigned long nr = GATHER_MAX_BATCHES * GATHER_BATCH_MAX + 1000;
	struct mmu_gather tlb;

	if (frames_free() < nr + nr / 4)
		t_skip(t, "too little memory");
	t_assert_eq(t, tables_init(&space), 0);
	t_expect_eq(t, space_map(&space, BASE, nr, PAGE_SIZE), 0);
	t_expect_eq(t, frames_live(FK_ANON), nr);
	tlb_gather_mmu(&tlb, &space, false);
	t_expect_eq(t, tables_zap_range(&tlb, BASE, BASE + nr * PAGE_SIZE), nr);
	/* Some were freed on the way, the rest waits for its flush. */
	t_expect_lt(t, frames_live(FK_ANON), nr);
	t_expect_gt(t, frames_live(FK_ANON), 0);
	tlb_finish_mmu(&tlb);
	t_expect_eq(t, frames_live(FK_ANON), 0);
	t_expect_eq(t, frames_live(FK_GATHER), 0);
	space_end(&space, BASE, BASE + nr * PAGE_SIZE);
}

/* ---- against a model ---- */

#define MODEL_PAGES 1500

struct model {
	bool mapped, writable;
	u64 value;
};

static struct model model[MODEL_PAGES];

static unsigned long addr_of(unsigned i)
{
	/* Three clusters, of which one straddles a 2 MiB and one a 1 GiB border. */
	static const unsigned long cluster[] = {BASE, BASE + PMD_SIZE - 250 * PAGE_SIZE,
						2 * PUD_SIZE - 250 * PAGE_SIZE};

	return cluster[i / 500] + 0x1000000ul * (i / 500 == 0) + (i % 500) * PAGE_SIZE;
}

static void model_op(struct ktest *t, unsigned i, unsigned nr)
{
	unsigned long start = addr_of(i), end = start + nr * PAGE_SIZE;
	struct mmu_gather tlb;
	bool writable = t_rand_below(t, 2);

	switch (t_rand_below(t, 3)) {
	case 0:
		for (unsigned n = i; n < i + nr; n++) {
			if (model[n].mapped)
				continue;
			t_assert_eq(t, space_map(&space, addr_of(n), 1, PAGE_SIZE), 0);
			model[n] = (struct model){.mapped = true, .writable = true};
			t_expect_eq(t, put_user_u64(addr_of(n), 0), 0);
		}
		break;
	case 1:
		tlb_gather_mmu(&tlb, &space, false);
		tables_protect_range(&tlb, start, end, writable ? PAGE_SHARED : PAGE_READONLY);
		tlb_finish_mmu(&tlb);
		for (unsigned n = i; n < i + nr; n++)
			model[n].writable = writable;
		break;
	case 2:
		tlb_gather_mmu(&tlb, &space, false);
		tables_zap_range(&tlb, start, end);
		tlb_finish_mmu(&tlb);
		for (unsigned n = i; n < i + nr; n++)
			model[n].mapped = false;
		break;
	}
}

static void model_touch(struct ktest *t, unsigned i)
{
	struct model *m = &model[i];
	u64 value = 0, fresh = t_rand(t);
	int err;

	t_expect_eq(t, get_user_u64(addr_of(i), &value), m->mapped ? 0 : -EFAULT);
	if (m->mapped)
		t_expect_eq(t, value, m->value);
	err = put_user_u64(addr_of(i), fresh);
	t_expect_eq(t, err, m->mapped && m->writable ? 0 : -EFAULT);
	if (!err)
		m->value = fresh;
}

KTEST(tables, random_operations_match_the_model, KT_MODEL)
{
	u64 nr_ops = t_scale(t, 3000);
	unsigned long mapped = 0;

	memset(model, 0, sizeof(model));
	t_assert_eq(t, tables_init(&space), 0);
	tables_use(&space);
	for (u64 op = 0; op < nr_ops; op++) {
		unsigned i = t_rand_below(t, MODEL_PAGES), room = 500 - i % 500;
		unsigned nr = 1 + t_rand_below(t, min(room, 40u));

		model_op(t, i, nr);
		for (unsigned n = 0; n < 8; n++)
			model_touch(t, t_rand_below(t, MODEL_PAGES));
	}
	for (unsigned i = 0; i < MODEL_PAGES; i++) {
		mapped += model[i].mapped;
		t_expect_eq(t, nr_present(addr_of(i), 1), model[i].mapped);
	}
	t_expect_eq(t, frames_live(FK_ANON), mapped);
	tables_unuse(&space);
	space_end(&space, 0, 4 * PUD_SIZE);
}
