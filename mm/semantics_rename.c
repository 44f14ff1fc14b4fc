/*
 * semantics_rename.c - every rule set under another name, before anybody has looked one up.
 *
 * Owns: the copies that take the place of the registered objects, and which name became which.
 * Idea: verdicts must come from what a rule set does. Whoever knew one by its name, to judge it by
 *       that, would not know it any more. New names sort as the old ones: the table stays sorted.
 */
#include "mm/semantics.h"

#include <string.h>

#include "kernel/core/bug.h"
#include "kernel/core/format.h"

#define SEMS_MAX    64u
#define NAME_MAX    16
#define MEMBERS_MAX 256

static bool renamed __host_data;
static unsigned nr_sems __host_data;
static const char *old_name[SEMS_MAX] __host_data;
static char new_name[SEMS_MAX][NAME_MAX] __host_data;
static char new_members[SEMS_MAX][MEMBERS_MAX] __host_data;
static struct semantics copy[SEMS_MAX] __host_data;

const char *sem_renamed(const char *name)
{
	for (unsigned i = 0; renamed && i < nr_sems; i++) {
		if (!strcmp(old_name[i], name))
			return new_name[i];
	}
	return name;
}

/* "a+b+c" under the new names. */
static void rename_members(const char *from, char *to)
{
	size_t at = 0;

	while (*from) {
		size_t len = strcspn(from, "+");
		char name[64];

		BUG_ON(len >= sizeof(name));
		memcpy(name, from, len);
		name[len] = '\0';
		format(to + at, MEMBERS_MAX - at, "%s%s", at ? "+" : "", sem_renamed(name));
		at += strlen(to + at);
		from += len + (from[len] == '+');
	}
}

void sem_rename_all(void)
{
	for (const void **at = __start_reg_semantics; at < __stop_reg_semantics; at++, nr_sems++) {
		BUG_ON(nr_sems == SEMS_MAX);
		copy[nr_sems] = *(const struct semantics *)*at;
		old_name[nr_sems] = copy[nr_sems].name;
		format(new_name[nr_sems], NAME_MAX, "rule%02u", nr_sems);
		*at = &copy[nr_sems];
	}
	renamed = true;
	for (unsigned i = 0; i < nr_sems; i++) {
		struct semantics *sem = &copy[i];

		sem->name = new_name[i];
		sem->base = sem->base ? sem_renamed(sem->base) : NULL;
		sem->over = sem->over ? sem_renamed(sem->over) : NULL;
		if (!sem->members)
			continue;
		rename_members(sem->members, new_members[i]);
		sem->members = new_members[i];
	}
}
