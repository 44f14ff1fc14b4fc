/*
 * test_past.c - what once went wrong in a range tree: spanning stores, splits, rebalances.
 *
 * Each test is named after the fault it would show. Faults of searches, states and readers are in
 * test_past_state.c. The trees are small enough to try every place, so the tests need not know at
 * which slot of which node a fault would strike.
 */
#include "tests/host/maple/fixture.h"

#include "tests/host/maple/nodes.h"

/* Replace pieces [@a, @b] of a copy of @base by @entry, up to @cut keys short of the last end. */
static void span(struct fixture *base, size_t a, size_t b, unsigned long cut, void *entry)
{
	struct fixture *fx = fx_new(base->mt.ma_flags & FX_VMA);
	unsigned long first = base->o.p[a].first, last = base->o.p[b].last - cut;

	fx_copy(fx, base);
	fx->quiet = true;
	fx_store(fx, first, last, entry);
	fx_same_near(fx, first, 24);
	fx_free(fx);
}

/* Oct 2024: the store ends exactly where the right leaf ends, and takes all of it. */
HTEST(spanning_store_that_swallows_the_right_leaf)
{
	struct fixture *fx = fx_new(FX_VMA);
	size_t a, len;

	fx_fill(fx, 0x1000, 320, 0x1000, 0);
	for (a = 0; a < 40; a++)
		for (len = 2; len < 60; len++) {
			span(fx, 130 + a, 130 + a + len, 0, fx_entry(9999));
			span(fx, 130 + a, 130 + a + len, 0, NULL);
		}
	fx_free(fx);
}

/* What is left on the right is next to nothing, in a node that then needs its neighbour. */
HTEST(spanning_store_leaves_an_insufficient_right_node)
{
	struct fixture *fx = fx_new(FX_VMA);
	size_t left, right;

	fx_fill(fx, 0x1000, 300, 0x1000, 0x1000);
	for (left = 0; left < 24; left++)
		for (right = 1; right < 24; right++) {
			span(fx, left, 299 - right, 0x800, fx_entry(9999));
			span(fx, left, 299 - right, 0, NULL);
		}
	fx_free(fx);
}

/* The tree loses levels in one store: the new root must be found, at every size. */
HTEST(spanning_store_detects_the_new_root)
{
	size_t n, keep;

	for (n = 3; n < 420; n += n < 60 ? 1 : 23)
		for (keep = 0; keep < 4 && 2 * keep < n; keep++) {
			struct fixture *fx = fx_new(n & 1 ? FX_VMA : FX_PLAIN);

			fx_fill(fx, 5, n, 3, 2);
			fx_store(fx, 5 + keep * 5, 5 + (n - keep) * 5 - 3, fx_entry(9999));
			fx_store(fx, 5 + keep * 5, 5 + (n - keep) * 5 - 3, NULL);
			fx_free(fx);
		}
}

/* The new right node's upper bound is that of its parent's slot, not of the store. */
HTEST(spanning_store_keeps_the_bounds_of_what_follows)
{
	size_t n, a;

	for (n = 40; n < 300; n += 37)
		for (a = 0; a < n; a += 3) {
			struct fixture *fx = fx_new(FX_VMA);

			fx_fill(fx, 0x1000, n, 0x1000, a & 1 ? 0x1000 : 0);
			fx_store(fx, fx->o.p[a].first, ULONG_MAX - 1, fx_entry(9999));
			fx_store(fx, ULONG_MAX, ULONG_MAX, fx_entry(9998));
			fx_store(fx, fx->o.p[a].first, ULONG_MAX, NULL);
			fx_free(fx);
		}
}

/* Pieces without holes fill every slot of a node, the last one's end is implied. */
HTEST(full_node_overflows_while_copied)
{
	size_t n, at, cut;

	for (n = 9; n < 40; n++)
		for (at = 0; at < n; at++)
			for (cut = 0; cut < 3; cut++) {
				struct fixture *fx = fx_new(at & 1 ? FX_VMA : FX_PLAIN);
				unsigned long first;

				fx_fill(fx, 0, n, 8, 0);
				fx->quiet = true;
				first = 8 * at + cut;
				fx_store(fx, first, first + 2, fx_entry(9999));
				fx_same(fx);
				fx_store(fx, first, first + 2, NULL);
				fx_same(fx);
				fx_free(fx);
			}
}

/* After a store up to the top the node ends earlier; what stood in the slots behind is gone. */
HTEST(stale_data_in_the_implied_last_slot)
{
	size_t n, at;

	for (n = 8; n < 36; n++)
		for (at = 1; at < n; at++) {
			struct fixture *fx = fx_new(FX_PLAIN);

			fx_fill(fx, 0, n, 8, 0);
			fx->quiet = true;
			fx_store(fx, 8 * n, ULONG_MAX, fx_entry(9999));
			fx_store(fx, 8 * at, ULONG_MAX, fx_entry(9998));
			fx_same(fx);
			fx_store(fx, 8 * at + 4, ULONG_MAX, NULL);
			fx_same(fx);
			fx_store(fx, 8 * at + 6, 8 * at + 7, fx_entry(9997));
			fx_same(fx);
			fx_free(fx);
		}
}

/* A NULL grows over the NULLs beside it, at every slot, the first and the last too. */
HTEST(null_extension_past_the_slots)
{
	static const unsigned int flags[] = {FX_PLAIN, FX_VMA, MT_FLAGS_ALLOC_RANGE};
	size_t n, at, f;

	for (f = 0; f < ARRAY_SIZE(flags); f++)
		for (n = 5; n < 40; n++)
			for (at = 0; at < n; at++) {
				struct fixture *fx = fx_new(flags[f]);
				MA_STATE(mas, &fx->mt, 10 * at + 10, 10 * at + 14);
				unsigned long last = at == n - 1 ? ULONG_MAX : 10 * at + 19;

				fx_fill(fx, 10, n, 5, 5);
				fx->quiet = true;
				mtree_lock(&fx->mt);
				h_expect_eq(mas_store_gfp(&mas, NULL, GFP_KERNEL), 0);
				mtree_unlock(&fx->mt);
				oracle_store(&fx->o, 10 * at + 10, 10 * at + 14, NULL);
				h_expect_eq(mas.index, at ? 10 * at + 5 : 0);
				h_expect_eq(mas.last, last);
				fx_same(fx);
				fx_free(fx);
			}
}

/* check_deficient_node: three pieces out of one, in every node, with every neighbour. */
HTEST(split_leaves_a_node_below_minimum)
{
	size_t n, at;

	for (n = 12; n < 60; n += 5)
		for (at = 0; at < n; at++) {
			struct fixture *fx = fx_new(FX_PLAIN);

			fx_fill(fx, 1000, n, 100, at & 1 ? 100 : 0);
			fx->quiet = true;
			fx_store(fx, fx->o.p[at].first + 40, fx->o.p[at].first + 50, NULL);
			fx_same(fx);
			fx_store(fx, fx->o.p[at].first + 10, fx->o.p[at].first + 20,
				 fx_entry(9998));
			fx_same(fx);
			fx_free(fx);
		}
}

/* check_erase_rebalance: one node too few was asked for. Here no more may be taken later. */
HTEST(rebalance_asks_for_one_node_too_few)
{
	size_t n, at;

	for (n = 16; n < 700; n += n < 64 ? 1 : 61) {
		struct fixture *fx = fx_new(FX_VMA);

		fx_fill(fx, 0x1000, n, 0x1000, n & 1 ? 0x1000 : 0);
		fx->quiet = true;
		for (at = 0; fx->o.n; at += 7) {
			struct piece p = fx->o.p[at % fx->o.n];
			MA_STATE(mas, &fx->mt, p.first, p.last);

			mtree_lock(&fx->mt);
			h_expect_eq(mas_preallocate(&mas, NULL, GFP_KERNEL), 0);
			nodes_fail_after(0);
			mas_store_prealloc(&mas, NULL);
			h_expect(!nodes_fault_fired());
			nodes_fail_after(-1);
			mtree_unlock(&fx->mt);
			oracle_store(&fx->o, p.first, p.last, NULL);
			mt_validate(&fx->mt);
			nodes_quiesce();
		}
		fx_same(fx);
		fx_free(fx);
	}
}

/* check_collapsing_rebalance: erasing from the right takes whole levels away. */
HTEST(collapse_over_several_levels_from_the_right)
{
	struct fixture *fx = fx_new(FX_VMA);

	fx_fill(fx, 0x1000, 1500, 0x1000, 0x1000);
	fx->quiet = true;
	while (fx->o.n > 0) {
		fx_erase(fx, fx->o.p[fx->o.n - 1].first);
		if (fx->o.n < 40 || fx->o.n % 16 == 0)
			fx_same(fx);
		else
			mt_validate(&fx->mt);
	}
	h_expect_eq(mt_height(&fx->mt), 0);
	fx_free(fx);
}

/* And from the left, and both ends in turn. */
HTEST(collapse_over_several_levels_from_both_ends)
{
	struct fixture *fx = fx_new(MT_FLAGS_ALLOC_RANGE);

	fx_fill(fx, 0x1000, 900, 0x1000, 0);
	fx->quiet = true;
	while (fx->o.n > 0) {
		fx_erase(fx, fx->o.p[fx->o.n % 2 ? 0 : fx->o.n - 1].first);
		if (fx->o.n < 40 || fx->o.n % 16 == 0)
			fx_same(fx);
		else
			mt_validate(&fx->mt);
	}
	h_expect_eq(mt_height(&fx->mt), 0);
	fx_free(fx);
}

/* One store over 1...200 entries, at every alignment, in trees of three and four levels. */
static void span_everywhere(size_t n, size_t step_a, size_t step_len)
{
	struct fixture *fx = fx_new(FX_VMA);
	size_t a, len;

	fx_fill(fx, 0x555555554000, n, 0x2000, 0x1000);
	for (a = n / 3; a < n / 3 + 256; a += step_a)
		for (len = 1; len <= 200; len += step_len) {
			span(fx, a, a + len - 1, len % 3 ? 0 : 0x1000, fx_entry(9999));
			span(fx, a, a + len - 1, len % 5 ? 0 : 0x1000, NULL);
		}
	fx_free(fx);
}

HTEST(store_over_1_to_200_entries_three_levels)
{
	span_everywhere(700, 3, 5);
}

HTEST(store_over_1_to_200_entries_four_levels)
{
	span_everywhere(5000, 37, 23);
}
