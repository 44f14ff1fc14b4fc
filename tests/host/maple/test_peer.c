/*
 * test_peer.c - what the tree we measure ourselves against gets wrong. Ours must not.
 *
 * One test for each known defect of Linux 6.12 and 7.2, named after it.
 */
#include "tests/host/maple/fixture.h"

#include <stdio.h>
#include <string.h>
#include "tests/host/maple/nodes.h"

/* 1. Inserting over everything must see what is there, in a tree of one node or of many. */
HTEST(insert_over_the_full_range_is_refused)
{
	size_t n;

	for (n = 1; n < 40; n++) {
		struct fixture *fx = fx_new(n & 1 ? FX_VMA : FX_PLAIN);

		fx_fill(fx, 100, n, 5, 5);
		h_expect_eq(mtree_insert_range(&fx->mt, 0, ULONG_MAX, fx_entry(99), GFP_KERNEL),
			    -EEXIST);
		h_expect_eq(mtree_insert_range(&fx->mt, 0, ULONG_MAX, NULL, GFP_KERNEL), -EEXIST);
		h_expect_eq(mtree_insert_range(&fx->mt, 0, 100, NULL, GFP_KERNEL), -EEXIST);
		h_expect_eq(mtree_insert_range(&fx->mt, 0, 99, NULL, GFP_KERNEL), 0);
		h_expect_eq(mtree_insert_range(&fx->mt, 100 + 10 * n, ULONG_MAX, NULL, GFP_KERNEL),
			    0);
		fx_same(fx);
		fx_free(fx);
	}
}

HTEST(insert_over_the_full_range_of_an_empty_tree)
{
	struct fixture *fx = fx_new(FX_VMA);

	h_expect_eq(mtree_insert_range(&fx->mt, 0, ULONG_MAX, NULL, GFP_KERNEL), 0);
	fx_same(fx);
	h_expect_eq(mtree_insert_range(&fx->mt, 0, ULONG_MAX, fx_entry(1), GFP_KERNEL), 0);
	oracle_store(&fx->o, 0, ULONG_MAX, fx_entry(1));
	fx_same(fx);
	h_expect_eq(mtree_insert_range(&fx->mt, 0, ULONG_MAX, fx_entry(2), GFP_KERNEL), -EEXIST);
	h_expect_eq(mtree_insert(&fx->mt, 0, fx_entry(2), GFP_KERNEL), -EEXIST);
	fx_same(fx);
	fx_free(fx);
}

static int gap_rev(struct fixture *fx, unsigned long min, unsigned long max, unsigned long size,
		   unsigned long *at)
{
	MA_STATE(mas, &fx->mt, 0, 0);
	int err;

	mtree_lock(&fx->mt);
	err = mas_empty_area_rev(&mas, min, max, size);
	mtree_unlock(&fx->mt);
	*at = mas.index;
	return err;
}

/* 2. The width of [0, ULONG_MAX] is not 0. */
HTEST(reverse_gap_search_up_to_ulong_max)
{
	struct fixture *fx = fx_new(FX_VMA);
	unsigned long at, want = 0, low;

	fx_store(fx, 100, ULONG_MAX, fx_entry(1));
	h_expect_eq(gap_rev(fx, 0, ULONG_MAX, 8, &at), 0);
	h_expect_eq(at, 92);
	h_expect_eq(gap_rev(fx, 0, ULONG_MAX - 1, 8, &at), 0);
	h_expect_eq(at, 92);
	for (low = 0; low < 100; low++) {
		int err = gap_rev(fx, low, ULONG_MAX, 8, &at);

		h_expect_eq(err, oracle_gap_rev(&fx->o, low, ULONG_MAX, 8, &want));
		if (!err)
			h_expect_eq(at, want);
	}
	fx_free(fx);
}

HTEST(reverse_gap_search_in_the_lowest_slot_of_each_node)
{
	struct fixture *fx = fx_new(FX_VMA);
	size_t hole;

	fx_fill(fx, 0, 80, 16, 0);
	fx_store(fx, 80 * 16, ULONG_MAX, fx_entry(1000));
	fx->quiet = true;
	for (hole = 0; hole < 80; hole++) {
		unsigned long at = 0;

		fx_store(fx, hole * 16, hole * 16 + 15, NULL);
		h_expect_eq(gap_rev(fx, 0, ULONG_MAX, 8, &at), 0);
		h_expect_eq(at, hole * 16 + 8);
		h_expect_eq(gap_rev(fx, 0, ULONG_MAX, 16, &at), 0);
		h_expect_eq(at, hole * 16);
		h_expect_eq(gap_rev(fx, 0, ULONG_MAX, 17, &at), -EBUSY);
		fx_store(fx, hole * 16, hole * 16 + 15, fx_entry(hole));
	}
	fx_same(fx);
	fx_free(fx);
}

/* 3. NULL over a sole entry [0, ULONG_MAX] leaves an empty tree, not a node with one hole. */
HTEST(null_over_a_sole_full_entry_empties_the_tree)
{
	struct fixture *fx = fx_new(FX_VMA);
	unsigned long at;

	fx_store(fx, 0, ULONG_MAX, fx_entry(1));
	fx_store(fx, 0, ULONG_MAX, NULL);
	h_expect(mtree_empty(&fx->mt));
	h_expect_eq(mt_height(&fx->mt), 0);
	h_expect_eq(nodes_live(), 0);
	h_expect_eq(gap_rev(fx, 0, ULONG_MAX, 8, &at), 0);
	h_expect_eq(at, ULONG_MAX - 7);

	fx_store(fx, 0, ULONG_MAX, fx_entry(1));
	h_expect_eq(mtree_erase(&fx->mt, 12345), fx_entry(1));
	oracle_erase(&fx->o, 12345);
	fx_same(fx);
	h_expect_eq(mt_height(&fx->mt), 0);
	fx_free(fx);
}

/* 4. A limit that was hit before the first walk, then a call with a wider one. */
HTEST(next_after_an_overflow_that_never_walked)
{
	size_t n;

	for (n = 1; n < 40; n += 3) {
		struct fixture *fx = fx_new(FX_VMA);
		MA_STATE(mas, &fx->mt, 0, 0);

		fx_fill(fx, 100, n, 10, 10);
		rcu_read_lock();
		mas_set(&mas, 50);
		h_expect_eq(mas_next(&mas, 20), NULL);
		h_expect_eq(mas.status, ma_overflow);
		h_expect_eq(mas.index, 50);
		h_expect_eq(mas_next(&mas, ULONG_MAX), fx_entry(0));
		h_expect_eq(mas.index, 100);

		mas_set(&mas, 50);
		h_expect_eq(mas_next_range(&mas, 20), NULL);
		h_expect_eq(mas_next_range(&mas, ULONG_MAX), fx_entry(0));

		mas_set(&mas, 105);
		h_expect_eq(mas_next(&mas, 20), NULL);
		h_expect_eq(mas_find(&mas, ULONG_MAX), fx_entry(0));
		rcu_read_unlock();
		fx_free(fx);
	}
}

HTEST(find_rev_after_an_underflow_that_never_walked)
{
	size_t n;

	for (n = 2; n < 40; n += 3) {
		struct fixture *fx = fx_new(FX_VMA);
		MA_STATE(mas, &fx->mt, 0, 0);

		fx_fill(fx, 100, n, 10, 10);
		rcu_read_lock();
		mas_set(&mas, 125);
		h_expect_eq(mas_prev(&mas, 200), NULL);
		h_expect_eq(mas.status, ma_underflow);
		h_expect_eq(mas_find_rev(&mas, 0), fx_entry(0));
		h_expect_eq(mas.index, 100);

		mas_set(&mas, 125);
		h_expect_eq(mas_prev(&mas, 200), NULL);
		h_expect_eq(mas_find_range_rev(&mas, 0), NULL);
		h_expect_eq(mas.index, 110);
		h_expect_eq(mas.last, 119);

		mas_set(&mas, 125);
		h_expect_eq(mas_prev(&mas, 200), NULL);
		h_expect_eq(mas_prev(&mas, 0), fx_entry(0));
		rcu_read_unlock();
		fx_free(fx);
	}
}

/* 5. The store that makes the first node leaves a state that iterates. */
HTEST(state_goes_on_after_the_store_that_makes_a_node)
{
	struct fixture *fx = fx_new(FX_VMA);
	MA_STATE(mas, &fx->mt, 10, 19);

	mtree_lock(&fx->mt);
	h_expect_eq(mas_store_gfp(&mas, fx_entry(1), GFP_KERNEL), 0);
	h_expect_eq(mas.status, ma_active);
	h_expect_eq(mas_next_range(&mas, ULONG_MAX), NULL);
	h_expect_eq(mas.index, 20);
	h_expect_eq(mas.last, ULONG_MAX);
	h_expect_eq(mas.status, ma_active);
	h_expect_eq(mas_prev_range(&mas, 0), fx_entry(1));
	h_expect_eq(mas_prev_range(&mas, 0), NULL);
	h_expect_eq(mas.index, 0);
	h_expect_eq(mas.last, 9);
	mtree_unlock(&fx->mt);
	fx_free(fx);
}

HTEST(state_goes_on_after_a_root_pointer_becomes_a_node)
{
	struct fixture *fx = fx_new(FX_PLAIN);
	MA_STATE(mas, &fx->mt, 5, 9);

	fx_store(fx, 0, 0, fx_entry(0));
	h_expect_eq(mt_height(&fx->mt), 0);
	mtree_lock(&fx->mt);
	h_expect_eq(mas_store_gfp(&mas, fx_entry(1), GFP_KERNEL), 0);
	h_expect_eq(mas_prev(&mas, 0), fx_entry(0));
	h_expect_eq(mas_next(&mas, ULONG_MAX), fx_entry(1));
	h_expect_eq(mas_next_range(&mas, ULONG_MAX), NULL);
	h_expect_eq(mas.index, 10);
	h_expect_eq(mas.last, ULONG_MAX);
	mtree_unlock(&fx->mt);
	fx_free(fx);
}

static void store_returns(struct fixture *fx, unsigned long first, unsigned long last, void *entry)
{
	MA_STATE(mas, &fx->mt, first, last);
	void *want = oracle_piece(&fx->o, first).entry, *got;

	mtree_lock(&fx->mt);
	do {
		got = mas_store(&mas, entry);
	} while (mas_nomem(&mas, GFP_KERNEL));
	mas_destroy(&mas);
	mtree_unlock(&fx->mt);
	h_expect_eq(got, want);
	oracle_store(&fx->o, first, last, entry);
}

/* 6. mas_store gives back what stood at index, whatever the store has to do. */
HTEST(mas_store_returns_the_entry_at_index)
{
	size_t n, a, b;

	for (n = 1; n < 200; n += n < 20 ? 1 : 31)
		for (a = 0; a < n; a += 1 + n / 7)
			for (b = a; b < n; b += 1 + n / 5) {
				struct fixture *fx = fx_new(FX_VMA);

				fx_fill(fx, 100, n, 10, a % 2 ? 10 : 0);
				store_returns(fx, fx->o.p[a].first + a % 3, fx->o.p[b].last,
					      b % 2 ? fx_entry(900) : NULL);
				fx_same(fx);
				store_returns(fx, 0, ULONG_MAX, fx_entry(901));
				store_returns(fx, 0, ULONG_MAX, NULL);
				fx_same(fx);
				fx_free(fx);
			}
}

/* An entry at 0 is what stands at the index of [0, ULONG_MAX]. */
HTEST(mas_store_over_everything_returns_the_entry_at_0)
{
	struct fixture *fx = fx_new(FX_VMA);

	fx_fill(fx, 0, 100, 10, 0);
	store_returns(fx, 0, ULONG_MAX, fx_entry(901));
	fx_same(fx);
	fx_free(fx);
}

/* 7. The second node of a batch is refused: the store must come back, with -ENOMEM or done. */
HTEST(store_whose_batch_fails_half_way_returns)
{
	size_t n, fail;

	for (n = 10; n < 300; n += 13)
		for (fail = 0; fail < 8; fail++) {
			struct fixture *fx = fx_new(FX_VMA);
			unsigned long at;
			int err;

			fx_fill(fx, 1000, n, 10, 0);
			at = fx->o.p[n / 2].first;
			nodes_fail_after(fail);
			err = mtree_store_range(&fx->mt, at + 3, at + 4, fx_entry(999), GFP_NOWAIT);
			if (err)
				h_expect(nodes_fault_fired());
			nodes_fail_after(-1);
			if (!err)
				oracle_store(&fx->o, at + 3, at + 4, fx_entry(999));
			else
				h_expect_eq(err, -ENOMEM);
			fx_same(fx);
			fx_free(fx);
		}
}

/* 8. A NULL that grows to a neighbour's bound at the very end of a node, of each depth. */
HTEST(null_extension_takes_the_bound_of_the_right_slot)
{
	size_t n, at;

	for (n = 14; n < 120; n += 15)
		for (at = 1; at + 1 < n; at++) {
			struct fixture *fx = fx_new(FX_PLAIN);

			fx_fill(fx, 100, n, 10, 0);
			fx->quiet = true;
			fx_store(fx, 100 + 10 * at, 109 + 10 * at, NULL);
			fx_store(fx, 110 + 10 * at, 114 + 10 * at, NULL);
			fx_store(fx, 95 + 10 * at, 99 + 10 * at, NULL);
			fx_same(fx);
			fx_free(fx);
		}
}

/* 9. The public header speaks of no call that does not exist. */
HTEST(header_names_no_call_that_is_gone)
{
	FILE *header = fopen("mm/maple_tree.h", "r");
	char line[512];
	unsigned long lines = 0;

	if (!header)
		header = fopen("../../../mm/maple_tree.h", "r");
	h_assert(header);
	while (fgets(line, sizeof(line), header)) {
		lines++;
		h_expect(!strstr(line, "mas_expected_entries"));
	}
	h_expect(lines > 100);
	fclose(header);
}
