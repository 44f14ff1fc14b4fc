/*
 * maple_write.h - one store in the making: the plan, what carries it out, how words are copied.
 *
 * Owns: struct maple_wr and the interface between the parts of a write.
 * Not here: nodes and searching them (maple_internal.h); each maple_*.c says which part it owns.
 * Order: maple_store.c asks maple_plan.c for a plan, gets memory, and has maple_wr.c do it; what
 *   takes more than one leaf goes to maple_rebuild.c, which deals elements out by maple_run.c and
 *   links what it built by maple_publish.c.
 */
#ifndef MM_MAPLE_WRITE_H
#define MM_MAPLE_WRITE_H

#include <string.h>
#include "mm/maple_internal.h"

/* A build with -DMAPLE_CHECK_WRITES=1 validates the whole tree after every write. */
#ifndef MAPLE_CHECK_WRITES
#define MAPLE_CHECK_WRITES 0
#endif

/*
 * copy_words - @n words of 8 bytes to another place.
 *
 * Without vector registers (the kernel) the library's memcpy stores past the caches from 256 bytes
 * on and ends with single bytes: three times as many instructions for a node. With them it is best,
 * unless the compiler knows the size: then it emits rep movsq, which is slow to start.
 */
static inline void copy_words(void *dst, const void *src, size_t n)
{
#ifdef __SSE2__
	n *= 8;
	__asm__("" : "+r"(n));
	memcpy(dst, src, n);
#else
	__asm__ volatile("rep movsq" : "+D"(dst), "+S"(src), "+c"(n) : : "memory");
#endif
}

static inline void node_copy(void *dst, const void *src)
{
	copy_words(dst, src, MAPLE_NODE_SIZE / 8);
}

/*
 * One store in the making.
 *
 * Entries [0, a) of the left leaf and [b, n) of the right one stay. Up to three pieces take the
 * place of those between: what is left of the range cut on the left, the new entry, what is left
 * on the right. They are words in units of the leaf if @packed, else ranges of keys.
 */
enum maple_write {
	WR_NOTHING, /* NULL over free keys */
	WR_ROOT,    /* the tree has no node */
	WR_ENTRY,   /* one entry for another, same range */
	WR_RANGE,   /* a longer range for one entry; its word is stored */
	WR_LEAF,    /* one leaf is replaced by one leaf */
	WR_REBUILD, /* anything else */
};

struct maple_wr {
	struct ma_state *mas;
	struct maple_enode *new_leaf; /* WR_REBUILD: where the new entry went */
	unsigned int new_place;
	void *entry; /* from here to slot[] a plan on words is put by */
	unsigned long first;
	unsigned long last;
	void *old;     /* what was at first */
	enum maple_write how;
	enum maple_kind kind;  /* WR_LEAF: of the new leaf; WR_REBUILD: of all, or MAPLE_WIDE */
	unsigned int nr_nodes; /* new nodes it takes */
	unsigned int a, b;
	unsigned int nr_mid;
	unsigned int new_at; /* among the pieces: the new entry, or where the free range begins */
	bool overlaps; /* something is stored in the range */
	bool packed;
	bool spans; /* r is another leaf than l */
	union {
		struct maple_range mid[3];
		struct {
			u64 word[3];
			void *slot[3];
		};
	};
	struct maple_path l;
	struct maple_path r; /* only if spans */
};

/* A plan put by in the first spare node, from mas_preallocate() to mas_store_prealloc(). */
struct maple_put_by {
	struct maple_node *next; /* as in maple_node */
	unsigned int writes;	 /* the tree's ma_writes when it was made */
	struct maple_wr wr;
};
BUILD_BUG_ON(sizeof(struct maple_put_by) > MAPLE_NODE_SIZE);

/* maple_plan.c */
void mas_wr_plan(struct maple_wr *wr, struct ma_state *mas, void *entry);
void mas_wr_plan_erase(struct maple_wr *wr, struct ma_state *mas);
void mas_wr_put_by(const struct maple_wr *wr);
bool mas_wr_take_up(struct maple_wr *wr, struct ma_state *mas, void *entry);

/* maple_wr.c */
void mas_wr_run(struct maple_wr *wr);
void leaf_splice(struct maple_leaf *dst, const struct maple_leaf *src, const struct maple_wr *wr);

/* maple_store.c */
int mas_insert_gfp(struct ma_state *mas, void *entry, gfp_t gfp);

/* maple_publish.c */
struct maple_child {
	struct maple_enode *node;
	unsigned long end; /* last key it covers */
	u32 gap;
};
void mt_publish_child(struct maple_tree *mt, struct maple_path *path, unsigned int level,
		      struct maple_enode *child, unsigned long end);
void mt_fix_next(struct maple_tree *mt, unsigned long key, unsigned long min);

/* maple_run.c */

/* A stretch of consecutive elements: of one node, or of the write's own. */
struct maple_item {
	struct maple_enode *node; /* NULL: the write's own */
	u8 from;
	u8 n;
	unsigned long end; /* inner node, last child included: what that child's pivot should be */
};

/* The elements of one level in the making, in order, and how many are used up. */
struct maple_run {
	struct maple_item item[5];
	unsigned int nr_items;
	unsigned int cur;  /* item[cur].from and .n say what is left of it */
	unsigned int total;
	const struct maple_range *range; /* own elements of a leaf level */
	const struct maple_child *child; /* of an inner level */
};

static inline void run_start(struct maple_run *run)
{
	run->nr_items = run->cur = run->total = 0;
}

void run_add(struct maple_run *run, struct maple_enode *node, unsigned int from, unsigned int to,
	     unsigned long end);
void run_of_leaf(struct maple_run *run, const struct maple_wr *wr);
enum maple_kind run_kind(const struct maple_run *run, unsigned int n);
void run_take_leaf(struct maple_run *run, struct maple_node *dst, enum maple_kind kind,
		   unsigned int n);
void run_take_inner(struct maple_run *run, struct maple_node *dst, unsigned int n,
		    struct maple_child *result);

/* maple_rebuild.c */
unsigned int mas_wr_rebuild(struct maple_wr *wr, bool build);

#endif
