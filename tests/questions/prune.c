/*
 * prune.c - question 3: how many nodes pruning takes.
 */
#include "kernel/core/fault.h"
#include "mm/maple_tree.h"
#include "mm/mm.h"
#include "tests/questions/question.h"

#define AT(i) (0x40000000ul + (i) * 0x2000ul)

/* What pruning copies of a tree took, over many k. */
struct demand {
	u64 tried, nodes, most, none;
	bool in_place_asked; /* clearing in place asked for memory, which it must not */
};

/* @n entries in order of address, as mappings: side by side, or each followed by a hole. */
static int build(struct maple_tree *mt, u64 n, bool holes)
{
	mt_init_flags(mt, MM_MT_FLAGS & ~MT_FLAGS_LOCK_EXTERN);
	for (u64 i = 0; i < n; i++) {
		unsigned long last = AT(i) + (holes ? 0xfff : 0x1fff);

		if (mtree_store_range(mt, AT(i), last, (void *)(AT(i) + 8), GFP_KERNEL))
			return -1;
	}
	return 0;
}

/* Give up what a copy of @mt has from entry @k on, both ways. */
static int prune_copy(struct maple_tree *mt, u64 k, struct demand *d)
{
	struct maple_tree copy;
	MA_STATE(mas, &copy, AT(k), ~0ul);
	int err;

	mt_init_flags(&copy, MM_MT_FLAGS & ~MT_FLAGS_LOCK_EXTERN);
	if (mtree_dup(mt, &copy, GFP_KERNEL))
		return -1;
	mt_clear_in_rcu(&copy);
	mtree_lock(&copy);
	err = mas_preallocate(&mas, NULL, GFP_NOWAIT);
	if (!err) {
		d->tried++;
		d->nodes += mas.nr_alloc;
		d->most = max(d->most, (u64)mas.nr_alloc);
		d->none += mas.nr_alloc == 0;
		mas_destroy(&mas);
	}
	/* Every allocation would fail now: none is made. */
	fault_nth_arm(0);
	mas_set(&mas, AT(k));
	mas_clear_tail(&mas);
	d->in_place_asked |= fault_nth_fired();
	fault_nth_disarm();
	mtree_unlock(&copy);
	mtree_destroy(&copy);
	return err;
}

static int row_of_demand(u64 n, bool holes)
{
	struct maple_tree mt;
	struct demand d = {0};
	int err = build(&mt, n, holes);

	for (u64 k = 0; k < n && !err; k++)
		err = prune_copy(&mt, k, &d);
	mtree_destroy(&mt);
	if (err)
		return q_fail("no memory for a tree of %lu", n);
	q_str(holes ? "each followed by a hole" : "side by side");
	q_u64(n), q_u64(d.tried), q_u64(d.most), q_ratio((s64)d.nodes, d.tried, 2);
	q_ratio((s64)d.none * 100, d.tried, 1);
	q_u64(d.in_place_asked);
	q_row();
	return 0;
}

QUESTION(03, "Can pruning be done without allocation, or with how many nodes?",
	 "Trees of n VMAs, built in order; for every k from 0 to n-1 a copy of the tree, of "
	 "which all from VMA k on is erased: the nodes that this takes, got in advance. in "
	 "place: the same by overwriting slots without joining nodes, while every allocation is "
	 "made to fail: how many were asked for.",
	 "The demand is that of this maple tree, which joins thin nodes at the cut and copies "
	 "none but those; another layout of nodes gives other figures. A failure leaves no "
	 "trace in the parent's tree, so of failures back to back each takes what is in `most`, "
	 "and its nodes are free when the child is.")
{
	static const u64 sizes[] = {1, 2, 15, 16, 17, 64, 255, 256, 257, 1024, 2048};
	int err = 0;

	Q_COLUMNS("VMAs lie", "n", "k tried", "most", "mean", "none, %", "in place");
	for (unsigned holes = 0; holes < 2; holes++) {
		for (unsigned i = 0; i < ARRAY_SIZE(sizes) && !err; i++)
			err = row_of_demand(sizes[i], holes);
	}
	return err;
}
