/*
 * maple_store.c - the writing calls on a state, and where they get memory.
 *
 * Owns: mas_store and its relatives, mas_erase, preallocation, the retry after a lock was dropped.
 * Not here: what a write does (maple_wr.c).
 * Idea: plan, get exactly the nodes planned, run. First try without sleeping. If that fails and
 *   sleeping is allowed: ma_lock is dropped, and then the tree may have changed: plan again from
 *   the range the caller gave, which is kept until the end. A caller's own lock is kept, so there
 *   is one try, and it may sleep.
 */
#include "mm/maple_write.h"

#include "kernel/base/annotations.h"

static inline gfp_t gfp_nowait(gfp_t gfp)
{
	return (gfp & ~__GFP_DIRECT_RECLAIM) | __GFP_NOWARN;
}

static bool mas_alloc_nowait(struct ma_state *mas, unsigned int nr, gfp_t gfp)
{
	return mas_alloc_nodes(mas, nr, gfp_nowait(gfp));
}

/* Drops the caller's lock while it waits, if it is the tree's own: no analysis of that. */
static noinline int mas_get_more_nodes(struct ma_state *mas, unsigned int nr,
				       gfp_t gfp) NO_LOCK_ANALYSIS
{
	bool ok;

	if (likely(mas_alloc_nowait(mas, nr, gfp)))
		return 0;
	if (!gfpflags_allow_blocking(gfp)) {
		mas_free_nodes(mas);
		return -ENOMEM;
	}
	mas_unlock(mas);
	ok = mas_alloc_nodes(mas, nr, gfp);
	mas_lock(mas);
	if (!ok) {
		mas_free_nodes(mas);
		return -ENOMEM;
	}
	return -EAGAIN;
}

/* Has @nr nodes, or gets the one it takes, or all under a lock that is kept. */
static inline bool mas_has_nodes(struct ma_state *mas, unsigned int nr, gfp_t gfp)
{
	bool kept = mt_external_lock(mas->tree);
	struct maple_node *node;

	if (mas->nr_alloc >= nr)
		return true;
	if (nr != 1)
		return kept && mas_alloc_nodes(mas, nr, gfp);
	node = mt_alloc_node(kept ? gfp : gfp_nowait(gfp));
	if (unlikely(!node))
		return false;
	node->next = NULL;
	mas->alloc = node;
	mas->nr_alloc = 1;
	return true;
}

/*
 * Get @nr nodes.
 *
 * Returns: 0; -EAGAIN: has them, but ma_lock was dropped; -ENOMEM with none held
 */
static inline int mas_get_nodes(struct ma_state *mas, unsigned int nr, gfp_t gfp)
{
	if (likely(mas_has_nodes(mas, nr, gfp)))
		return 0;
	if (!mt_external_lock(mas->tree))
		return mas_get_more_nodes(mas, nr, gfp);
	mas_free_nodes(mas);
	return -ENOMEM;
}

/* What is over belongs to mas_preallocate's caller or is given back. */
static void mas_put_spare(struct ma_state *mas)
{
	if (unlikely(mas->nr_alloc) && !(mas->mas_flags & MA_STATE_PREALLOC))
		mas_free_nodes(mas);
}

static int mas_fail(struct ma_state *mas, int err)
{
	mas_put_spare(mas);
	mas_set_err(mas, err);
	return err;
}

/* The planned store cuts an entry in two: what is left behind becomes @rest, unless NULL. */
static __always_inline void wr_set_rest(struct maple_wr *wr, void *rest)
{
	unsigned int last = wr->nr_mid - 1;

	if (!rest)
		return;
	ASSERT_EQ(last, wr->entry ? 2 : 1);
	if (wr->packed)
		wr->slot[last] = rest;
	else
		wr->mid[last].entry = rest;
}

/* Plans, gets nodes, runs; @rest is NULL where nothing is left behind. */
static __always_inline int store_gfp(struct ma_state *mas, void *entry, void *rest, gfp_t gfp)
{
	struct maple_wr wr;
	int err;

	do {
		mas_wr_plan(&wr, mas, entry);
		err = mas_get_nodes(mas, wr.nr_nodes, gfp);
		if (err == -ENOMEM)
			return mas_fail(mas, err);
	} while (err);
	wr_set_rest(&wr, rest);
	mas_wr_run(&wr);
	mas_put_spare(mas);
	return 0;
}

int mas_store_gfp(struct ma_state *mas, void *entry, gfp_t gfp)
{
	return store_gfp(mas, entry, NULL, gfp);
}

int mas_store_rest_gfp(struct ma_state *mas, void *entry, void *rest, gfp_t gfp)
{
	return store_gfp(mas, entry, rest, gfp);
}

/* mas_insert_gfp - mas_store_gfp, but -EEXIST (and the state in error) unless the range is free. */
int mas_insert_gfp(struct ma_state *mas, void *entry, gfp_t gfp)
{
	struct maple_wr wr;
	int err;

	do {
		mas_wr_plan(&wr, mas, entry);
		if (wr.overlaps)
			return mas_fail(mas, -EEXIST);
		err = mas_get_nodes(mas, wr.nr_nodes, gfp);
		if (err == -ENOMEM)
			return mas_fail(mas, err);
	} while (err);
	mas_wr_run(&wr);
	mas_put_spare(mas);
	return 0;
}

/*
 * One entry for another in a leaf of pages, whose place and range are the state's: as mas_wr_plan()
 * and mas_wr_run() would do it, and without the struct between them. False: it is another case.
 */
static __always_inline bool replace_here(struct ma_state *mas, void *entry, void **old)
{
	struct maple_leaf *leaf = mte_leaf(mas->node);
	unsigned int i = mas->offset / 2;

	if (MAPLE_CHECK_WRITES || mte_kind(mas->node) != MAPLE_PAGES || !(mas->offset & 1) ||
	    leaf_is_dead(mas->node) || word_first(leaf->word[i], MAPLE_PAGES) != mas->index ||
	    word_last(leaf->word[i], MAPLE_PAGES) != mas->last)
		return false;
	*old = leaf->slot[i];
	mas->tree->ma_writes++;
	mas->mas_flags &= ~MA_STATE_PLANNED;
	rcu_assign_pointer(leaf->slot[i], entry);
	return true;
}

static noinline void *store_planned(struct ma_state *mas, void *entry)
{
	struct maple_wr wr;

	mas_wr_plan(&wr, mas, entry);
	if (!mas_alloc_nowait(mas, wr.nr_nodes, GFP_NOWAIT)) {
		mas->nr_need = wr.nr_nodes;
		mas_set_err(mas, -ENOMEM);
		return NULL;
	}
	mas_wr_run(&wr);
	return wr.old;
}

void *mas_store(struct ma_state *mas, void *entry)
{
	void *old;

	if (likely(entry && mas_is_active(mas)) && replace_here(mas, entry, &old))
		return old;
	return store_planned(mas, entry);
}

bool mas_nomem(struct ma_state *mas, gfp_t gfp)
{
	if (mas->node != MA_ERROR(-ENOMEM) || !mas_is_err(mas))
		return false;
	if (mas_get_nodes(mas, mas->nr_need, gfp) == -ENOMEM)
		return false;
	mas_reset(mas);
	return true;
}

void *mas_erase(struct ma_state *mas)
{
	struct maple_wr wr;
	int err;

	do {
		mas_wr_plan_erase(&wr, mas);
		err = mas_get_nodes(mas, wr.nr_nodes, GFP_KERNEL);
		if (err == -ENOMEM) {
			mas_fail(mas, err);
			return NULL;
		}
	} while (err);
	mas_wr_run(&wr);
	mas_put_spare(mas);
	return wr.old;
}

/* Nodes for the planned store of this entry or another one. */
static inline unsigned int nodes_for_any(const struct maple_wr *wr)
{
	if (wr->entry && (wr->how == WR_RANGE || wr->how == WR_ROOT))
		return 1;
	return wr->nr_nodes;
}

unsigned int mas_count_nodes(struct ma_state *mas, void *entry)
{
	struct maple_wr wr;

	mas_wr_plan(&wr, mas, entry);
	return nodes_for_any(&wr);
}

int mas_preallocate(struct ma_state *mas, void *entry, gfp_t gfp)
{
	struct maple_wr wr;
	unsigned int nr;

	mas_wr_plan(&wr, mas, entry);
	nr = nodes_for_any(&wr);
	mas->mas_flags |= MA_STATE_PREALLOC;
	if (mas_has_nodes(mas, nr, gfp) ||
	    (!mt_external_lock(mas->tree) &&
	     (mas_alloc_nowait(mas, nr, gfp) ||
	      (gfpflags_allow_blocking(gfp) && mas_alloc_nodes(mas, nr, gfp))))) {
		mas_wr_put_by(&wr);
		return 0;
	}
	mas_destroy(mas);
	mas_reset(mas);
	return -ENOMEM;
}

/*
 * Most new nodes one store takes: two cut leaves and three pieces make four leaves, two cut inner
 * nodes and four children three, and a root may come on top. One level more for what may be stored
 * meanwhile.
 */
int mas_preallocate_any(struct ma_state *mas, gfp_t gfp)
{
	unsigned int nr = 4 + 3 * mt_height(mas->tree) + 1;

	mas->mas_flags |= MA_STATE_PREALLOC;
	if (mas_alloc_nodes(mas, nr, mt_external_lock(mas->tree) ? gfp : gfp_nowait(gfp)))
		return 0;
	mas_destroy(mas);
	mas_reset(mas);
	return -ENOMEM;
}

static void plan_prealloc(struct maple_wr *wr, struct ma_state *mas, void *entry)
{
	mas_wr_plan(wr, mas, entry);
	/* Short only if tree or range changed since; this may still save the caller. */
	if (unlikely(mas->nr_alloc < wr->nr_nodes))
		BUG_ON(!mas_alloc_nowait(mas, wr->nr_nodes, GFP_ATOMIC));
}

void mas_store_prealloc(struct ma_state *mas, void *entry)
{
	struct maple_wr wr;

	if (!mas_wr_take_up(&wr, mas, entry))
		plan_prealloc(&wr, mas, entry);
	mas_wr_run(&wr);
	mas_destroy(mas);
}

void mas_store_rest_prealloc(struct ma_state *mas, void *entry, void *rest)
{
	struct maple_wr wr;

	plan_prealloc(&wr, mas, entry);
	wr_set_rest(&wr, rest);
	mas_wr_run(&wr);
	mas_destroy(mas);
}

void mas_destroy(struct ma_state *mas)
{
	if (mas->alloc)
		mas_free_nodes(mas);
	mas->mas_flags &= ~(MA_STATE_PREALLOC | MA_STATE_PLANNED);
}
