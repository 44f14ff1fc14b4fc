/*
 * test_rootless.c - trees without nodes: the table of the contract, row by row.
 *
 * Written out by hand and not by the oracle: here an empty tree and a lone [0,0] entry show states
 * (root, none) that trees with nodes never show.
 */
#include "tests/host/maple/fixture.h"

#include "tests/host/maple/nodes.h"

#define LONE ((void *)0x5000)

struct place {
	unsigned long index, last;
	enum maple_status status;
};

static void expect_place(const struct ma_state *mas, struct place want)
{
	h_expect_eq(mas->index, want.index);
	h_expect_eq(mas->last, want.last);
	h_expect_eq(mas->status, want.status);
}

static const struct place everywhere_none = {0, ULONG_MAX, ma_none};
static const struct place rest_none = {1, ULONG_MAX, ma_none};
static const struct place at_root = {0, 0, ma_root};

HTEST(empty_tree_reads)
{
	struct fixture *fx = fx_new(FX_VMA);
	MA_STATE(mas, &fx->mt, 7, 7);

	rcu_read_lock();
	h_expect_eq(mas_walk(&mas), NULL);
	expect_place(&mas, everywhere_none);
	mas_set(&mas, 7);
	h_expect_eq(mas_next(&mas, ULONG_MAX), NULL);
	expect_place(&mas, everywhere_none);
	mas_set(&mas, 7);
	h_expect_eq(mas_prev(&mas, 0), NULL);
	expect_place(&mas, everywhere_none);
	mas_set(&mas, 7);
	h_expect_eq(mas_find(&mas, ULONG_MAX), NULL);
	expect_place(&mas, everywhere_none);
	mas_set(&mas, 7);
	h_expect_eq(mas_find_rev(&mas, 0), NULL);
	expect_place(&mas, (struct place){0, 0, ma_root});
	rcu_read_unlock();
	h_expect_eq(mtree_load(&fx->mt, 0), NULL);
	h_expect_eq(mt_next(&fx->mt, 0, ULONG_MAX), NULL);
	h_expect_eq(mt_prev(&fx->mt, ULONG_MAX, 0), NULL);
	h_expect(mtree_empty(&fx->mt));
	h_expect_eq(mt_height(&fx->mt), 0);
	fx_free(fx);
}

HTEST(lone_entry_reads)
{
	struct fixture *fx = fx_new(FX_VMA);
	MA_STATE(mas, &fx->mt, 0, 0);

	fx_store(fx, 0, 0, LONE);
	h_expect_eq(nodes_live(), 0);
	rcu_read_lock();
	h_expect_eq(mas_walk(&mas), LONE);
	expect_place(&mas, at_root);
	mas_set(&mas, 7);
	h_expect_eq(mas_walk(&mas), NULL);
	expect_place(&mas, rest_none);

	mas_set(&mas, 0);
	h_expect_eq(mas_next(&mas, ULONG_MAX), NULL);
	expect_place(&mas, rest_none);
	mas_set(&mas, 7);
	h_expect_eq(mas_prev(&mas, 0), LONE);
	expect_place(&mas, at_root);
	h_expect_eq(mas_prev(&mas, 0), NULL);
	h_expect_eq(mas.status, ma_underflow);

	mas_set(&mas, 0);
	h_expect_eq(mas_find(&mas, ULONG_MAX), LONE);
	expect_place(&mas, at_root);
	h_expect_eq(mas_find(&mas, ULONG_MAX), NULL);
	expect_place(&mas, rest_none);

	mas_set(&mas, 7);
	h_expect_eq(mas_find_rev(&mas, 0), LONE);
	expect_place(&mas, at_root);
	h_expect_eq(mas_find_rev(&mas, 0), NULL);
	h_expect_eq(mas.status, ma_none);
	/* If it was none at index 0, it stays there. */
	h_expect_eq(mas_next(&mas, ULONG_MAX), NULL);
	expect_place(&mas, (struct place){0, 0, ma_none});
	rcu_read_unlock();
	fx_free(fx);
}

/* A state that was none when the tree had no nodes, used after somebody stored more. */
HTEST(none_goes_on_when_the_tree_has_grown)
{
	struct fixture *fx = fx_new(FX_VMA);
	MA_STATE(mas, &fx->mt, 0, 0);

	fx_store(fx, 0, 0, LONE);
	mas_set(&mas, 7);
	h_expect_eq(mas_find_rev(&mas, 0), LONE);
	h_expect_eq(mas_find_rev(&mas, 0), NULL);
	expect_place(&mas, (struct place){0, 0, ma_none});
	fx_store(fx, 100, 199, fx_entry(1));
	h_expect_eq(mas_find(&mas, ULONG_MAX), LONE);
	h_expect_eq(mas_find(&mas, ULONG_MAX), fx_entry(1));
	mas_set(&mas, 7);
	mas.status = ma_none;
	h_expect_eq(mas_find_rev(&mas, 0), LONE);
	mas_set(&mas, 7);
	mas.status = ma_none;
	h_expect_eq(mas_find_rev(&mas, 7), NULL);
	h_expect_eq(mas.status, ma_none);
	h_expect_eq(mas_find(&mas, 7), NULL);
	h_expect_eq(mas_next(&mas, ULONG_MAX), fx_entry(1));
	fx_free(fx);
}

/* No call may hand out the lone entry for a window that leaves 0 out. */
HTEST(lone_entry_is_before_min)
{
	struct fixture *fx = fx_new(FX_PLAIN);
	MA_STATE(mas, &fx->mt, 7, 7);

	fx_store(fx, 0, 0, LONE);
	h_expect_eq(mas_prev(&mas, 3), NULL);
	mas_set(&mas, 7);
	h_expect_eq(mas_prev_range(&mas, 3), NULL);
	mas_set(&mas, 7);
	h_expect_eq(mas_find_rev(&mas, 3), NULL);
	h_expect_eq(mt_prev(&fx->mt, 7, 3), NULL);
	h_expect_eq(mt_prev(&fx->mt, 7, 0), LONE);
	fx_free(fx);
}

HTEST(lone_entry_writes)
{
	struct fixture *fx = fx_new(FX_VMA);
	MA_STATE(mas, &fx->mt, 0, 0);

	fx_store(fx, 0, 0, LONE);
	mtree_lock(&fx->mt);
	h_expect_eq(mas_erase(&mas), LONE);
	mas_set(&mas, 0);
	h_expect_eq(mas_erase(&mas), NULL);
	mtree_unlock(&fx->mt);
	oracle_erase(&fx->o, 0);
	fx_same(fx);

	/* An entry with the low bits of a node pointer never stands in the root. */
	fx_store(fx, 0, 0, (void *)0x7002);
	h_expect_eq(mt_height(&fx->mt), 1);
	fx_store(fx, 0, 0, NULL);
	h_expect_eq(nodes_live(), 0);
	fx_store(fx, 0, 0, LONE);
	fx_store(fx, 0, 0, XA_ZERO_ENTRY);
	h_expect_eq(mt_height(&fx->mt), 1);
	fx_free(fx);
}

HTEST(lone_entry_is_in_the_way)
{
	struct fixture *fx = fx_new(FX_VMA);

	fx_store(fx, 0, 0, LONE);
	h_expect_eq(mtree_insert(&fx->mt, 0, fx_entry(1), GFP_KERNEL), -EEXIST);
	h_expect_eq(mtree_insert(&fx->mt, 0, NULL, GFP_KERNEL), -EEXIST);
	h_expect_eq(mtree_insert_range(&fx->mt, 0, 5, fx_entry(1), GFP_KERNEL), -EEXIST);
	h_expect_eq(mtree_insert_range(&fx->mt, 0, ULONG_MAX, NULL, GFP_KERNEL), -EEXIST);
	fx_same(fx);
	h_expect_eq(mtree_insert_range(&fx->mt, 1, ULONG_MAX, fx_entry(1), GFP_KERNEL), 0);
	oracle_store(&fx->o, 1, ULONG_MAX, fx_entry(1));
	fx_same(fx);
	fx_free(fx);
}

static void expect_gap(struct fixture *fx, bool rev, unsigned long first, unsigned long last)
{
	MA_STATE(mas, &fx->mt, 0, 0);

	mtree_lock(&fx->mt);
	if (rev)
		h_expect_eq(mas_empty_area_rev(&mas, 0, 100, 5), 0);
	else
		h_expect_eq(mas_empty_area(&mas, 0, 100, 5), 0);
	h_expect_eq(mas.index, first);
	h_expect_eq(mas.last, last);
	h_expect_eq(mas_store_gfp(&mas, LONE, GFP_KERNEL), 0);
	mtree_unlock(&fx->mt);
	oracle_store(&fx->o, first, last, LONE);
	fx_same(fx);
	fx_store(fx, first, last, NULL);
}

HTEST(gaps_of_trees_without_nodes)
{
	struct fixture *fx = fx_new(FX_VMA);

	expect_gap(fx, false, 0, 4);
	expect_gap(fx, true, 96, 100);
	fx_store(fx, 0, 0, LONE);
	expect_gap(fx, false, 1, 5);
	expect_gap(fx, true, 96, 100);
	fx_free(fx);
}

/* What Linux's users see of reserved values: which call takes them, and how they read. */
HTEST(reserved_values)
{
	struct fixture *fx = fx_new(MT_FLAGS_ALLOC_RANGE);
	MA_STATE(mas, &fx->mt, 10, 10);
	unsigned long at = 0, next = 0, index = 0;

	h_expect_eq(mtree_store(&fx->mt, 10, XA_RETRY_ENTRY, GFP_KERNEL), -EINVAL);
	h_expect_eq(mtree_insert(&fx->mt, 10, xa_mk_internal(0), GFP_KERNEL), -EINVAL);
	h_expect_eq(mtree_alloc_range(&fx->mt, &at, XA_ZERO_ENTRY, 1, 0, 9, GFP_KERNEL), -EINVAL);
	h_expect_eq(mtree_alloc_rrange(&fx->mt, &at, (void *)4094, 1, 0, 9, GFP_KERNEL), -EINVAL);
	h_expect_eq(mtree_alloc_cyclic(&fx->mt, &at, XA_ZERO_ENTRY, 0, 9, &next, GFP_KERNEL),
		    -EINVAL);
	h_expect_eq(mtree_insert_range(&fx->mt, 10, 19, XA_ZERO_ENTRY, GFP_KERNEL), 0);
	oracle_store(&fx->o, 10, 19, XA_ZERO_ENTRY);
	fx_same(fx);
	h_expect_eq(mtree_load(&fx->mt, 12), NULL);
	h_expect_eq(mt_find(&fx->mt, &index, ULONG_MAX), NULL);
	h_expect_eq(index, 0);
	h_expect_eq(mas_walk(&mas), XA_ZERO_ENTRY);
	h_expect_eq(mt_next(&fx->mt, 0, ULONG_MAX), XA_ZERO_ENTRY);
	h_expect_eq(mt_prev(&fx->mt, 50, 0), XA_ZERO_ENTRY);
	h_expect_eq(mtree_insert(&fx->mt, 15, LONE, GFP_KERNEL), -EEXIST);
	h_expect_eq(mtree_alloc_range(&fx->mt, &at, LONE, 5, 10, 30, GFP_KERNEL), 0);
	h_expect_eq(at, 20);
	h_expect_eq(mtree_erase(&fx->mt, 15), XA_ZERO_ENTRY);
	mt_validate(&fx->mt);
	fx_free(fx);
}
