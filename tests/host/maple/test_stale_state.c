/*
 * test_stale_state.c - writing through a state when somebody else wrote since it was placed.
 *
 * Beside readers (RCU mode) a state may be used after another's write: it looks again when the
 * leaf it stands on has been replaced. The same care is owed to a preallocation whose tree changed
 * under it, as long as the nodes still suffice.
 */
#include "tests/host/maple/fixture.h"

#include "tests/host/maple/nodes.h"

/* Both in one leaf, both ways round, at every place of trees of one to three levels. */
HTEST(store_through_a_state_whose_leaf_was_replaced)
{
	size_t n, i, k;

	for (n = 4; n < 800; n = n * 3 + 1)
		for (i = 0; i < n; i += 1 + n / 40)
			for (k = 0; k < 2; k++) {
				struct fixture *fx = fx_new(FX_VMA);
				unsigned long at = 0x1000 + 0x2000 * i;
				unsigned long beside = i + 1 < n ? at + 0x2000 : at - 0x2000;
				MA_STATE(mas, &fx->mt, at, at);

				fx_fill(fx, 0x1000, n, 0x1000, 0x1000);
				fx->quiet = true;
				fx->reading = true;
				rcu_read_lock();
				h_expect_eq(mas_walk(&mas), fx_entry(i));
				fx_store(fx, beside, beside + 0x7ff, k ? fx_entry(5000) : NULL);
				mtree_lock(&fx->mt);
				h_expect_eq(mas_store_gfp(&mas, fx_entry(6000), GFP_NOWAIT), 0);
				mtree_unlock(&fx->mt);
				rcu_read_unlock();
				oracle_store(&fx->o, at, at + 0xfff, fx_entry(6000));
				h_expect_eq(mas.index, at);
				h_expect_eq(mas.last, at + 0xfff);
				fx_same(fx);
				fx_free(fx);
			}
}

/* A plan that was put by must not be run on a tree that is no longer the one it was made for. */
static void change_between(struct fixture *fx, unsigned long first, unsigned long last, void *entry,
			   unsigned long other, void *with)
{
	MA_STATE(mas, &fx->mt, first, last);

	mtree_lock(&fx->mt);
	h_expect_eq(mas_preallocate(&mas, entry, GFP_NOWAIT), 0);
	mtree_unlock(&fx->mt);
	fx_store(fx, other, other + 0xfff, with);
	mtree_lock(&fx->mt);
	mas_store_prealloc(&mas, entry);
	mtree_unlock(&fx->mt);
	oracle_store(&fx->o, first, last, entry);
	fx_same(fx);
}

HTEST(preallocation_whose_tree_changed)
{
	static const unsigned int flags[] = {FX_PLAIN, MT_FLAGS_ALLOC_RANGE, FX_VMA};
	size_t i, f, n = 60;

	for (f = 0; f < ARRAY_SIZE(flags); f++)
		for (i = 2; i + 2 < n; i++) {
			struct fixture *fx = fx_new(flags[f]);
			unsigned long at = 0x1000 + 0x3000 * i;

			fx_fill(fx, 0x1000, n, 0x1000, 0x2000);
			fx->quiet = true;
			change_between(fx, at + 0x1000, at + 0x1fff, fx_entry(900), at, NULL);
			change_between(fx, at, at + 0x7ff, fx_entry(901), at - 0x3000, NULL);
			change_between(fx, at, at + 0x2fff, fx_entry(902), at + 0x3000,
				       fx_entry(903));
			change_between(fx, at, at + 0x17ff, NULL, at + 0x1000, fx_entry(904));
			fx_free(fx);
		}
}

/* The range is changed after preallocating, inside what was asked for: a smaller store. */
HTEST(preallocation_for_another_range)
{
	size_t i;

	for (i = 1; i < 39; i++) {
		struct fixture *fx = fx_new(FX_VMA);
		unsigned long at = 0x1000 + 0x3000 * i;
		MA_STATE(mas, &fx->mt, at + 0x1000, at + 0x2fff);

		fx_fill(fx, 0x1000, 40, 0x1000, 0x2000);
		mtree_lock(&fx->mt);
		h_expect_eq(mas_preallocate(&mas, fx_entry(900), GFP_NOWAIT), 0);
		mas_set_range(&mas, at + 0x1000, at + 0x1fff);
		mas_store_prealloc(&mas, fx_entry(900));
		mtree_unlock(&fx->mt);
		oracle_store(&fx->o, at + 0x1000, at + 0x1fff, fx_entry(900));
		fx_same(fx);
		fx_free(fx);
	}
}
