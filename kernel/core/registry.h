/*
 * registry.h - things that register themselves: tests, commands, sites, counters, plug-ins.
 *
 * Owns: the macro that leaves a pointer in a linker section, the tables, their order, lookup.
 * Idea: every registered object begins with `const char *name`. The linker gathers pointers by
 *       kind; at start each table is sorted by name (source order is not kept by compilers) and
 *       checked for duplicates.
 * A new kind is one line in registry_kinds.h; a new object of a kind is nothing but its definition.
 */
#ifndef KERNEL_CORE_REGISTRY_H
#define KERNEL_CORE_REGISTRY_H

#include "kernel/base/compiler.h"
#include "kernel/core/registry_kinds.h"

#define REGISTRY_DECLARE(kind) extern const void *__start_reg_##kind[], *__stop_reg_##kind[];
REGISTRY_KINDS(REGISTRY_DECLARE)
#undef REGISTRY_DECLARE

/*
 * At file scope; @object points to a struct whose first member is its name, unique within the kind.
 */
#define REGISTER(kind, object)                                                                     \
	static const void *CONCAT(CONCAT(reg_##kind##_, __COUNTER__), _ptr) __used                 \
		__section("reg." #kind) = (object)

/* Runs the body with @pos = each object of @kind, sorted by name. After registry_init(). */
#define for_each_registered(kind, pos)                                                             \
	for (const void **reg_##kind##_at_ = __start_reg_##kind;                                   \
	     reg_##kind##_at_ < __stop_reg_##kind && ((pos) = (void *)*reg_##kind##_at_, 1);       \
	     reg_##kind##_at_++)

#define registered_count(kind) ((size_t)(__stop_reg_##kind - __start_reg_##kind))

/* The object of @kind called @name, or NULL. After registry_init(). */
#define registry_find(kind, name)                                                                  \
	((void *)registry_search(__start_reg_##kind, registered_count(kind), name))

const void *registry_search(const void *const *table, size_t n, const char *name);

/* Sorts @table; returns the index of an entry whose name equals its successor's, or -1. Pure. */
long registry_sort(const void **table, size_t n);

/* The name of a registered object. */
static inline const char *registry_name(const void *object)
{
	return *(const char *const *)object;
}

/*
 * Sorts every table; panics, naming kind, name and both objects, when a name occurs twice. Boot,
 * tables writable.
 */
void registry_init(void);

#endif
