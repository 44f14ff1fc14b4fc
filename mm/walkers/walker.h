/*
 * walker.h - code that reaches an address space other than as its owner, as a plug-in.
 *
 * Owns: how a walker and its checks are declared, where it says that it reached an mm.
 * Not here: the walkers (one file each beside this one), who counts and judges (the lab).
 * Idea: each walker exists as it was before its fixes and after them: a fix is a named check that
 *       can be switched off. Names are WALKER and WALKER.CHECK, as in `walkers=swapoff.stable=0`.
 *
 *	WALKER(swapoff, "brings pages back before a swap device goes");
 *	WALKER_CHECK(swapoff, stable, "skip an mm whose contents may be gone");
 *
 *	walker_reached(&walker_swapoff, mm);
 *	if (walker_check_on(&walker_check_swapoff_stable) && test_bit(MMF_UNSTABLE, &mm->flags))
 */
#ifndef MM_WALKERS_WALKER_H
#define MM_WALKERS_WALKER_H

#include "kernel/core/registry.h"
#include "mm/mm.h"

struct vm_area_struct;

struct walker {
	const char *name;
	const char *what;
};

/* Switched from outside of the world, while no walker runs. */
struct walker_check {
	const char *name; /* "walker.check" */
	const char *what;
	bool on;
};

#define WALKER(who, what_)                                                                         \
	static const struct walker walker_##who = {.name = #who, .what = what_};                   \
	REGISTER(walker, &walker_##who)

#define WALKER_CHECK(who, which, what_)                                                            \
	static struct walker_check walker_check_##who##_##which __host_data = {                    \
		.name = #who "." #which,                                                           \
		.what = what_,                                                                     \
		.on = true,                                                                        \
	};                                                                                         \
	REGISTER(walker_check, &walker_check_##who##_##which)

static inline bool walker_check_on(const struct walker_check *check)
{
	return check->on;
}

/* The check called "walker.check", or NULL. */
struct walker_check *walker_check_find(const char *name);

/*
 * What a walker touched of an mm: it pinned its struct; it got the lock it wanted; a VMA, of which
 * it has read a field; an entry that it changed. Told to whoever counts visits per window. NULL:
 * nobody.
 */
enum walker_depth { WALKER_PIN, WALKER_MM, WALKER_VMA, WALKER_PTE };
extern void (*walker_reach_hook)(const struct walker *walker, struct mm_struct *mm,
				 enum walker_depth depth, const struct vm_area_struct *vma);

/* @mm: the one that is walked; @vma: what was found in it, or NULL. */
static inline void walker_reached(const struct walker *walker, struct mm_struct *mm,
				  enum walker_depth depth, const struct vm_area_struct *vma)
{
	if (unlikely(walker_reach_hook))
		walker_reach_hook(walker, mm, depth, vma);
}

#endif
