/*
 * semantics.c - finding rule sets by name, and making one table of hooks of a choice.
 *
 * Owns: parsing, the sets of this world, the current one.
 * Idea: a table of hooks is an array of words. Sources are laid over each other, the strongest
 *       first: what was chosen, its bases, the axes' defaults, what all share.
 */
#include "mm/semantics.h"

#include <errno.h>
#include <string.h>
#include "kernel/core/bug.h"
#include "kernel/core/format.h"
#include "kernel/core/once.h"
#include "kernel/core/spinlock.h"

#define SETS_MAX 64u

const char *const sem_axis_name[SEM_AXES + 1] = {
	[SEM_FORK] = "fork",   [SEM_GATE] = "gate",	      [SEM_WALKREF] = "walkref",
	[SEM_EXIT] = "exit",   [SEM_ORDER] = "order",	      [SEM_DELAY] = "delay",
	[SEM_SHELL] = "shell", [SEM_MRELEASE] = "mrelease", [SEM_THAW] = "thaw",
	[SEM_PRESET] = "preset",
};

/* What an axis is when nothing is said of it; NULL: it has no plug-in then. */
static const char *const axis_default[SEM_AXES] = {
	[SEM_FORK] = "full_teardown_both_locks",
	[SEM_EXIT] = "exit_read_then_write",
	[SEM_ORDER] = "reap_chunked_yield",
	[SEM_DELAY] = "reap_delay_2s",
	[SEM_THAW] = "thaw_process",
};

static const struct sem_hooks shared_hooks = {
	.build_tree = dup_tree_clone,
	.skip_vma = dup_tree_skip,
	.store_vma = dup_tree_store,
	.unlock = dup_unlock_child_first,
	.sem_scope = SCOPE_TEARDOWN,
	.kill_test = KILL_LOOP,
	.walk_ref = WALK_USERS,
	.exit_lock = EXIT_READ_THEN_WRITE,
	.exit_skip = SKIP_ZAPPED,
	.reap_lock = REAP_HOLD,
	.mrelease = MRELEASE_DYING,
};

static DEFINE_SPINLOCK(sem_lock, LC_LEAF);
static struct sem_set sets[SETS_MAX]; /* sem_lock to add; then immutable */
static unsigned nr_sets;	      /* sem_lock */
static const struct sem_set *current_set;

static const struct semantics *find(const char *name)
{
	return registry_find(semantics, name);
}

/* ---- hooks of a choice ---- */

/* Words of @over where @hooks says nothing. */
static void lay_under(struct sem_hooks *hooks, const struct sem_hooks *under)
{
	u64 *to = (u64 *)hooks;
	const u64 *from = (const u64 *)under;

	for (size_t i = 0; i < sizeof(*hooks) / sizeof(*to); i++) {
		if (!to[i])
			to[i] = from[i];
	}
}
_Static_assert(sizeof(struct sem_hooks) % sizeof(u64) == 0, "hooks are words");

static void lay_chain_under(struct sem_hooks *hooks, const struct semantics *sem)
{
	while (sem) {
		const char *base = sem->base;

		lay_under(hooks, &sem->hooks);
		sem = base ? find(base) : NULL;
		ASSERT(!base || sem);
	}
}

static const struct semantics *default_of(enum sem_axis axis)
{
	const char *name = axis_default[axis];

	return name ? find(sem_renamed(name)) : NULL;
}

/*
 * The fork axis is the last: a gate, a walker's reference or an exit that was asked for by name
 * wins over what a failed copy would like of them.
 */
static void hooks_of(const struct sem_choice *choice, struct sem_set *set)
{
	struct sem_hooks hooks = {0};

	for (unsigned axis = SEM_FORK + 1; axis < SEM_AXES; axis++)
		lay_chain_under(&hooks, choice->chosen[axis]);
	lay_chain_under(&hooks, choice->chosen[SEM_FORK]);
	for (unsigned axis = 0; axis < SEM_AXES; axis++) {
		set->chosen[axis] = choice->chosen[axis] ? choice->chosen[axis] : default_of(axis);
		if (!choice->chosen[axis])
			lay_chain_under(&hooks, set->chosen[axis]);
	}
	lay_under(&hooks, &shared_hooks);
	set->hooks = hooks;
}

/* ---- sets ---- */

static const struct sem_set *set_find(const struct sem_set *like)
{
	for (unsigned i = 0; i < nr_sets; i++) {
		if (!memcmp(sets[i].chosen, like->chosen, sizeof(like->chosen)))
			return &sets[i];
	}
	return NULL;
}

/* A semantics that stands over another when none is named for the axis fork. */
static void add_over(struct sem_choice *choice)
{
	for (unsigned axis = 0; axis < SEM_AXES && !choice->chosen[SEM_FORK]; axis++) {
		const struct semantics *sem = choice->chosen[axis];

		if (sem && sem->over)
			choice->chosen[SEM_FORK] = find(sem->over);
	}
}

const struct sem_set *sem_set_of(const struct sem_choice *choice)
{
	struct sem_choice full = *choice;
	const struct sem_set *set;
	struct sem_set fresh;

	add_over(&full);
	hooks_of(&full, &fresh);
	spin_lock(&sem_lock);
	set = set_find(&fresh);
	if (!set && nr_sets < SETS_MAX) {
		sets[nr_sets] = fresh;
		set = &sets[nr_sets++];
	}
	spin_unlock(&sem_lock);
	return set;
}

const struct sem_set *sem_current(void)
{
	return READ_ONCE_NOPOINT(current_set);
}

void sem_install(const struct sem_set *set)
{
	WRITE_ONCE_NOPOINT(current_set, set ? set : &sets[0]);
}

void sem_world_init(void)
{
	const struct sem_choice none = {0};

	nr_sets = 0;
	current_set = sem_set_of(&none);
}

void sem_set_name(const struct sem_set *set, char *text, size_t len)
{
	size_t at = 0;

	text[0] = '\0';
	for (unsigned axis = 0; axis < SEM_AXES; axis++) {
		if (!set->chosen[axis])
			continue;
		format(text + at, len - at, "%s%s", at ? "+" : "", set->chosen[axis]->name);
		at += strlen(text + at);
	}
}

/* ---- parsing ---- */

/* One name into @out. @named: what was named so far by the user; a preset's members give way. */
static int add_name(const char *name, struct sem_choice *out, bool from_preset, char *why,
		    size_t len)
{
	const struct semantics *sem = find(name);

	if (!sem || (from_preset && sem->axis == SEM_PRESET)) {
		format(why, len, "\"%s\" is no semantics: `semantics` lists them", name);
		return -EINVAL;
	}
	if (sem->axis == SEM_PRESET)
		return 0;
	if (out->chosen[sem->axis]) {
		if (from_preset)
			return 0;
		format(why, len, "\"%s\" and \"%s\" are both of the axis %s",
		       out->chosen[sem->axis]->name, name, sem_axis_name[sem->axis]);
		return -EINVAL;
	}
	out->chosen[sem->axis] = sem;
	return 0;
}

/* Each of the names of @text, cut apart at '+', to add_name(). */
static int add_names(const char *text, struct sem_choice *out, bool from_preset, char *why,
		     size_t len)
{
	const char *at = text;
	char name[64];
	bool more;
	int err;

	do {
		size_t n = strcspn(at, "+");

		if (n == 0 || n >= sizeof(name)) {
			format(why, len, "\"%s\": accepted is NAME+NAME...", text);
			return -EINVAL;
		}
		memcpy(name, at, n);
		name[n] = '\0';
		err = add_name(name, out, from_preset, why, len);
		more = at[n] == '+';
		at += n + more;
	} while (!err && more);
	return err;
}

/* The one preset among the names of @text, or NULL; *@err: two of them. */
static const struct semantics *find_preset(const char *text, int *err, char *why, size_t len)
{
	const struct semantics *sem, *found = NULL;

	for_each_registered(semantics, sem) {
		size_t n = strlen(sem->name);
		const char *at = sem->axis == SEM_PRESET ? strstr(text, sem->name) : NULL;

		if (!at || (at != text && at[-1] != '+') || (at[n] && at[n] != '+'))
			continue;
		if (found) {
			format(why, len, "\"%s\" and \"%s\" are both presets", found->name,
			       sem->name);
			*err = -EINVAL;
		}
		found = sem;
	}
	return found;
}

int sem_parse(const char *text, struct sem_choice *out, char *why, size_t len)
{
	const struct semantics *preset;
	struct sem_choice choice = {0};
	int err = 0;

	preset = find_preset(text, &err, why, len);
	if (!err)
		err = add_names(text, &choice, false, why, len);
	if (!err && preset)
		err = add_names(preset->members, &choice, true, why, len);
	choice.preset = preset;
	if (!err)
		*out = choice;
	return err;
}
