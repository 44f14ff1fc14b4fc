/*
 * maple_tree.h - a map from ranges of unsigned long to pointers, readable without locks.
 *
 * Owns: the public interface. Names, arguments, results and the states of struct ma_state are
 *   those of Linux's tree, so code written against that one compiles here.
 * Not here: nodes (maple_internal.h), memory for them (maple_node.h), reserved values
 *   (xarray_entry.h).
 * Idea: keys are inclusive ranges; NULL means free. A tree is a sorted list of "pieces", stored
 *   ranges and the free ranges between them, that covers [0, ULONG_MAX]. Equal neighbours stay
 *   two pieces unless both are NULL.
 * Locking: writers hold the tree's lock: ma_lock, or the caller's own (MT_FLAGS_LOCK_EXTERN).
 *   Readers hold that lock or, when MT_FLAGS_USE_RCU is set, just the RCU read lock.
 *   mtree_load, mt_find, mt_find_after, mt_next, mt_prev take the RCU read lock themselves;
 *   modifying mtree_*() calls take ma_lock themselves; mas_*() and __mt_*() take nothing.
 */
#ifndef MM_MAPLE_TREE_H
#define MM_MAPLE_TREE_H

#include "kernel/base/compiler.h"
#include "kernel/base/err.h"
#include "kernel/base/types.h"
#include "kernel/core/spinlock.h"
#include "kernel/sched/rcu.h"
#include "mm/gfp.h"
#include "mm/xarray_entry.h"

#define MT_FLAGS_ALLOC_RANGE   0x01u /* gaps are tracked: the gap searches work */
#define MT_FLAGS_USE_RCU       0x02u /* readers may run beside writers */
#define MT_FLAGS_HEIGHT_OFFSET 0x02
#define MT_FLAGS_HEIGHT_MASK   0x7cu
#define MT_FLAGS_LOCK_MASK     0x300u
#define MT_FLAGS_LOCK_IRQ      0x100u
#define MT_FLAGS_LOCK_BH       0x200u
#define MT_FLAGS_LOCK_EXTERN   0x300u /* the caller's lock protects the tree, ma_lock is unused */
#define MT_FLAGS_ALLOC_WRAPPED 0x800u /* the cyclic allocator passed ULONG_MAX */
#define MT_FLAGS_THIN_EDGE     0x1000u /* mas_clear_tail() left nodes thin; the tree's own */

#define MAPLE_HEIGHT_MAX 31

/* Field key: [L] the tree's lock to write, RCU to read  [W] the tree's lock. */
struct maple_tree {
	spinlock_t ma_lock;
	unsigned int ma_flags; /* [W] MT_FLAGS_*, height in bits 2-6 */
	unsigned int ma_writes; /* [W] counts writes: has the tree changed since a plan was made? */
	void *ma_root;	       /* [L] NULL, the entry of [0, 0], or the top node (tagged) */
};

#define MTREE_INIT(name, flags)                                                                    \
	{                                                                                          \
		.ma_lock = __SPIN_LOCK_UNLOCKED(LC_MT), .ma_flags = (flags), .ma_root = NULL,      \
	}
#define MTREE_INIT_EXT(name, flags, lock) MTREE_INIT(name, flags)
#define DEFINE_MTREE(name)		  struct maple_tree name = MTREE_INIT(name, 0)

/* Linux uses these for lockdep; here the lock order check knows locks by class. */
#define mt_set_external_lock(mt, lock) ((void)(mt))
#define mt_on_stack(mt)		       ((void)&(mt))

#define mtree_lock(mt)	       spin_lock(&(mt)->ma_lock)
#define mtree_unlock(mt)       spin_unlock(&(mt)->ma_lock)
#define mtree_lock_nested(mt)  spin_lock_nested(&(mt)->ma_lock)
#define mas_lock(mas)	       spin_lock(&(mas)->tree->ma_lock)
#define mas_unlock(mas)	       spin_unlock(&(mas)->tree->ma_lock)

enum maple_status {
	ma_active,    /* stands on a piece */
	ma_start,     /* the next call walks from the root */
	ma_root,      /* stands on the single entry kept in the root pointer */
	ma_none,      /* nothing there */
	ma_pause,     /* index and last keep the position; walks again */
	ma_overflow,  /* a forward limit was hit */
	ma_underflow, /* a backward limit was hit */
	ma_error,     /* node holds an errno: xa_err(mas->node) */
};

struct maple_enode; /* a node address with its kind in the low bits; opaque */
struct maple_node;

/*
 * struct ma_state - one caller's place in one tree.
 *
 * Belongs to one thread. A state that stands on a node (active, overflow, underflow) may be used
 * again after leaving the lock or RCU section only after mas_pause(), mas_reset() or mas_set().
 */
struct ma_state {
	struct maple_tree *tree;
	unsigned long index;	  /* first and last of the piece, or of the range to store */
	unsigned long last;
	struct maple_enode *node; /* the leaf stood on, or MA_ERROR(errno) */
	unsigned long min; /* min, max, depth, end: Linux's names, set by nobody but the user */
	unsigned long max;
	struct maple_node *alloc; /* nodes got in advance, a list */
	enum maple_status status;
	unsigned short nr_alloc; /* nodes on that list */
	unsigned short nr_need;	 /* nodes the failed store asked for */
	unsigned char depth;
	unsigned char offset; /* the piece within the leaf; see maple_internal.h */
	unsigned char end;
	unsigned char mas_flags;
};

/* mas_flags */
#define MA_STATE_PREALLOC 0x01 /* nodes were got by mas_preallocate() */
#define MA_STATE_PLANNED  0x02 /* the first of them holds the plan it made */

#define MA_STATE(name, mt, first, end)                                                             \
	struct ma_state name = {                                                                   \
		.tree = (mt),                                                                      \
		.index = (first),                                                                  \
		.last = (end),                                                                     \
		.node = NULL,                                                                      \
		.status = ma_start,                                                                \
		.min = 0,                                                                          \
		.max = ~0UL,                                                                       \
		.alloc = NULL,                                                                     \
	}

#define MA_ERROR(err) ((struct maple_enode *)(((unsigned long)(err) << 2) | 2UL))

/* ---- the tree as a whole ---- */

/* mt_init_flags - make @mt an empty tree. Context: nobody else knows @mt yet. */
static inline void mt_init_flags(struct maple_tree *mt, unsigned int flags)
{
	mt->ma_flags = flags;
	mt->ma_writes = 0;
	spin_lock_init(&mt->ma_lock, LC_MT);
	rcu_assign_pointer(mt->ma_root, NULL);
}

static inline void mt_init(struct maple_tree *mt)
{
	mt_init_flags(mt, 0);
}

static inline bool mtree_empty(const struct maple_tree *mt)
{
	return READ_ONCE(mt->ma_root) == NULL;
}

/* mt_height - levels of nodes: 0 none, 1 a single leaf. */
static inline unsigned int mt_height(const struct maple_tree *mt)
{
	return (READ_ONCE_NOPOINT(mt->ma_flags) & MT_FLAGS_HEIGHT_MASK) >> MT_FLAGS_HEIGHT_OFFSET;
}

static inline bool mt_in_rcu(const struct maple_tree *mt)
{
	return READ_ONCE_NOPOINT(mt->ma_flags) & MT_FLAGS_USE_RCU;
}

static inline bool mt_external_lock(const struct maple_tree *mt)
{
	return (READ_ONCE_NOPOINT(mt->ma_flags) & MT_FLAGS_LOCK_MASK) == MT_FLAGS_LOCK_EXTERN;
}

/*
 * mt_set_in_rcu, mt_clear_in_rcu - say whether readers may run beside writers.
 *
 * Locks: takes ma_lock; with an external lock the caller holds that one for writing.
 *   Clear only when no reader without the lock is left.
 */
void mt_set_in_rcu(struct maple_tree *mt);
void mt_clear_in_rcu(struct maple_tree *mt);

/*
 * mtree_destroy, __mt_destroy - empty the tree and free its nodes, not its entries.
 *
 * Locks:    mtree_destroy takes ma_lock; for __mt_destroy the caller holds the tree's lock
 * Context:  does not sleep, cannot fail; with MT_FLAGS_USE_RCU nodes go after a grace period
 * The tree may be used again; flags stay.
 */
void mtree_destroy(struct maple_tree *mt);
void __mt_destroy(struct maple_tree *mt);

/*
 * mtree_dup, __mt_dup - make @new an exact copy of @mt, sharing the entries.
 *
 * @new:     empty, initialised, with the same flags as @mt
 * Locks:    mtree_dup takes @new's ma_lock, then @mt's; for __mt_dup the caller holds both
 * Context:  sleeps only if @gfp allows it
 * Returns:  0; -EINVAL if flags differ or @new is not empty; -ENOMEM with @new empty
 */
int mtree_dup(struct maple_tree *mt, struct maple_tree *new, gfp_t gfp);
int __mt_dup(struct maple_tree *mt, struct maple_tree *new, gfp_t gfp);

/* ---- calls without a state: they lock for themselves ---- */

/* mtree_load - the entry whose range holds @index; NULL if none or XA_ZERO_ENTRY. */
void *mtree_load(struct maple_tree *mt, unsigned long index);
/* The same in a read section of the caller's, or under the tree's lock. */
void *mtree_load_rcu(struct maple_tree *mt, unsigned long index);

/*
 * mtree_store, mtree_store_range - store @entry over [@first, @last], whatever is there.
 *
 * Locks:    takes ma_lock; drops and takes it again if memory is short and @gfp may block
 * Returns:  0; -EINVAL if @first > @last or @entry is an advanced value; -ENOMEM, unchanged
 */
int mtree_store(struct maple_tree *mt, unsigned long index, void *entry, gfp_t gfp);
int mtree_store_range(struct maple_tree *mt, unsigned long first, unsigned long last, void *entry,
		      gfp_t gfp);

/* mtree_insert, mtree_insert_range - as mtree_store_range, but -EEXIST unless all of it is free. */
int mtree_insert(struct maple_tree *mt, unsigned long index, void *entry, gfp_t gfp);
int mtree_insert_range(struct maple_tree *mt, unsigned long first, unsigned long last,
		       void *entry, gfp_t gfp);

/*
 * mtree_erase - free the whole piece that holds @index.
 *
 * Context:  may sleep (GFP_KERNEL), ma_lock as in mtree_store
 * Returns:  the entry that was there, XA_ZERO_ENTRY included; NULL if none
 */
void *mtree_erase(struct maple_tree *mt, unsigned long index);

/*
 * mtree_alloc_range, mtree_alloc_rrange - store @entry at the lowest (highest) free place.
 *
 * @startp:  receives the place's first index, on success only
 * @size:    length of the place, which lies inside [@min, @max]
 * Returns:  0; -EBUSY no place; -ENOMEM; -EINVAL: tree without MT_FLAGS_ALLOC_RANGE, reserved
 *           @entry, @min > @max, @size 0 or larger than the window
 */
int mtree_alloc_range(struct maple_tree *mt, unsigned long *startp, void *entry,
		      unsigned long size, unsigned long min, unsigned long max, gfp_t gfp);
int mtree_alloc_rrange(struct maple_tree *mt, unsigned long *startp, void *entry,
		       unsigned long size, unsigned long min, unsigned long max, gfp_t gfp);

/*
 * mtree_alloc_cyclic - store @entry at the next free index at or after *@next, going round.
 *
 * @next:    set to the index after the one found (0 after ULONG_MAX), on success only
 * Returns:  0; 1 if it went round (also at the first call after *@next passed ULONG_MAX);
 *           -EBUSY, -EINVAL, -ENOMEM
 */
int mtree_alloc_cyclic(struct maple_tree *mt, unsigned long *startp, void *entry,
		       unsigned long range_lo, unsigned long range_hi, unsigned long *next,
		       gfp_t gfp);

/*
 * mt_find - first entry at or after *@index that starts at or before @max.
 *
 * Zero entries are passed over. *@index becomes the index after the entry (0 after ULONG_MAX);
 * it stays when NULL is returned.
 */
void *mt_find(struct maple_tree *mt, unsigned long *index, unsigned long max);

/* mt_find_after - mt_find for the next turn of a loop: *@index 0 means it wrapped, NULL. */
void *mt_find_after(struct maple_tree *mt, unsigned long *index, unsigned long max);

/* mt_next, mt_prev - the entry after (before) the piece holding @index; zero entries count. */
void *mt_next(struct maple_tree *mt, unsigned long index, unsigned long max);
void *mt_prev(struct maple_tree *mt, unsigned long index, unsigned long min);

#define mt_for_each(mt, entry, index, max)                                                         \
	for ((entry) = mt_find((mt), &(index), (max)); (entry);                                    \
	     (entry) = mt_find_after((mt), &(index), (max)))

/* ---- a state: making and moving it; no locks needed ---- */

static inline void mas_reset(struct ma_state *mas)
{
	mas->status = ma_start;
	mas->node = NULL;
}

static inline void mas_init(struct ma_state *mas, struct maple_tree *mt, unsigned long addr)
{
	*mas = (struct ma_state){
		.tree = mt,
		.index = addr,
		.last = addr,
		.status = ma_start,
		.max = ~0UL,
	};
}

/* __mas_set_range - change the range without forgetting the place; @start must lie in its piece. */
static inline void __mas_set_range(struct ma_state *mas, unsigned long start, unsigned long last)
{
	mas->index = start;
	mas->last = last;
}

static inline void mas_set_range(struct ma_state *mas, unsigned long start, unsigned long last)
{
	mas_reset(mas);
	__mas_set_range(mas, start, last);
}

static inline void mas_set(struct ma_state *mas, unsigned long index)
{
	mas_set_range(mas, index, index);
}

/* mas_pause - forget the node, keep the position: the lock may now be dropped. */
void mas_pause(struct ma_state *mas);

static inline bool mas_is_active(const struct ma_state *mas)
{
	return mas->status == ma_active;
}

static inline bool mas_is_err(const struct ma_state *mas)
{
	return mas->status == ma_error;
}

/* ---- reading with a state: the tree's lock or (RCU trees) the RCU read lock is held ---- */

/* mas_walk - stand on the piece holding mas->index. Returns its entry, NULL if free. */
void *mas_walk(struct ma_state *mas);

/*
 * Steps. Each returns an entry (XA_ZERO_ENTRY included) and stands on its piece, or NULL.
 *
 * mas_next, mas_prev           to the next (previous) entry, never the one stood on
 * mas_find, mas_find_rev       the same, but the first call also returns the entry at index
 * ..._range                    free pieces count too: NULL is then a piece unless the status
 *                              is overflow or underflow
 * @max, @min: the piece returned must start at or before @max (end at or after @min)
 */
void *mas_next(struct ma_state *mas, unsigned long max);
void *mas_next_range(struct ma_state *mas, unsigned long max);
void *mas_prev(struct ma_state *mas, unsigned long min);
void *mas_prev_range(struct ma_state *mas, unsigned long min);
void *mas_find(struct ma_state *mas, unsigned long max);
void *mas_find_range(struct ma_state *mas, unsigned long max);
void *mas_find_rev(struct ma_state *mas, unsigned long min);
void *mas_find_range_rev(struct ma_state *mas, unsigned long min);

#define mas_for_each(mas, entry, max)                                                              \
	while (((entry) = mas_find((mas), (max))) != NULL)
#define mas_for_each_rev(mas, entry, min)                                                          \
	while (((entry) = mas_find_rev((mas), (min))) != NULL)

/* ---- writing with a state: the tree's lock is held for writing ---- */

/*
 * mas_store_gfp - store @entry over [mas->index, mas->last].
 *
 * Context:  may sleep if @gfp allows; without an external lock ma_lock is then dropped and taken
 *           again when memory is short
 * Returns:  0, state active on the piece stored (for NULL: on the whole free range it became
 *           part of); -ENOMEM with the tree unchanged
 */
int mas_store_gfp(struct ma_state *mas, void *entry, gfp_t gfp);

/*
 * mas_store_rest_gfp - mas_store_gfp, and what is left of the entry behind the range becomes @rest.
 *
 * So an entry is cut in two, with another or nothing between, by one store: readers meet the new
 * three or the old one. @rest NULL: mas_store_gfp. Else the range lies inside an entry, of which
 * something is left on both sides.
 *
 *	AAAAAAA   store B over ..bb...   -->   AABBRRR
 */
int mas_store_rest_gfp(struct ma_state *mas, void *entry, void *rest, gfp_t gfp);

/*
 * mas_store - mas_store_gfp with what memory can be had without sleeping.
 *
 * Returns:  the entry that was at mas->index; mas_is_err() tells of failure (unchanged tree)
 * On failure call mas_nomem() and try again; call mas_destroy() after the last use.
 */
void *mas_store(struct ma_state *mas, void *entry);

/*
 * mas_nomem - after a failed mas_store or mas_erase, get the memory it lacked.
 *
 * Returns:  true: try again from the start. false: it had not failed, or there is no memory
 *           (then the state keeps its error).
 */
bool mas_nomem(struct ma_state *mas, gfp_t gfp);

/*
 * mas_preallocate - get all nodes that storing @entry over [index, last] takes now.
 *
 * Follow with mas_store_prealloc() or mas_destroy() before the tree changes. @entry's value may
 * still change, whether it is NULL may not. May be called again on the same state.
 * Returns:  0; -ENOMEM with nothing held and the state reset
 */
int mas_preallocate(struct ma_state *mas, void *entry, gfp_t gfp);

/*
 * mas_preallocate_any - get nodes for any one store, also if others come before it.
 *
 * The range may be set afterwards; mas_store_prealloc() then cannot fail as long as the tree has
 * not grown by more than one level. For a caller that must have two stores certain before it does
 * the first. Takes 3 * height + 5 nodes; what is left is freed by the store.
 * Returns: 0; -ENOMEM with nothing held and the state reset
 */
int mas_preallocate_any(struct ma_state *mas, gfp_t gfp);

/* mas_store_prealloc - do the store mas_preallocate prepared. Cannot fail; frees what is left. */
void mas_store_prealloc(struct ma_state *mas, void *entry);

/* mas_store_rest_prealloc - the same after mas_preallocate_any(), with @rest as above. */
void mas_store_rest_prealloc(struct ma_state *mas, void *entry, void *rest);

/*
 * mas_erase - free the whole piece that holds mas->index.
 *
 * Context:  may sleep (GFP_KERNEL)
 * Returns:  the entry that was there or NULL; index and last become the free range
 */
void *mas_erase(struct ma_state *mas);

/* mas_destroy - release nodes held by the state. Position and status stay. */
void mas_destroy(struct ma_state *mas);

/*
 * mas_count_nodes - how many nodes storing @entry over [mas->index, mas->last] takes now.
 *
 * What mas_preallocate() would get: all of it in one step, or -ENOMEM. Neither tree nor state
 * change. Storing NULL up to ULONG_MAX, which gives up all from index on, takes one node for each
 * node it cuts that is kept, and one for each that joins it: 0 when it cuts at a subtree's border.
 */
unsigned int mas_count_nodes(struct ma_state *mas, void *entry);

/*
 * mas_clear_tail - free [mas->index, ULONG_MAX] in place: no memory, cannot fail.
 *
 * For a tree that will soon go, or whose caller may not fail. Nodes left with little are not
 * joined; every call still works on such a tree, mt_check() knows it, and writes heal what they
 * touch. The state then stands on the free range. What was stored is the caller's to release.
 * Locks:    the tree's lock for writing; nobody reads without it: MT_FLAGS_USE_RCU is not set
 * Context:  any; takes time for each node freed, not for each entry
 * @mas->index: must not lie inside an entry but at its first key, or in a free range
 */
void mas_clear_tail(struct ma_state *mas);

/* mas_alloc_cyclic - mtree_alloc_cyclic for callers that hold the lock. */
int mas_alloc_cyclic(struct ma_state *mas, unsigned long *startp, void *entry,
		     unsigned long range_lo, unsigned long range_hi, unsigned long *next,
		     gfp_t gfp);

/*
 * mas_empty_area, mas_empty_area_rev - lowest (highest) free place of @size inside [@min, @max].
 *
 * Locks:    the tree's lock; the tree has MT_FLAGS_ALLOC_RANGE
 * Returns:  0 with index and last set to the place, ready for an immediate mas_store_gfp();
 *           -EINVAL; -EBUSY, and the state is in error
 * Called with an active state the search goes on: the place begins above mas->index (ends below
 * mas->last).
 */
int mas_empty_area(struct ma_state *mas, unsigned long min, unsigned long max,
		   unsigned long size);
int mas_empty_area_rev(struct ma_state *mas, unsigned long min, unsigned long max,
		       unsigned long size);

/* ---- looking inside ---- */

/* Receives formatted text. */
typedef void (*mt_print_fn)(void *arg, const char *fmt, ...) __printf(2, 3);

/*
 * mt_check - look for damage: order, bounds, fill, gaps, kinds, height, padding, dead marks.
 *
 * Locks:    the tree's lock
 * @out:     told of the first thing found; may be NULL
 * Returns:  0, or -EINVAL
 */
int mt_check(struct maple_tree *mt, mt_print_fn out, void *arg);

/* mt_validate - mt_check, and damage is a bug. */
void mt_validate(struct maple_tree *mt);

/* mt_dump - print nodes and entries. Locks: the tree's lock. */
void mt_dump(struct maple_tree *mt, mt_print_fn out, void *arg);

/* What a tree is made of. */
struct mt_stats {
	unsigned long nr_entries;
	unsigned long nr_leaves;
	unsigned long nr_inner;
	unsigned long bytes; /* of nodes */
	unsigned int height;
};

/* mt_get_stats - count nodes and entries. Locks: the tree's lock. */
void mt_get_stats(struct maple_tree *mt, struct mt_stats *stats);

#endif
