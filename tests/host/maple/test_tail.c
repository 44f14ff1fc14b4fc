/*
 * test_tail.c - giving up all from a key on, and what a failing copy of an address space needs.
 *
 * Owns: mas_clear_tail at every border of trees of all heights and leaf forms, life afterwards; the
 *       count of nodes of a tail's ordinary erasure; stores that need no memory or have enough
 *       for anything.
 */
#include "tests/host/maple/fixture.h"

#include "tests/host/maple/nodes.h"

/* Pieces in units of pages, of keys, and in neither: the three forms of leaf. */
struct form {
	unsigned long base, width, hole;
};

static const struct form forms[] = {
	{0x10000, 0x1000, 0x1000},
	{0x10001, 7, 3},
	{1ul << 50, 1ul << 41, 1},
};

static const size_t sizes[] = {1, 2, 9, 35, 300, 2000};

static unsigned long below(uint64_t *rng, unsigned long n)
{
	*rng = *rng * 6364136223846793005 + 1442695040888963407;
	return (*rng >> 33) % n;
}

/* @fx, whose tree lets nobody read beside writers, loses all from @from on. No node is taken. */
static void clear_tail(struct fixture *fx, unsigned long from)
{
	unsigned long taken = nodes_taken();
	MA_STATE(mas, &fx->mt, from, from);
	struct piece hole;

	nodes_fail_after(0);
	mtree_lock(&fx->mt);
	mas_clear_tail(&mas);
	mtree_unlock(&fx->mt);
	h_expect(!nodes_fault_fired());
	nodes_fail_after(-1);
	h_expect_eq(nodes_taken(), taken);
	oracle_store(&fx->o, from, ULONG_MAX, NULL);
	hole = oracle_piece(&fx->o, from);
	h_expect_eq(mas.index, hole.first);
	h_expect_eq(mas.last, hole.last);
	if (mt_height(&fx->mt))
		h_expect_eq(mas.status, ma_active);
	fx_same(fx);
}

/* A fixture of its own with the contents of @of. */
static struct fixture *copy_of(struct fixture *of)
{
	struct fixture *fx = fx_new(of->mt.ma_flags & ~(MT_FLAGS_HEIGHT_MASK | MT_FLAGS_THIN_EDGE));

	fx_copy(fx, of);
	return fx;
}

/* Stores of every kind near the thin edge and elsewhere. */
static void live_on(struct fixture *fx, const struct form *form, uint64_t *rng, unsigned int calls)
{
	unsigned long step = form->width + form->hole;

	fx->quiet = fx->o.n > 64;
	while (calls--) {
		unsigned long at = form->base + below(rng, fx->o.n + 12) * step;

		if (below(rng, 3))
			fx_store(fx, at, at + form->width - 1, fx_entry(5000 + calls));
		else if (below(rng, 8))
			fx_erase(fx, at);
		else
			fx_store(fx, at, at + (1 + below(rng, 20)) * step - 1, NULL);
		mt_validate(&fx->mt);
	}
	fx_same(fx);
}

static void clear_everywhere(const struct form *form, size_t n, unsigned int flags)
{
	struct fixture *all = fx_new(flags);
	size_t i, step = n < 64 ? 1 : n / 40;
	uint64_t rng = htest_seed() + n;

	fx_fill(all, form->base, n, form->width, form->hole);
	for (i = 0; i < n; i += 1 + below(&rng, step)) {
		struct fixture *fx = copy_of(all);

		clear_tail(fx, fx->o.p[i].first - (below(&rng, 2) ? form->hole : 0));
		live_on(fx, form, &rng, 40);
		if (fx->o.n)
			clear_tail(fx, fx->o.p[fx->o.n / 2].first);
		live_on(fx, form, &rng, 10);
		fx_free(fx);
	}
	fx_free(all);
	h_expect_eq(nodes_live(), 0);
}

HTEST(tail_cleared_in_place_at_every_border)
{
	for (size_t f = 0; f < ARRAY_SIZE(forms); f++) {
		for (size_t s = 0; s < ARRAY_SIZE(sizes); s++) {
			clear_everywhere(&forms[f], sizes[s], MT_FLAGS_ALLOC_RANGE);
			clear_everywhere(&forms[f], sizes[s], 0);
		}
	}
}

HTEST(tail_of_trees_without_nodes)
{
	struct fixture *fx = fx_new(FX_PLAIN);

	clear_tail(fx, 0);
	fx_store(fx, 0, 0, fx_entry(1));
	clear_tail(fx, 1);
	h_expect_eq(fx->o.n, 1);
	clear_tail(fx, 0);
	h_expect(mtree_empty(&fx->mt));
	fx_free(fx);
}

/* A tree that is emptied forgets its thin edge, and one that is copied hands it on. */
HTEST(thin_edge_is_handed_on_and_forgotten)
{
	struct fixture *fx = fx_new(MT_FLAGS_ALLOC_RANGE), *copy;

	fx_fill(fx, 0x10000, 300, 0x1000, 0x1000);
	clear_tail(fx, fx->o.p[137].first);
	h_expect(fx->mt.ma_flags & MT_FLAGS_THIN_EDGE);
	copy = copy_of(fx);
	h_expect(copy->mt.ma_flags & MT_FLAGS_THIN_EDGE);
	fx_same(copy);
	fx_free(copy);
	fx_store(fx, 0, ULONG_MAX, NULL);
	h_expect(!(fx->mt.ma_flags & MT_FLAGS_THIN_EDGE));
	fx_free(fx);
}

/* The ordinary way: the count is what preallocation holds and what the store uses. */
static void erase_tail(struct fixture *fx, unsigned long from)
{
	MA_STATE(mas, &fx->mt, from, ULONG_MAX);
	unsigned int count;

	mtree_lock(&fx->mt);
	count = mas_count_nodes(&mas, NULL);
	h_expect_eq(mas_count_nodes(&mas, NULL), count);
	h_expect_eq(mas.status, ma_start);
	if (count) {
		nodes_fail_after(count - 1);
		h_expect_eq(mas_preallocate(&mas, NULL, GFP_NOWAIT), -ENOMEM);
		nodes_fail_after(-1);
		mas_set_range(&mas, from, ULONG_MAX);
	}
	nodes_mark();
	h_expect_eq(mas_preallocate(&mas, NULL, GFP_NOWAIT), 0);
	h_expect_eq(mas.nr_alloc, count);
	nodes_fail_after(0);
	mas_store_prealloc(&mas, NULL);
	h_expect(!nodes_fault_fired());
	nodes_fail_after(-1);
	h_expect_eq(nodes_asked() - nodes_unused(), count);
	mtree_unlock(&fx->mt);
	oracle_store(&fx->o, from, ULONG_MAX, NULL);
	fx_same(fx);
}

HTEST(nodes_that_erasing_a_tail_takes)
{
	struct fixture *all = fx_new(MT_FLAGS_ALLOC_RANGE);
	size_t i;

	fx_fill(all, 0x10000, 1500, 0x1000, 0x1000);
	for (i = 0; i < 1500; i += i < 40 ? 1 : 23) {
		struct fixture *fx = copy_of(all);

		erase_tail(fx, fx->o.p[i].first);
		h_expect_eq(mt_check(&fx->mt, NULL, NULL), 0);
		fx_free(fx);
	}
	fx_free(all);
}

/* What fork does: each entry of a copy gives way to another one. No memory, RCU mode or not. */
static void replace_each(unsigned int flags, const struct form *form)
{
	struct fixture *fx = fx_new(flags);
	MA_STATE(mas, &fx->mt, 0, 0);
	unsigned long nr = 0;
	void *entry;

	fx_fill(fx, form->base, 700, form->width, form->hole);
	nodes_fail_after(0);
	mtree_lock(&fx->mt);
	mas_for_each(&mas, entry, ULONG_MAX) {
		struct piece *p = &fx->o.p[nr++];

		h_expect_eq(mas_count_nodes(&mas, fx_entry(9000 + nr)), 0);
		h_expect_eq((uintptr_t)mas_store(&mas, fx_entry(9000 + nr)), (uintptr_t)p->entry);
		h_expect(!mas_is_err(&mas));
		oracle_store(&fx->o, p->first, p->last, fx_entry(9000 + nr));
	}
	mtree_unlock(&fx->mt);
	h_expect(!nodes_fault_fired());
	nodes_fail_after(-1);
	h_expect_eq(nr, 700);
	fx_same(fx);
	fx_free(fx);
}

HTEST(exact_stores_need_no_memory)
{
	for (size_t f = 0; f < ARRAY_SIZE(forms); f++) {
		replace_each(MT_FLAGS_ALLOC_RANGE, &forms[f]);
		replace_each(FX_VMA, &forms[f]);
	}
}

/* A range of some pieces and a part of the next, or one inside a hole. */
static void wide_range(struct fixture *fx, uint64_t *rng, unsigned long *first, unsigned long *last)
{
	struct piece *a = &fx->o.p[below(rng, fx->o.n)];

	*first = a->first + (below(rng, 2) ? 0 : (a->last - a->first) / 2 + 1);
	*last = *first + below(rng, below(rng, 4) ? 0x8000 : 0x200000);
	if (below(rng, 2))
		*last |= 0xfff;
	if (!below(rng, 64))
		*last = ULONG_MAX;
}

/* Nodes for any store, then other stores, then the one: no allocation may be needed. */
static void store_any(struct fixture *fx, uint64_t *rng, unsigned long nr)
{
	MA_STATE(mas, &fx->mt, 0, 0);
	unsigned long first, last, live = nodes_live();
	void *entry = below(rng, 3) ? fx_entry(nr) : NULL;

	mtree_lock(&fx->mt);
	nodes_fail_after(below(rng, 3 * mt_height(&fx->mt) + 5));
	h_expect_eq(mas_preallocate_any(&mas, GFP_NOWAIT), -ENOMEM);
	nodes_fail_after(-1);
	h_expect_eq(nodes_live(), live);
	h_expect_eq(mas_preallocate_any(&mas, GFP_NOWAIT), 0);
	mtree_unlock(&fx->mt);
	for (unsigned long i = below(rng, 3); i > 0; i--) {
		wide_range(fx, rng, &first, &last);
		fx_store(fx, first, last, fx_entry(nr + i));
	}
	wide_range(fx, rng, &first, &last);
	mas_set_range(&mas, first, last);
	mtree_lock(&fx->mt);
	nodes_fail_after(0);
	mas_store_prealloc(&mas, entry);
	h_expect(!nodes_fault_fired());
	nodes_fail_after(-1);
	mtree_unlock(&fx->mt);
	oracle_store(&fx->o, first, last, entry);
	if (nr % 16 == 0)
		fx_same(fx);
	nodes_quiesce();
}

HTEST(nodes_for_any_store_are_enough)
{
	uint64_t rng = htest_seed();

	for (size_t n = 30; n < 4000; n *= 3) {
		struct fixture *fx = fx_new(FX_VMA);

		fx_fill(fx, 0x10000, n, 0x1000, 0x1000);
		fx->quiet = true;
		for (unsigned long i = 0; i < 600; i++) {
			if (fx->o.n < n / 2)
				fx_fill(fx, 0x10000, n, 0x1000, 0x1000);
			store_any(fx, &rng, 10000 + i * 8);
		}
		fx_same(fx);
		fx_free(fx);
		h_expect_eq(nodes_live(), 0);
	}
}
