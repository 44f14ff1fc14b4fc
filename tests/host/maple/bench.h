/*
 * bench.h - what the benches of the tree share.
 *
 * Owns: the data shape, the trees under measure, the measured region.
 * Parts: bench.c runs cells and prints them; bench_data.c makes ranges and trees; bench_pool.c is
 *        the node supply at its floor; bench_read.c and bench_write.c are the operations.
 * Idea: the peers' figures (peers.tsv) are the tree's own cost: nodes from a last-in-first-out
 *       pool, locks and read sections that cost nothing, deferred frees run every 64 operations
 *       inside the measured part. So are these.
 */
#ifndef TESTS_HOST_MAPLE_BENCH_H
#define TESTS_HOST_MAPLE_BENCH_H

#include <limits.h>
#include "mm/maple_tree.h"

#define BENCH_PAGE    4096ul
#define BENCH_BASE    0x555555554000ul
#define BENCH_BIG     16384ul /* pages of the one largest gap */
#define BENCH_QUERIES 8192

struct range {
	unsigned long first, last;
	void *entry;
};

struct bench {
	unsigned int n; /* ranges in a tree */
	bool rcu;
	unsigned int nr_trees; /* 1 for n >= 4096, else 4096 / n */
	struct maple_tree *trees;
	struct range *r;      /* n ranges, ascending */
	unsigned int *order;  /* a permutation of 0..n-1 */
	unsigned long *query; /* BENCH_QUERIES keys for the read operations */
	uint64_t rng;
	unsigned int since_poll;

	bool counting;	  /* under callgrind: regions are dumped, not timed */
	const char *name; /* of the operation now measured */
	uint64_t began_ns;
	uint64_t total_ns; /* of the regions since bench_clear() */
	uint64_t ops;
};

struct bench_op {
	const char *name;
	void (*run)(struct bench *b);
	bool reads;	    /* leaves the trees alone: no need to build them again */
	unsigned int least; /* smallest n it means anything for */
};

extern const struct bench_op bench_reads[], bench_writes[];
extern const unsigned int bench_nr_reads, bench_nr_writes;

/* The measured region; @ops is how many operations (or entries) it did. May be entered again. */
void bench_begin(struct bench *b);
void bench_end(struct bench *b, uint64_t ops);

/* bench_data.c */
void bench_make(struct bench *b, unsigned int n, bool rcu);
void bench_unmake(struct bench *b);
void bench_build(struct bench *b, bool in_order);
void bench_empty(struct bench *b);
void bench_shuffle(struct bench *b);
unsigned long bench_random(struct bench *b, unsigned long below);
unsigned long bench_data_end(const struct bench *b);
void bench_init_tree(const struct bench *b, struct maple_tree *mt);

/* bench_pool.c */
void pool_reserve(unsigned int nr);
unsigned long pool_nodes_in_use(void);
void bench_drain(void);

/* One operation done: every 64th is a quiescent point. */
static inline void bench_tick(struct bench *b)
{
	if (++b->since_poll == 64) {
		b->since_poll = 0;
		bench_drain();
	}
}

#endif
