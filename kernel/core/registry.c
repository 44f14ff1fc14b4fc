/*
 * registry.c - putting every kind's table in order at start.
 */
#include "kernel/core/registry.h"

#include "kernel/core/panic.h"

static void sort_kind(const char *kind, const void **table, size_t n)
{
	long twice = registry_sort(table, n);

	if (twice >= 0)
		panic("%s %s is registered twice, at %p and %p", kind, registry_name(table[twice]),
		      table[twice], table[twice + 1]);
}

void registry_init(void)
{
#define X(kind) sort_kind(#kind, __start_reg_##kind, registered_count(kind));
	REGISTRY_KINDS(X)
#undef X
}
