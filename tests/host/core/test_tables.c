/*
 * test_tables.c - registries' order, duplicates and search; the random generator's promises.
 */
#include "tests/host/htest.h"

#include <stdio.h>
#include "kernel/core/random.h"
#include "kernel/core/registry.h"

struct named {
	const char *name;
	int value;
};

#define NR 50

HTEST(registry_sorts_and_finds)
{
	static struct named objects[NR];
	static char names[NR][8];
	const void *table[NR];
	struct rng rng;

	rng_init(&rng, htest_seed());
	for (int i = 0; i < NR; i++) {
		snprintf(names[i], sizeof(names[i]), "n%d", i * 7);
		objects[i] = (struct named){ names[i], i };
		table[i] = &objects[i];
	}
	for (int i = NR - 1; i > 0; i--) {
		int j = rng_below(&rng, i + 1);
		const void *t = table[i];

		table[i] = table[j];
		table[j] = t;
	}
	h_expect_eq(registry_sort(table, NR), (uint64_t)-1);
	for (int i = 1; i < NR; i++)
		h_expect(strcmp(registry_name(table[i - 1]), registry_name(table[i])) < 0);
	for (int i = 0; i < NR; i++)
		h_expect(registry_search(table, NR, names[i]) == &objects[i]);
	h_expect(registry_search(table, NR, "n1") == NULL);
	h_expect(registry_search(table, NR, "") == NULL);
	h_expect(registry_search(table, NR, "z") == NULL);
	h_expect(registry_search(table, 0, "n0") == NULL);
}

HTEST(registry_names_a_duplicate)
{
	struct named a = { "a", 1 }, b = { "b", 2 }, b2 = { "b", 3 }, c = { "c", 4 };
	const void *table[] = { &b2, &c, &a, &b };
	long at = registry_sort(table, 4);

	h_assert_eq(at, 1);
	h_expect_str(registry_name(table[at]), "b");
	h_expect_str(registry_name(table[at + 1]), "b");
	h_expect(table[at] != table[at + 1]);
}

HTEST(random_is_repeatable_and_even)
{
	struct rng a, b;
	unsigned count[10] = { 0 };
	unsigned yes = 0;

	rng_init(&a, 1);
	rng_init(&b, 1);
	for (int i = 0; i < 1000; i++)
		h_assert_eq(rng_next(&a), rng_next(&b));
	rng_init(&b, 2);
	h_expect(rng_next(&a) != rng_next(&b));
	for (int i = 0; i < 100000; i++) {
		count[rng_below(&a, 10)]++;
		yes += rng_chance(&a, 25);
	}
	for (int i = 0; i < 10; i++)
		h_expect(count[i] > 9500 && count[i] < 10500);
	h_expect(yes > 24000 && yes < 26000);
	for (int i = 0; i < 1000; i++) {
		u64 x = rng_range(&a, 5, 7);

		h_assert(x >= 5 && x <= 7);
	}
	h_expect_eq(rng_below(&a, 1), 0);
}
