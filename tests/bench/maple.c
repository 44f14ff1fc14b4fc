/*
 * maple.c - what the maple tree costs in the kernel: slab nodes, real RCU, the kernel's flags.
 *
 * The operations and the data are those of the host's benches (tests/host/maple/bench.h), which are
 * held against Linux's tree; here the figures take part in the kernel's own clocks and records. Per
 * operation, or per entry where one pass does all entries; trees have the RCU flag on.
 */
#include "tests/host/maple/bench.h"

#include <string.h>
#include "tests/bench.h"

#define ENTRIES BENCH_CASES("entries", 16, 256, 4096)

static char room[400 << 10];
static size_t used;
static struct bench *running;
static const char *wrong;

/* Room is taken anew for every run of a body and never given back within one. */
void *mtb_env_room(size_t bytes)
{
	void *at = &room[used];

	used += ALIGN_UP(bytes, 64);
	if (used > sizeof(room)) {
		mtb_env_fail("not enough room for the data");
		used = sizeof(room) - bytes;
		at = room;
	}
	memset(at, 0, bytes);
	return at;
}

void mtb_env_free(void *at)
{
}

/* The body goes on, since it has trees to give back; the bench fails at its end. */
void mtb_env_fail(const char *what)
{
	wrong = what;
}

/* Here callbacks run by themselves. */
void mtb_env_drain(void)
{
}

void mtb_env_barrier(void)
{
	rcu_barrier();
}

void mtb_begin(struct mtb *b)
{
	bench_start(running);
}

void mtb_end(struct mtb *b, uint64_t ops)
{
	bench_stop(running, ops);
}

static const struct mtb_op *find_op(const char *name)
{
	for (unsigned i = 0; i < mtb_nr_reads; i++)
		if (!strcmp(mtb_reads[i].name, name))
			return &mtb_reads[i];
	for (unsigned i = 0; i < mtb_nr_writes; i++)
		if (!strcmp(mtb_writes[i].name, name))
			return &mtb_writes[i];
	return NULL;
}

static void measure(struct bench *b, const char *name)
{
	const struct mtb_op *op = find_op(name);
	struct mtb m = {.name = name};

	running = b;
	used = 0;
	wrong = NULL;
	if (bench_x(b) < op->least) {
		bench_skip(b, "needs %u entries", op->least);
		return;
	}
	mtb_make(&m, bench_x(b), true);
	mtb_shuffle(&m);
	mtb_build(&m, false);
	mtb_env_barrier();
	op->run(&m);
	mtb_unmake(&m);
	if (wrong)
		bench_fail(b, "wrong: %s", wrong);
}

#define MAPLE_BENCH(op, per)            \
	BENCH(maple_##op, per, ENTRIES) \
	{                               \
		measure(b, #op);        \
	}

MAPLE_BENCH(mtree_load, "call")
MAPLE_BENCH(mtree_load_dependent, "call")
MAPLE_BENCH(mas_walk, "call")
MAPLE_BENCH(mt_find, "call")
MAPLE_BENCH(for_each, "entry")
MAPLE_BENCH(prev_each, "entry")
MAPLE_BENCH(empty_area_from_random, "call")
MAPLE_BENCH(empty_area_rev_from_random, "call")
MAPLE_BENCH(empty_area_one_big_gap, "call")
MAPLE_BENCH(empty_area_rev_one_big_gap, "call")
MAPLE_BENCH(store_exact, "call")
MAPLE_BENCH(store_split3, "call")
MAPLE_BENCH(store_merge3, "call")
MAPLE_BENCH(store_insert, "call")
MAPLE_BENCH(mas_erase, "call")
MAPLE_BENCH(prealloc_grow, "call")
MAPLE_BENCH(prealloc_shrink, "call")
MAPLE_BENCH(prealloc_destroy, "call")

/* Spans of 32 entries: not in trees of 16. */
BENCH(maple_store_null_span32, "store", BENCH_CASES("entries", 256, 4096))
{
	measure(b, "store_null_span32");
}

MAPLE_BENCH(build_seq, "entry")
MAPLE_BENCH(build_rand, "entry")
MAPLE_BENCH(mt_dup, "entry")
MAPLE_BENCH(dup_replace_each, "entry")
MAPLE_BENCH(destroy, "entry")
