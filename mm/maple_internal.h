/*
 * maple_internal.h - the nodes of a maple tree and how to search one.
 *
 * Owns: layouts, the tagged child pointer, the search inside one node, the writer's path.
 * Not here: what a store consists of (maple_write.h); the algorithms: each maple_*.c says its own.
 *
 * The tree is a B+ tree of *entries*. Free ranges are not stored: they are what lies between.
 *
 *     root -> +--------------------------------------------------+
 *             | inner: pivot[27]  slot[27]  gap[27]       header |
 *             +--------+-----------------------------------------+
 *                      | child i holds keys in (pivot[i-1], pivot[i]]
 *                      v
 *             +--------------------------------------------------+
 *             | leaf:  word[34]  slot[34]                 header |   pages or units: 34 entries
 *             | leaf:  start[22] last[22]  slot[22]       header |   wide: 22 entries
 *             +--------------------------------------------------+
 *
 * A word is one range, start << 28 | length - 1, counted in pages of 4096 keys or in single keys.
 * Words sort like their ranges, so one compare per word searches a leaf, and one 8-byte store
 * moves either end of a range. 36 bits of start reach 2^48 bytes and 28 bits of length 1 TiB;
 * a leaf with a range that does not fit is wide. The kind stands in the pointer to the leaf.
 *
 * Why so (VMA-like ranges, half of them with a gap behind):
 *   - storing entries, not pieces, costs 16 bytes per VMA; 1.5 pieces of 16 bytes cost 24;
 *   - 34 words and 27 pivots are the most that ten and nine compares search in two steps; both fill
 *     nine cache lines. Measured with 512 bytes (30 and 24): as many compares, but splits and joins
 *     come earlier, and a tree of 16 to 32 VMAs paid 38 % more instructions per merge. With 256
 *     bytes 4096 VMAs need four levels instead of three;
 *   - built in ascending or random order a tree takes 22 to 27 bytes per VMA, inner nodes included;
 *   - gaps are rounded up to 31 bits (exact for page multiples below 256 GiB) and lie behind what
 *     a search reads: 27 children per node where 64-bit gaps leave 22;
 *   - no parent pointers: a writer records its path on the way down, so replacing an inner node
 *     touches none of its children. Readers never climb: they look the next key up.
 *
 * Invariants (mt_check() tests them all):
 *   I1 entries are sorted and disjoint; slots [0, n) are not NULL; unused words and pivots are ~0,
 *      so is the pivot of the last child: a search needs no count;
 *   I2 a leaf covers [min, end]; end is the last key of its last entry, or ULONG_MAX in the last
 *      leaf. So a free range lies in one leaf, in front of an entry or behind all;
 *   I3 all nodes but the root hold at least MAPLE_LEAF_MIN or MAPLE_INNER_MIN; an inner root two.
 *      Exception: nodes on the right edge of a tree with MT_FLAGS_THIN_EDGE hold at least one;
 *   I4 gap[i] is the largest free range in front of an entry below child i, rounded up (trees that
 *      track gaps); what is free behind the last entry of all is in no gap;
 *   I5 published nodes change only by single-word stores that no reader can catch half-done: an
 *      entry for another, a longer range for the same entry, a child for its replacement, a pivot
 *      moved through free keys. Everything else is built aside and linked by one store;
 *   I6 a replaced leaf is marked dead after its replacement can be seen, and keeps its contents
 *      until no reader is left.
 */
#ifndef MM_MAPLE_INTERNAL_H
#define MM_MAPLE_INTERNAL_H

#include "kernel/core/bug.h"
#include "kernel/core/once.h"
#include "mm/maple_node.h"
#include "mm/maple_tree.h"

#define MAPLE_INNER_CAP 27
#define MAPLE_INNER_MIN 8
#define MAPLE_LEAF_CAP	34
#define MAPLE_WIDE_CAP	22
#define MAPLE_LEAF_MIN	8
#define MAPLE_LEVELS	16 /* nodes on a path; 8^15 entries do not fit any memory */

#define MAPLE_LEN_BITS	 28
#define MAPLE_LEN_MASK	 ((1UL << MAPLE_LEN_BITS) - 1)
#define MAPLE_START_MAX	 ((1UL << (64 - MAPLE_LEN_BITS)) - 2) /* so that start + 1 still fits */
#define MAPLE_PAGE_SHIFT 12
#define MAPLE_UNUSED	 (~0UL)

/* In bits 2 and 3 of a child or root pointer; bit 1 is always set. */
enum maple_kind {
	MAPLE_INNER,
	MAPLE_PAGES, /* leaf of words in units of 4096 keys */
	MAPLE_UNITS, /* leaf of words in single keys */
	MAPLE_WIDE,  /* leaf of any ranges */
};

/* Field key: [I] set before publication  [W] writers only  [1] one-word stores, readers look. */
struct maple_header {
	u64 min;	     /* [1] leaf: first key it covers */
	u8 n;		     /* [I] entries or children */
	u8 is_last;	     /* [I] leaf: covers the keys behind its last entry too */
	u8 dead;	     /* [1] leaf: replaced; look keys up from the root again */
	u8 kind;	     /* [I] */
	struct rcu_head rcu; /* [W] */
};

struct maple_inner {
	u64 pivot[MAPLE_INNER_CAP];		      /* [1] last key of each child */
	struct maple_enode *slot[MAPLE_INNER_CAP]; /* [1] */
	u32 gap[MAPLE_INNER_CAP];		      /* [W] gap_code(), MAPLE_GAP_KEPT */
	struct maple_header h;
};

struct maple_leaf {
	union {
		struct {
			u64 word[MAPLE_LEAF_CAP];   /* [1] */
			void *slot[MAPLE_LEAF_CAP]; /* [1] */
		};
		struct {
			u64 start[MAPLE_WIDE_CAP];	 /* [1] */
			u64 last[MAPLE_WIDE_CAP];	 /* [1] */
			void *wide_slot[MAPLE_WIDE_CAP]; /* [1] */
		};
	};
	struct maple_header h;
};

struct maple_node {
	union {
		struct maple_inner inner;
		struct maple_leaf leaf;
		struct maple_node *next; /* on a list of unused nodes */
	};
};

BUILD_BUG_ON(sizeof(struct maple_node) != MAPLE_NODE_SIZE);
BUILD_BUG_ON(offsetof(struct maple_inner, h) != offsetof(struct maple_leaf, h));

/*
 * Data that may change under a reader but is no schedule point. Where a race detector watches,
 * an explicit relaxed access; else a plain one, which lets the compiler compare with memory: an
 * aligned word is never torn, and each value read here is used once.
 */
#if defined(__SANITIZE_THREAD__)
#define PEEK(x) READ_ONCE_NOPOINT(x)
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define PEEK(x) READ_ONCE_NOPOINT(x)
#endif
#endif
#ifndef PEEK
#define PEEK(x) (x)
#endif

/* ---- tagged pointers ---- */

static inline struct maple_enode *mte_make(const void *node, enum maple_kind kind)
{
	return (struct maple_enode *)((unsigned long)node | (unsigned long)kind << 2 | 2);
}

static inline enum maple_kind mte_kind(const struct maple_enode *e)
{
	return (enum maple_kind)((unsigned long)e >> 2 & 3);
}

static inline bool mte_is_leaf(const struct maple_enode *e)
{
	return (unsigned long)e & 0xc;
}

static inline struct maple_node *mte_node(const struct maple_enode *e)
{
	return (struct maple_node *)((unsigned long)e & ~(MAPLE_NODE_ALIGN - 1UL));
}

static inline struct maple_leaf *mte_leaf(const struct maple_enode *e)
{
	return &mte_node(e)->leaf;
}

/* Subtracting the known tag is free: it becomes part of the address displacement. */
static inline struct maple_inner *mte_inner(const struct maple_enode *e)
{
	return (struct maple_inner *)((unsigned long)e - 2);
}

/* Is the root pointer a node? Entries of that form are never kept in the root. */
static inline bool mt_root_is_node(const void *root)
{
	return ((unsigned long)root & 3) == 2;
}

/* ---- inner nodes ---- */

/*
 * inner_find - the child that covers @index.
 *
 * Counts the smaller pivots without a branch, in two steps: which group of seven, then within it.
 * The seventh of a group was looked at in the first step; the last group has six.
 */
static inline unsigned int inner_find(const struct maple_inner *node, unsigned long index)
{
	const u64 *p = node->pivot;
	unsigned long i = 7 * ((unsigned long)(PEEK(p[6]) < index) + (PEEK(p[13]) < index) +
			       (PEEK(p[20]) < index));

	p += i;
	i += PEEK(p[0]) < index;
	i += PEEK(p[1]) < index;
	i += PEEK(p[2]) < index;
	i += PEEK(p[3]) < index;
	i += PEEK(p[4]) < index;
	i += PEEK(p[5]) < index;
	return i;
}

/* ---- leaves ---- */

static inline unsigned int kind_shift(enum maple_kind kind)
{
	return kind == MAPLE_PAGES ? MAPLE_PAGE_SHIFT : 0;
}

/* First unit of a word, its length less one, its last unit. */
static inline unsigned long word_start(u64 word)
{
	return word >> MAPLE_LEN_BITS;
}

static inline unsigned long word_len(u64 word)
{
	return word & MAPLE_LEN_MASK;
}

static inline unsigned long word_stop(u64 word)
{
	return word_start(word) + word_len(word);
}

static inline unsigned long word_first(u64 word, enum maple_kind kind)
{
	return word_start(word) << kind_shift(kind);
}

static inline unsigned long word_last(u64 word, enum maple_kind kind)
{
	return ((word_stop(word) + 1) << kind_shift(kind)) - 1;
}

static inline u64 word_make(unsigned long first, unsigned long last, enum maple_kind kind)
{
	unsigned int shift = kind_shift(kind);

	return first >> shift << MAPLE_LEN_BITS | (last - first) >> shift;
}

/* Can [@first, @last] be written as a word of @kind? */
static inline bool word_fits(unsigned long first, unsigned long last, enum maple_kind kind)
{
	unsigned int shift = kind_shift(kind);
	unsigned long unit = (1UL << shift) - 1;

	return ((first | (last + 1)) & unit) == 0 && first >> shift <= MAPLE_START_MAX &&
	       (last - first) >> shift <= MAPLE_LEN_MASK;
}

static inline unsigned long leaf_first(const struct maple_leaf *l, enum maple_kind kind,
				       unsigned int i)
{
	if (unlikely(kind == MAPLE_WIDE))
		return READ_ONCE_NOPOINT(l->start[i]);
	return word_first(READ_ONCE_NOPOINT(l->word[i]), kind);
}

static inline unsigned long leaf_last(const struct maple_leaf *l, enum maple_kind kind,
				      unsigned int i)
{
	if (unlikely(kind == MAPLE_WIDE))
		return READ_ONCE_NOPOINT(l->last[i]);
	return word_last(READ_ONCE_NOPOINT(l->word[i]), kind);
}

static inline void **leaf_slots(struct maple_leaf *l, enum maple_kind kind)
{
	return kind == MAPLE_WIDE ? l->wide_slot : l->slot;
}

static inline void *leaf_entry(struct maple_leaf *l, enum maple_kind kind, unsigned int i)
{
	return rcu_dereference(leaf_slots(l, kind)[i]);
}

/* First key after the leaf's own, minus one; for the writer, who knows that the leaf is alive. */
static inline unsigned long leaf_end(const struct maple_leaf *l, enum maple_kind kind)
{
	return l->h.is_last ? ~0UL : leaf_last(l, kind, l->h.n - 1);
}

static inline bool leaf_is_dead(const struct maple_enode *e)
{
	return smp_load_acquire(&mte_leaf(e)->h.dead);
}

/* How many words are smaller than @x; as inner_find, with one group more. */
static inline unsigned long leaf_count(const u64 *w, u64 x)
{
	unsigned long i = 7 * ((unsigned long)(PEEK(w[6]) < x) + (PEEK(w[13]) < x) +
			       (PEEK(w[20]) < x) + (PEEK(w[27]) < x));

	w += i;
	i += PEEK(w[0]) < x;
	i += PEEK(w[1]) < x;
	i += PEEK(w[2]) < x;
	i += PEEK(w[3]) < x;
	i += PEEK(w[4]) < x;
	i += PEEK(w[5]) < x;
	return i;
}

/*
 * A place in a leaf is one number: 2i + 1 is entry i, 2i the free range in front of it (2n: the
 * one behind all). Going to the next piece is adding one, if that free range is not empty.
 */
#define PLACE_ENTRY(i) (2 * (i) + 1)
#define PLACE_GAP(i)   (2 * (i))

static inline unsigned int wide_find(const struct maple_leaf *l, unsigned long index)
{
	unsigned int i = 0;

	while (i < l->h.n && READ_ONCE_NOPOINT(l->last[i]) < index)
		i++;
	if (i < l->h.n && READ_ONCE_NOPOINT(l->start[i]) <= index)
		return PLACE_ENTRY(i);
	return PLACE_GAP(i);
}

/*
 * leaf_find - the place in @l that holds @index.
 *
 * A reader may find a range begun later than when it was counted: then the place is further left.
 */
static inline unsigned int leaf_find(const struct maple_leaf *l, enum maple_kind kind,
				     unsigned long index)
{
	unsigned long unit, i;

	if (unlikely(kind == MAPLE_WIDE))
		return wide_find(l, index);
	unit = index >> kind_shift(kind);
	i = leaf_count(l->word, (min(unit, MAPLE_START_MAX) + 1) << MAPLE_LEN_BITS);
	for (; likely(i); i--) {
		u64 word = READ_ONCE_NOPOINT(l->word[i - 1]);

		if (unit - word_start(word) <= word_len(word))
			return PLACE_ENTRY(i - 1);
		if (likely(unit > word_start(word)))
			break;
	}
	return PLACE_GAP(i);
}

/* mt_descend - from the root node @e to the leaf that covers @index. */
static inline struct maple_enode *mt_descend(struct maple_enode *e, unsigned long index)
{
	while (!mte_is_leaf(e)) {
		struct maple_inner *node = mte_inner(e);

		e = rcu_dereference(node->slot[inner_find(node, index)]);
	}
	return e;
}

/* ---- gaps ---- */

/*
 * gap_code - a gap's length in 31 bits, rounded up, ordered like the length.
 *
 * m + (e << 25) for m * 2^e: m has at most 26 bits, so rounding up to 2^26 gives the code of
 * (2^25, e + 1), which is the same length.
 */
static inline u32 gap_code(unsigned long len)
{
	unsigned int e;

	if (len < 1UL << 26)
		return len;
	e = 38 - __builtin_clzl(len);
	return ((len - 1) >> e) + 1 + (e << 25);
}

/* In a node about to be replaced: the new node has this child too, only the parent retires. */
#define MAPLE_GAP_KEPT (~0u)

/* ---- the writer's path ---- */

/*
 * From the root to a leaf. Level 0 is the leaf; the node of level v > 0 is node[v - 1], and
 * slot[v - 1] is which of its children the path takes.
 */
struct maple_path {
	struct maple_enode *leaf;
	unsigned int levels; /* inner nodes: height - 1 */
	struct maple_inner *node[MAPLE_LEVELS];
	u8 slot[MAPLE_LEVELS];
};

static __always_inline void path_walk_inline(struct maple_path *path, const struct maple_tree *mt,
					     unsigned long index)
{
	struct maple_enode *e = mt->ma_root;
	unsigned int level = mt_height(mt) - 1;

	ASSERT(level < MAPLE_LEVELS);
	path->levels = level;
	while (level) {
		struct maple_inner *node = mte_inner(e);
		unsigned int slot = inner_find(node, index);

		level--;
		path->node[level] = node;
		path->slot[level] = slot;
		e = node->slot[slot];
	}
	path->leaf = e;
}

static inline void path_copy(struct maple_path *dst, const struct maple_path *src)
{
	dst->leaf = src->leaf;
	dst->levels = src->levels;
	for (unsigned int i = 0; i < src->levels; i++) {
		dst->node[i] = src->node[i];
		dst->slot[i] = src->slot[i];
	}
}

/* maple_path.c */
void path_walk(struct maple_path *path, const struct maple_tree *mt, unsigned long index);
bool path_has_left(const struct maple_path *path, unsigned int level);
bool path_has_right(const struct maple_path *path, unsigned int level);
void path_step_left(struct maple_path *path, unsigned int level);
void path_step_right(struct maple_path *path, unsigned int level);
unsigned long path_end(const struct maple_path *path, unsigned int level);
void path_move_end(struct maple_path *path, unsigned int level, unsigned long end);
void path_set_gap(struct maple_path *path, unsigned int level, u32 code);
u32 inner_max_gap(const struct maple_inner *node);

/* maple_leaf.c */
struct maple_range {
	unsigned long first;
	unsigned long last;
	void *entry;
};
void leaf_put(struct maple_leaf *l, enum maple_kind kind, unsigned int i,
	      const struct maple_range *range);
void leaf_copy(struct maple_leaf *dst, enum maple_kind dkind, unsigned int at,
	       struct maple_leaf *src, enum maple_kind skind, unsigned int from, unsigned int n);
void leaf_finish(struct maple_leaf *l, enum maple_kind kind, unsigned int n, unsigned long min,
		 bool is_last);
unsigned long leaf_max_gap(const struct maple_leaf *l, enum maple_kind kind);

/* maple_walk.c */
void *mas_start_walk(struct ma_state *mas);
void *mas_stand(struct ma_state *mas, struct maple_enode *e, unsigned int place);

/* maple_alloc.c */
bool mas_alloc_nodes(struct ma_state *mas, unsigned int nr, gfp_t gfp);
void mas_free_nodes(struct ma_state *mas);
struct maple_node *mas_take_node(struct ma_state *mas);
void mt_retire_node(struct maple_tree *mt, struct maple_enode *e);
void mt_retire_tree(struct maple_tree *mt, struct maple_enode *e);
void mt_free_tree(struct maple_enode *e);
void mt_set_root(struct maple_tree *mt, void *root, unsigned int height);

static inline void mas_set_err(struct ma_state *mas, int err)
{
	mas->node = MA_ERROR(err);
	mas->status = ma_error;
}

static inline bool mt_tracks_gaps(const struct maple_tree *mt)
{
	return READ_ONCE_NOPOINT(mt->ma_flags) & MT_FLAGS_ALLOC_RANGE;
}

#endif
