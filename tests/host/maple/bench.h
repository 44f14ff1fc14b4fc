/*
 * bench.h - what the benches of the tree share.
 *
 * Owns: the data shape, the trees under measure, the measured region.
 * Parts: bench_data.c makes ranges and trees; bench_read.c and bench_write.c are the operations.
 *        They build in the kernel too (tests/bench/maple.c). On the host bench.c runs cells and
 *        prints them, bench_pool.c is the node supply at its floor.
 * Idea: the peers' figures (peers.tsv) are the tree's own cost: nodes from a last-in-first-out
 *       pool, locks and read sections that cost nothing, deferred frees run every 64 operations
 *       inside the measured part. So are these.
 */
#ifndef TESTS_HOST_MAPLE_BENCH_H
#define TESTS_HOST_MAPLE_BENCH_H

#include <limits.h>
#include "mm/maple_tree.h"

#define MTB_PAGE    4096ul
#define MTB_BASE    0x555555554000ul
#define MTB_BIG	    16384ul /* pages of the one largest gap */
#define MTB_QUERIES 8192

struct range {
	unsigned long first, last;
	void *entry;
};

struct mtb {
	unsigned int n; /* ranges in a tree */
	bool rcu;
	unsigned int nr_trees; /* 1 for n >= 4096, else 4096 / n */
	struct maple_tree *trees;
	struct range *r;      /* n ranges, ascending */
	unsigned int *order;  /* a permutation of 0..n-1 */
	unsigned long *query; /* MTB_QUERIES keys for the read operations */
	uint64_t rng;
	unsigned int since_poll;

	bool counting;	  /* under callgrind: regions are dumped, not timed */
	const char *name; /* of the operation now measured */
	uint64_t began_ns;
	uint64_t total_ns; /* of the regions of this run */
	uint64_t ops;
};

struct mtb_op {
	const char *name;
	void (*run)(struct mtb *b);
	bool reads;	    /* leaves the trees alone: no need to build them again */
	unsigned int least; /* smallest n it means anything for */
};

extern const struct mtb_op mtb_reads[], mtb_writes[];
extern const unsigned int mtb_nr_reads, mtb_nr_writes;

/*
 * The surroundings' too: the measured region; @ops is how many operations (or entries) it did. It
 * may be entered again.
 */
void mtb_begin(struct mtb *b);
void mtb_end(struct mtb *b, uint64_t ops);

/* bench_data.c */
void mtb_make(struct mtb *b, unsigned int n, bool rcu);
void mtb_unmake(struct mtb *b);
void mtb_build(struct mtb *b, bool in_order);
void mtb_empty(struct mtb *b);
void mtb_shuffle(struct mtb *b);
unsigned long mtb_random(struct mtb *b, unsigned long below);
unsigned long mtb_data_end(const struct mtb *b);
void mtb_init_tree(const struct mtb *b, struct maple_tree *mt);

/* Surroundings: cleared room for the data, the end of a run that went wrong, a quiescent point. */
void *mtb_env_room(size_t bytes);
void mtb_env_free(void *room);
void mtb_env_fail(const char *what);
void mtb_env_drain(void);
void mtb_env_barrier(void);

/* One operation done: every 64th is a quiescent point. */
static inline void mtb_tick(struct mtb *b)
{
	if (++b->since_poll == 64) {
		b->since_poll = 0;
		mtb_env_drain();
	}
}

#endif
