/*
 * bench_data.c - the address space that is measured, and the trees that hold it.
 *
 * N ranges from 0x555555554000 up: 35 % of one page, 20 % of two, a long tail to 4095; half of the
 * neighbours touch, other gaps are 1 to 8700 pages; one gap of 16384 pages in the middle. Trees
 * track gaps and have an external lock, as a VMA store has.
 */
#include "tests/host/maple/bench.h"

unsigned long mtb_random(struct mtb *b, unsigned long below)
{
	b->rng = b->rng * 6364136223846793005 + 1442695040888963407;
	/* A bench has ranges. NOLINTNEXTLINE(clang-analyzer-core.DivideZero) */
	return (b->rng >> 32) % below;
}

/* 1 to @max with a long tail: uniform below a uniform power of two. */
static unsigned long long_tail(struct mtb *b, unsigned long from, unsigned long max)
{
	unsigned long reach = from << mtb_random(b, 64 - __builtin_clzl(max / from) + 1);

	reach = from + mtb_random(b, reach);
	return reach < max ? reach : max;
}

static unsigned long size_pages(struct mtb *b)
{
	unsigned long dice = mtb_random(b, 100);

	if (dice < 35)
		return 1;
	return dice < 55 ? 2 : long_tail(b, 3, 4095);
}

static unsigned long gap_pages(struct mtb *b, unsigned int i)
{
	if (i + 1 == b->n / 2)
		return MTB_BIG;
	return mtb_random(b, 2) ? 0 : long_tail(b, 1, 8700);
}

static void make_ranges(struct mtb *b)
{
	unsigned long at = MTB_BASE;
	unsigned int i;

	for (i = 0; i < b->n; i++) {
		struct range *r = &b->r[i];

		r->first = at;
		at += size_pages(b) * MTB_PAGE;
		r->last = at - 1;
		r->entry = (void *)(0xffff888000000000 + i * 64ul);
		at += gap_pages(b, i) * MTB_PAGE;
	}
}

unsigned long mtb_data_end(const struct mtb *b)
{
	return b->r[b->n - 1].last;
}

void mtb_shuffle(struct mtb *b)
{
	unsigned int i;

	for (i = 0; i < b->n; i++)
		b->order[i] = i;
	for (i = b->n - 1; i > 0; i--) {
		unsigned int j = mtb_random(b, i + 1), t = b->order[i];

		b->order[i] = b->order[j];
		b->order[j] = t;
	}
}

void mtb_init_tree(const struct mtb *b, struct maple_tree *mt)
{
	mt_init_flags(mt, MT_FLAGS_ALLOC_RANGE | MT_FLAGS_LOCK_EXTERN |
				  (b->rcu ? MT_FLAGS_USE_RCU : 0));
}

void mtb_make(struct mtb *b, unsigned int n, bool rcu)
{
	unsigned int i;

	b->n = n;
	b->rcu = rcu;
	b->nr_trees = n < 4096 ? 4096 / n : 1;
	b->rng = 12345;
	b->since_poll = 0;
	b->trees = mtb_env_room(b->nr_trees * sizeof(*b->trees));
	b->r = mtb_env_room(n * sizeof(*b->r));
	b->order = mtb_env_room(n * sizeof(*b->order));
	b->query = mtb_env_room(MTB_QUERIES * sizeof(*b->query));
	make_ranges(b);
	for (i = 0; i < b->nr_trees; i++)
		mtb_init_tree(b, &b->trees[i]);
}

void mtb_empty(struct mtb *b)
{
	unsigned int i;

	for (i = 0; i < b->nr_trees; i++)
		__mt_destroy(&b->trees[i]);
	mtb_env_barrier();
	b->since_poll = 0;
}

void mtb_unmake(struct mtb *b)
{
	mtb_empty(b);
	mtb_env_free(b->trees);
	mtb_env_free(b->r);
	mtb_env_free(b->order);
	mtb_env_free(b->query);
}

static void build_one(struct mtb *b, struct maple_tree *mt, bool in_order)
{
	unsigned int i;

	for (i = 0; i < b->n; i++) {
		struct range *r = &b->r[in_order ? i : b->order[i]];
		MA_STATE(mas, mt, r->first, r->last);

		if (mas_store_gfp(&mas, r->entry, GFP_KERNEL))
			mtb_env_fail("a store");
		mtb_tick(b);
	}
}

/* All trees anew, all alike, in random order unless @in_order. The region is the caller's. */
void mtb_build(struct mtb *b, bool in_order)
{
	unsigned int i;

	for (i = 0; i < b->nr_trees; i++)
		build_one(b, &b->trees[i], in_order);
	mtb_env_drain();
}
