/*
 * registry_table.c - one table of pointers to named objects: order and search. Pure.
 */
#include "kernel/core/registry.h"

#include <stdlib.h>
#include <string.h>

static int by_name(const void *a, const void *b)
{
	return strcmp(registry_name(*(const void *const *)a),
		      registry_name(*(const void *const *)b));
}

long registry_sort(const void **table, size_t n)
{
	qsort(table, n, sizeof(*table), by_name);
	for (size_t i = 1; i < n; i++) {
		if (!strcmp(registry_name(table[i - 1]), registry_name(table[i])))
			return (long)i - 1;
	}
	return -1;
}

const void *registry_search(const void *const *table, size_t n, const char *name)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, registry_name(table[middle]));

		if (order == 0)
			return table[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}
