/*
 * test_radix.c - the radix against an array, with memory that counts and fails.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/core/fault.h"
#include "kernel/core/random.h"
#include "mm/radix.h"
#include "mm/slab.h"
#include "tests/host/htest.h"

long host_fault_countdown = -1;
struct static_key checks_key, lock_slow_key, points_key, faults_key;
unsigned nr_vcpus = 1, host_cpu;
static long nr_nodes, fail_after = -1;

void host_bug(const char *file, int line, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fprintf(stderr, "%s:%d: ", file, line);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	abort();
}

void *kmem_cache_zalloc(struct kmem_cache *cache, gfp_t gfp)
{
	if (fail_after == 0)
		return NULL;
	if (fail_after > 0)
		fail_after--;
	nr_nodes++;
	return calloc(1, cache->size);
}

void kmem_cache_free(struct kmem_cache *cache, void *obj)
{
	nr_nodes--;
	free(obj);
}

/* An entry that says where it belongs. */
static void *entry_of(unsigned long index)
{
	return (void *)(index << 1 | 1);
}

/* Store at @index: 0, or -ENOMEM. */
static int put(struct radix *r, unsigned long index)
{
	struct radix_pool pool = {0};
	unsigned missing = radix_missing(r, index);
	int err = radix_pool_fill(&pool, missing, 0);

	if (!err) {
		radix_store(r, index, entry_of(index), &pool);
		h_expect_eq(pool.nr, 0);
	}
	radix_pool_drain(&pool);
	return err;
}

HTEST(one_entry_at_any_height)
{
	for (unsigned bit = 0; bit < 64; bit++) {
		unsigned long index = 1ul << bit, at = 0;
		struct radix r = {0};

		h_expect_eq(radix_missing(&r, index), bit / RADIX_SHIFT + 1);
		h_expect_eq(put(&r, index), 0);
		h_expect(radix_load(&r, index) == entry_of(index));
		h_expect(!radix_load(&r, index - 1));
		h_expect(!radix_load(&r, ~index));
		h_expect_eq(radix_check(&r), 1);
		h_expect(radix_next(&r, &at) == entry_of(index));
		h_expect_eq(at, index);
		at = index + 1;
		h_expect(!radix_next(&r, &at));
		h_expect(radix_erase(&r, index) == entry_of(index));
		h_expect(!radix_erase(&r, index));
		h_expect(radix_empty(&r));
		h_expect_eq(nr_nodes, 0);
	}
}

HTEST(the_last_index_of_all)
{
	struct radix r = {0};
	unsigned long at = 0;

	h_expect_eq(put(&r, 0), 0);
	h_expect_eq(put(&r, ~0ul), 0);
	h_expect_eq(radix_check(&r), 2);
	h_expect(radix_next(&r, &at) == entry_of(0));
	at = 1;
	h_expect(radix_next(&r, &at) == entry_of(~0ul));
	h_expect_eq(at, ~0ul);
	h_expect(radix_erase(&r, ~0ul) == entry_of(~0ul));
	h_expect(radix_erase(&r, 0) == entry_of(0));
	h_expect_eq(nr_nodes, 0);
}

#define NR_INDEXES 600

/* Indexes near the borders of nodes and of levels, in ascending order. */
static unsigned long index_of(unsigned i)
{
	static const unsigned long base[] = {0, 4096 - 100, 262144 - 50, 1ul << 30};

	return base[i / 150] + i % 150;
}

HTEST(random_stores_and_erases_with_failing_memory)
{
	bool model[NR_INDEXES] = {false};
	struct radix r = {0};
	struct rng rng;
	long held = 0;

	rng_init(&rng, htest_seed());
	for (unsigned n = 0; n < 200000; n++) {
		unsigned i = rng_below(&rng, NR_INDEXES);
		unsigned long index = index_of(i), at = index;
		long nodes = nr_nodes;

		h_expect((radix_load(&r, index) != NULL) == model[i]);
		if (model[i]) {
			h_expect(radix_erase(&r, index) == entry_of(index));
			model[i] = false;
			held--;
		} else {
			fail_after = rng_below(&rng, 4) ? -1 : (long)rng_below(&rng, 4);
			if (put(&r, index) == 0) {
				model[i] = true;
				held++;
			} else {
				h_expect_eq(nr_nodes, nodes);
			}
			fail_after = -1;
		}
		/* The next one from here. */
		while (i < NR_INDEXES && !model[i])
			i++;
		h_expect(radix_next(&r, &at) ==
			 (i < NR_INDEXES ? entry_of(index_of(i)) : NULL));
		if (i < NR_INDEXES)
			h_expect_eq(at, index_of(i));
		if (n % 100 == 0)
			h_expect_eq(radix_check(&r), held);
	}
	for (unsigned i = 0; i < NR_INDEXES; i++)
		h_expect((radix_erase(&r, index_of(i)) != NULL) == model[i]);
	h_expect(radix_empty(&r));
	h_expect_eq(nr_nodes, 0);
}
