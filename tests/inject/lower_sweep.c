/*
 * lower_sweep.c - allocations of the lower layers that no other test fails.
 *
 * scripts/check-fired tells which calls there are, and that each was failed. Some are second
 * tries, which a sweep of single failures does not reach: there everything from the n-th on fails.
 */
#include <errno.h>

#include "kernel/core/bug.h"
#include "kernel/core/fault.h"
#include "kernel/core/thread_base.h"
#include "kernel/sched/kthread.h"
#include "kernel/sched/rcu.h"
#include "kernel/sched/work.h"
#include "kernel/x86/kmap.h"
#include "mm/maple_tree.h"
#include "mm/maple_write.h"
#include "mm/mmu_gather.h"
#include "mm/page_alloc.h"
#include "mm/tables.h"
#include "mm/thread_mem.h"
#include "tests/ktest.h"

/* ---- threads, queues, frames, tables ---- */

static void end_at_once(void *arg)
{
}

static int run_and_join(void)
{
	struct thread *thread = kthread_run("swept", end_at_once, NULL);

	if (!thread)
		return -ENOMEM;
	thread_join(thread);
	return 0;
}

KTEST(lower_sweep, kthread_run, KT_SWEEP)
{
	long before = threads_live();

	thread_mem_trim(); /* a stack that was kept needs no frames */
	fault_sweep(t, run_and_join(), t_expect_eq(t, threads_live(), before));
}

KTEST(lower_sweep, workqueue_init, KT_SWEEP)
{
	static struct workqueue wq;
	long before = threads_live();

	fault_sweep(t, workqueue_init(&wq, "swept"), t_expect_eq(t, threads_live(), before));
	workqueue_destroy(&wq);
}

static int take_and_give_a_zeroed_page(void)
{
	void *va = get_zeroed_page(GFP_KERNEL);

	if (!va)
		return -ENOMEM;
	free_page(virt_to_page(va));
	return 0;
}

KTEST(lower_sweep, get_zeroed_page, KT_SWEEP)
{
	long before = frames_live(FK_KERNEL);

	fault_sweep(t, take_and_give_a_zeroed_page(),
		    t_expect_eq(t, frames_live(FK_KERNEL), before));
}

static struct mm_tables space;

/* All levels of tables for one address, without an entry, and away with them. */
static int make_tables(void) NO_LOCK_ANALYSIS
{
	struct mmu_gather tlb;
	spinlock_t *ptl;
	pte_t *pte = pte_alloc_map_lock(&space, PUD_SIZE, &ptl);

	if (pte)
		spin_unlock(ptl);
	tlb_gather_mmu(&tlb, &space, true);
	free_pgd_range(&tlb, PUD_SIZE, 2 * PUD_SIZE, 0, 0);
	tlb_finish_mmu(&tlb);
	rcu_barrier(); /* tables go after a grace period */
	return pte ? 0 : -ENOMEM;
}

KTEST(lower_sweep, pte_alloc_map_lock, KT_SWEEP)
{
	long tables;

	t_assert_eq(t, tables_init(&space), 0);
	tables = frames_live(FK_TABLE);
	fault_sweep(t, make_tables(), t_expect_eq(t, frames_live(FK_TABLE), tables));
	tables_destroy(&space);
}

/*
 * Take a page out of the direct map and put it back. Where the map still has a large page this
 * needs a table, which then stays.
 */
static int unmap_and_map(struct page *block)
{
	int err = kmap_unmap(page_address(block), NULL);

	if (err)
		return err;
	BUG_ON(kmap_page(page_address(block), page_to_phys(block), KMAP_RW) != 0);
	return 0;
}

KTEST(lower_sweep, a_table_of_the_direct_map, KT_UNIT)
{
	enum { TRIES = 16 };
	struct page *block[TRIES];
	unsigned nr = 0;
	bool failed = false;

	while (nr < TRIES && !failed && (block[nr] = alloc_pages(GFP_KERNEL, MAX_ORDER))) {
		fault_nth_arm(0);
		failed = unmap_and_map(block[nr]) == -ENOMEM;
		t_expect_eq(t, fault_nth_fired(), failed);
		fault_nth_disarm();
		t_expect_eq(t, unmap_and_map(block[nr]), 0);
		nr++;
	}
	while (nr)
		free_pages(block[--nr], MAX_ORDER);
	if (!failed)
		t_skip(t, "no large page left in the direct map");
	t_expect(t, failed);
}

/* ---- the tree's second tries ---- */

static struct maple_tree tree;

/* Allocations of slab objects by this thread fail, but for the first @spared of a node's size. */
static void fail_nodes_from(u64 spared)
{
	struct fault_attr attr = FAULT_ATTR_OFF;

	attr.probability = 100;
	attr.space = spared * MAPLE_NODE_SIZE;
	attr.task_filter = true;
	current_base()->flags |= TF_MAKE_FAIL;
	fault_site_set(fault_site_find("failslab"), &attr);
}

/* Until fail_nodes_from(). The site stays armed: to switch it stops every processor. */
static void fail_not_now(void)
{
	current_base()->flags &= ~TF_MAKE_FAIL;
}

static void fail_no_more(void)
{
	fault_site_set(fault_site_find("failslab"), &(struct fault_attr)FAULT_ATTR_OFF);
	fail_not_now();
}

/* @op(spared) fails with -ENOMEM for 0, 1, ... spared nodes until there are enough. */
static void sweep_shortage(struct ktest *t, int (*op)(void))
{
	u64 spared = 0;
	int err;

	do {
		fail_nodes_from(spared);
		err = op();
		fail_not_now();
		t_expect(t, err == 0 || err == -ENOMEM);
		mt_validate(&tree);
	} while (err && ++spared < 100);
	fail_no_more();
	t_expect_eq(t, err, 0);
	t_expect_gt(t, spared, 0);
}

static void tree_make_with(struct ktest *t, unsigned int flags)
{
	mt_init_flags(&tree, MT_FLAGS_ALLOC_RANGE | MT_FLAGS_USE_RCU | flags);
	for (unsigned long i = 0; i < 200; i++)
		t_assert_eq(t,
			    mtree_store_range(&tree, i * 8192, i * 8192 + 4095, xa_mk_value(i),
					      GFP_KERNEL),
			    0);
}

static void tree_make(struct ktest *t)
{
	tree_make_with(t, 0);
}

static void tree_end(void)
{
	mtree_destroy(&tree);
	rcu_barrier();
}

static int store_range(void)
{
	return mtree_store_range(&tree, 100 * 8192 + 1, 140 * 8192, NULL, GFP_KERNEL);
}

KTEST(lower_sweep, a_store_that_may_wait, KT_UNIT)
{
	tree_make(t);
	sweep_shortage(t, store_range);
	tree_end();
}

/* The caller's own loop, as with mas_store() in Linux. */
static int store_with_retry(unsigned long first, unsigned long last, gfp_t gfp) NO_LOCK_ANALYSIS
{
	MA_STATE(mas, &tree, first, last);
	int err;

	mtree_lock(&tree);
	do {
		mas_store(&mas, xa_mk_value(7));
	} while (mas_nomem(&mas, gfp));
	err = mas_is_err(&mas) ? -ENOMEM : 0;
	mas_destroy(&mas);
	mtree_unlock(&tree);
	return err;
}

static int store_one_node(void)
{
	return store_with_retry(50 * 8192 + 100, 50 * 8192 + 200, GFP_KERNEL);
}

static int store_many_nodes(void)
{
	return store_with_retry(60 * 8192 + 100, 90 * 8192 + 200, GFP_KERNEL);
}

KTEST(lower_sweep, a_store_that_asks_again, KT_UNIT)
{
	tree_make(t);
	sweep_shortage(t, store_one_node);
	sweep_shortage(t, store_many_nodes);
	tree_end();
}

static int preallocate(unsigned long first, unsigned long last)
{
	MA_STATE(mas, &tree, first, last);
	int err = mas_preallocate(&mas, xa_mk_value(7), GFP_KERNEL);

	mas_destroy(&mas);
	return err;
}

static int preallocate_one_node(void)
{
	return preallocate(50 * 8192 + 100, 50 * 8192 + 200);
}

static int preallocate_many_nodes(void)
{
	return preallocate(60 * 8192 + 100, 90 * 8192 + 200);
}

/* Nobody else uses the tree, so no lock is needed, and waiting for memory is allowed. */
KTEST(lower_sweep, a_preallocation_that_may_wait, KT_UNIT)
{
	tree_make(t);
	sweep_shortage(t, preallocate_one_node);
	sweep_shortage(t, preallocate_many_nodes);
	tree_end();
}

/* ---- under a lock of the caller's, which is kept while memory is waited for ---- */

static unsigned long at;

static int insert_here(void)
{
	MA_STATE(mas, &tree, at, at + 99);

	return mas_insert_gfp(&mas, xa_mk_value(7), GFP_KERNEL);
}

static int erase_here(void)
{
	MA_STATE(mas, &tree, at, at);

	mas_erase(&mas);
	return mas_is_err(&mas) ? -ENOMEM : 0;
}

static int store_here(void)
{
	MA_STATE(mas, &tree, at, at + 99);

	do {
		mas_store(&mas, xa_mk_value(7));
	} while (mas_nomem(&mas, GFP_KERNEL));
	return mas_is_err(&mas) ? -ENOMEM : 0;
}

/* Now and then one takes several nodes: leaves split and are joined on the way. */
static void sweep_all_over(struct ktest *t, unsigned long first, int (*op)(void))
{
	for (unsigned long i = 0; i < 200; i++) {
		u64 spared = 0;
		int err;

		at = i * 8192 + first;
		do {
			fail_nodes_from(spared);
			err = op();
			fail_not_now();
			t_expect(t, err == 0 || err == -ENOMEM);
		} while (err && ++spared < 100);
		t_expect_eq(t, err, 0);
	}
	fail_no_more();
	mt_validate(&tree);
}

KTEST(lower_sweep, inserts_stores_and_erasures, KT_UNIT)
{
	tree_make_with(t, MT_FLAGS_LOCK_EXTERN);
	sweep_all_over(t, 4096, insert_here);
	sweep_all_over(t, 5000, store_here);
	sweep_shortage(t, store_many_nodes);
	sweep_all_over(t, 4096, erase_here);
	sweep_all_over(t, 0, erase_here);
	tree_end();
}

/* A hole in the middle of an entry; what is left behind it gets another value. */
static int cut_here(void)
{
	MA_STATE(mas, &tree, at, at + 99);

	return mas_store_rest_gfp(&mas, NULL, xa_mk_value(9), GFP_KERNEL);
}

KTEST(lower_sweep, cuts_that_leave_a_rest, KT_UNIT)
{
	tree_make_with(t, MT_FLAGS_LOCK_EXTERN);
	sweep_all_over(t, 1000, cut_here);
	t_expect_eq(t, mtree_load(&tree, 100 * 8192), xa_mk_value(100));
	t_expect_eq(t, mtree_load(&tree, 100 * 8192 + 1050), NULL);
	t_expect_eq(t, mtree_load(&tree, 100 * 8192 + 2000), xa_mk_value(9));
	tree_end();
}
