/*
 * case_maple_copy.c - the maple tree's sources once more, under other names, with mistakes.
 *
 * Owns: the copy, and its mistakes. Each stands where the sources call something whose meaning is
 *   changed here, so the sources are those of mm/, to the letter, and all other code uses the tree
 *   itself.
 * Not here: who makes the calls (case_maple.c).
 */
#include "tests/lab/maple_copy_names.h"

#include "kernel/core/once.h"
#include "kernel/sched/rcu.h"
#include "mm/maple_write.h"
#include "tests/lab/case.h"
#include "tests/lab/maple_calls.h"

/* ---- the mistakes ---- */

static void mark_unless_mutant(u8 *dead)
{
	if (!case_mutant(MUT_NO_DEAD_MARK))
		smp_store_release(dead, 1);
}

static void free_or_wait(struct rcu_head *head, void (*fn)(struct rcu_head *))
{
	if (case_mutant(MUT_EARLY_FREE))
		fn(head);
	else
		call_rcu(head, fn);
}

/* What the planner takes for a tree without readers it changes in place. */
static bool readers_may_run(const struct maple_tree *mt)
{
	return mt_in_rcu(mt) && !case_mutant(MUT_SHRINK_IN_PLACE);
}

/* Stored twice so that between, at the second point, somebody may look. */
static void fill_leaf(struct maple_leaf *dst, const struct maple_leaf *src,
		      const struct maple_wr *wr)
{
	if (case_mutant(MUT_EARLY_PUBLISH) && wr->l.levels) {
		struct maple_enode **slot = &wr->l.node[0]->slot[wr->l.slot[0]];

		rcu_assign_pointer(*slot, mte_make(dst, wr->kind));
		rcu_assign_pointer(*slot, mte_make(dst, wr->kind));
	}
	leaf_splice(dst, src, wr);
}

/* ---- the sources ---- */

/* NOLINTBEGIN(bugprone-suspicious-include) */

#include "mm/maple_iter.c"
#include "mm/maple_leaf.c"
#include "mm/maple_path.c"
#include "mm/maple_publish.c"
#include "mm/maple_rebuild.c"
#include "mm/maple_run.c"
#include "mm/maple_store.c"
#include "mm/maple_walk.c"

#undef leaf_splice
#define leaf_splice fill_leaf
#include "mm/maple_wr.c"

#define mt_in_rcu readers_may_run
#include "mm/maple_plan.c"
#undef mt_in_rcu

#undef smp_store_release
#define smp_store_release(p, v) mark_unless_mutant(p)
#define call_rcu		free_or_wait
#include "mm/maple_alloc.c"
/* NOLINTEND(bugprone-suspicious-include) */

const struct maple_calls maple_copy_calls = {
	.load = mtree_load,
	.find = mas_find,
	.find_rev = mas_find_rev,
	.store_gfp = mas_store_gfp,
};
