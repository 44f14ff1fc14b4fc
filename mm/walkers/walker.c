/*
 * walker.c - finding walkers and checks by name, leading a walker from mm to mm.
 *
 * Owns: the way through the list of all mms, the hook of who counts.
 * Idea: mms are listed in order of their generations, and new ones come last. So who remembers the
 *       generation it has seen goes on behind it, whatever has left the list meanwhile.
 */
#include "mm/walkers/walker.h"

#include <string.h>
#include "kernel/sched/thread.h"
#include "mm/mm_walk.h"

void (*walker_reach_hook)(const struct walker *walker, struct mm_struct *mm,
			  enum walker_depth depth, const struct vm_area_struct *vma) __host_data;

struct walker_check *walker_check_find(const char *name)
{
	return registry_find(walker_check, name);
}

const struct walker *walker_find(const char *name)
{
	return registry_find(walker, name);
}

bool walker_owns_check(const struct walker *walker, const struct walker_check *check)
{
	size_t len = strlen(walker->name);

	return !strncmp(check->name, walker->name, len) && check->name[len] == '.';
}

void walker_linger(const struct walker *walker, struct mm_struct *mm, const struct walk *w)
{
	for (unsigned long i = 0; i < w->linger; i++) {
		walker_reached(walker, mm, WALKER_WAIT, NULL);
		yield();
	}
	if (w->hold_ns) {
		sleep_ns(w->hold_ns);
		walker_reached(walker, mm, WALKER_WAIT, NULL);
	}
}

/* ---- from mm to mm ---- */

static bool get(const struct walker *walker, struct mm_struct *mm)
{
	return walker->get ? walker->get(mm) : mm_walk_get(mm);
}

static void put(const struct walker *walker, struct mm_struct *mm)
{
	if (walker->put)
		walker->put(mm);
	else
		mm_walk_put(mm);
}

struct search {
	const struct walker *walker;
	u64 seen; /* generations up to this one have had their turn */
	struct mm_struct *found;
};

/* Under the list's lock: what is on the list exists. True: look at the next. */
static bool look(struct mm_struct *mm, void *arg)
{
	struct search *search = arg;

	if (mm->id <= search->seen || test_bit(MMF_UNPUBLISHED, &mm->flags) ||
	    !get(search->walker, mm))
		return true;
	search->found = mm;
	return false;
}

/* The mm behind those seen that may be entered, held; or NULL. */
static struct mm_struct *next_mm(struct search *search)
{
	search->found = NULL;
	mm_for_each(look, search);
	if (search->found)
		search->seen = search->found->id;
	return search->found;
}

static long walk_held(const struct walker *walker, struct mm_struct *mm, struct walk *w)
{
	walker_reached(walker, mm, WALKER_PIN, NULL);
	return walker->walk_mm(mm, w);
}

long walker_run(const struct walker *walker, struct walk *w)
{
	struct search search = {.walker = walker, .seen = w->after};
	struct mm_struct *mm;
	long all = 0;

	if (walker->walk)
		return walker->walk(w);
	if (w->mm)
		return walk_held(walker, w->mm, w);
	while ((mm = next_mm(&search)) != NULL) {
		long nr = walk_held(walker, mm, w);

		/* May be the last: then all of it is torn down here. */
		put(walker, mm);
		if (nr < 0)
			return nr;
		all += nr;
	}
	return all;
}
