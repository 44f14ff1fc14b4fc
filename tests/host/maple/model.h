/*
 * model.h - one tree, one oracle, three states, and a stream of random calls on all of them.
 *
 * Owns: the model's shape and the names its parts know each other by.
 * Parts: model.c runs a life and compares; model_gen.c picks keys, ranges and entries;
 *        model_read.c, model_write.c, model_tree.c hold the calls, one small function each.
 * Idea: a life is (seed, life number). It chooses shape, flags, lock kind and size from its own
 *       random stream, so that one line replays it without the lives before it.
 * Builds in the kernel and on the host; the functions named model_env_* are the surroundings'.
 */
#ifndef TESTS_HOST_MAPLE_MODEL_H
#define TESTS_HOST_MAPLE_MODEL_H

#include "tests/host/maple/oracle.h"

#define MODEL_STATES 3
#define MODEL_TRACE  24 /* calls remembered for the report of a failure */

/* How the first pieces of a life arrive. */
enum model_order { ORDER_NONE, ORDER_UP, ORDER_DOWN, ORDER_SAW, ORDER_SHUFFLED, ORDER_NR };

/* Where keys lie: @grains cells of @grain keys from @base. */
struct model_shape {
	const char *name;
	unsigned long base;
	unsigned long grain;
	unsigned long grains; /* 0: as many as the life's size asks for */
	bool wild;	      /* few cells: ranges of any length, anywhere */
};

struct model_call {
	const char *name;
	unsigned long a, b, c;
	const void *entry;
	long ret;
};

struct model {
	struct maple_tree tree[2];
	struct maple_tree *mt; /* the one under test; the other is the target of a dup */
	struct oracle o;
	struct ma_state mas[MODEL_STATES];
	struct ostate os[MODEL_STATES];
	bool stale[MODEL_STATES]; /* somebody else wrote since the state was placed */

	uint64_t seed, life, rng;
	const unsigned char *feed; /* a fuzzer's choices instead of the random stream; or NULL */
	size_t feed_left;
	struct model_shape shape;
	enum model_order order;
	unsigned int flags;
	size_t target;	       /* pieces to hover about; 0: the life chooses */
	size_t built;	       /* cells filled by the opening sequence */
	unsigned int off_grid; /* one key in so many is not a multiple of the grain; 0 never */
	unsigned int starve;   /* one write in so many meets a failing allocator; 0 never */
	unsigned long stamp;   /* makes entries unique */
	void *last_entry;

	uint64_t step;
	uint64_t writes, failures, big_steps;
	struct model_call trace[MODEL_TRACE];
	bool failed;
};

/* One life of @steps calls; false and a report when tree and oracle differ. */
bool model_life(struct model *m, struct piece *array, size_t cap, uint64_t seed, uint64_t life,
		uint64_t steps);

/* Report; the first failure ends the life. */
__printf(2, 3) void model_fail(struct model *m, const char *fmt, ...);

/* Surroundings: allocator faults, node count, end of a grace period, the report's text. */
void model_env_fail_after(long nr);  /* the allocation after @nr more fails; -1 none */
void model_env_fail_nowait(bool on); /* only what may not sleep fails */
bool model_env_fails_nowait(void);
bool model_env_fault_fired(void); /* since one of those */
bool model_env_may_warn(void);	  /* reserved values may be tried: they are warned about */
long model_env_live_nodes(void);  /* nodes handed out and not yet free */
void model_env_quiesce(void);	  /* no reader runs: deferred frees may happen */
void model_env_report(struct model *m, const char *fmt, __builtin_va_list args);

/* model_gen.c */
uint64_t model_rand(struct model *m);
unsigned long model_below(struct model *m, unsigned long n);
bool model_one_in(struct model *m, unsigned int n);
void model_choose_life(struct model *m, size_t cap);
bool model_wild(struct model *m);
bool model_opening(const struct model *m);
unsigned long model_index(struct model *m);
void model_range(struct model *m, unsigned long *first, unsigned long *last);
void *model_entry(struct model *m);
void *model_write_entry(struct model *m);

/* model_read.c, model_write.c, model_tree.c: one call each */
void model_read(struct model *m);
void model_write(struct model *m);
void model_tree_call(struct model *m);

/* model.c: shared by the parts */
gfp_t model_arm(struct model *m);
bool model_disarm(struct model *m, gfp_t gfp);
void model_lock(struct model *m);
void model_unlock(struct model *m);
int model_ready(struct model *m);
void model_place(struct model *m, int k);
void model_wrote(struct model *m, int k);
void model_check(struct model *m);
void model_check_tree(struct model *m, struct maple_tree *mt);
void model_same_state(struct model *m, int k);
void model_same_entry(struct model *m, const void *got, const void *want);
void model_same_long(struct model *m, const char *what, unsigned long got, unsigned long want);
struct model_call *model_note(struct model *m, const char *name, unsigned long a, unsigned long b);

#endif
