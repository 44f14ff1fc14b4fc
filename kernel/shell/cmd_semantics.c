/*
 * cmd_semantics.c - `semantics`: rule sets for failed forks and exits, and which of them rule.
 */
#include "kernel/shell/out.h"
#include "kernel/shell/shell.h"
#include "mm/semantics.h"

static void show_axis(enum sem_axis axis)
{
	const struct semantics *sem;

	for_each_registered(semantics, sem) {
		bool chosen = axis < SEM_AXES && sem_current()->chosen[axis] == sem;

		if (sem->axis != axis)
			continue;
		out("  %-8s %c %-26s %s\n", sem_axis_name[axis], chosen ? '*' : ' ', sem->name,
		    sem->what);
		if (sem->base)
			out("  %-8s   %-26s   over %s\n", "", "", sem->base);
		if (sem->members)
			out("  %-8s   %-26s   %s\n", "", "", sem->members);
	}
}

static int choose(const char *text)
{
	static char why[256];
	struct sem_choice choice;
	const struct sem_set *set;

	if (sem_parse(text, &choice, why, sizeof(why)))
		return shell_error("semantics", "%s", why);
	set = sem_set_of(&choice);
	if (!set)
		return shell_error("semantics", "too many different choices since the start");
	sem_install(set);
	return SHELL_OK;
}

static int cmd_semantics(int argc, char **argv)
{
	char name[256];

	if (argc > 2)
		return shell_error("semantics", "\"%s\": accepted is NAME+NAME... in one word",
				   argv[2]);
	if (argc == 2 && choose(argv[1]))
		return SHELL_FAIL;
	for (unsigned axis = 0; axis <= SEM_PRESET && argc == 1; axis++)
		show_axis(axis);
	sem_set_name(sem_current(), name, sizeof(name));
	out("address spaces are made under %s\n", name);
	return SHELL_OK;
}

static const char *semantics_names(unsigned i)
{
	const struct semantics *sem;

	for_each_registered(semantics, sem) {
		if (i-- == 0)
			return sem->name;
	}
	return NULL;
}

SHELL_CMD_WORDS(semantics,
		"semantics [NAME+NAME...]: rules for failed forks and exits; choose some\n"
		"  At most one per axis; an axis that is not named gets its default. Address\n"
		"  spaces that live already keep the rules they were made under.",
		cmd_semantics, semantics_names);
