/*
 * walker.h - code that reaches an address space other than as its owner, as a plug-in.
 *
 * Owns: how a walker and its checks are declared and run, where it says that it reached an mm.
 * Not here: the walkers (one file each beside this one), who counts and judges (the lab).
 * Idea: each walker exists as it was before its fixes and after them: a fix is a named check that
 *       can be switched off. Names are WALKER and WALKER.CHECK, as in `walkers=numa.empty=0`.
 *       A walker either finds its way by itself (walk), or is led to one mm after the other and
 *       told to walk it (walk_mm).
 *
 *	static int walk_mm(struct mm_struct *mm, struct walk *w);
 *
 *	WALKER(numa, "takes access away, to see who uses what", .walk_mm = walk_mm);
 *	WALKER_CHECK(numa, empty, "an mm may have no VMA at all");
 *
 *	walker_reached(&walker_numa, mm, WALKER_MM, NULL);
 *	if (!vma && walker_check_on(&walker_check_numa_empty))
 */
#ifndef MM_WALKERS_WALKER_H
#define MM_WALKERS_WALKER_H

#include "kernel/core/registry.h"
#include "mm/mm.h"

struct vm_area_struct;

struct block_device;
struct file;

/* What a walker cannot do without, and where its steps are to be looked for. */
#define WALK_SWAP	0x01u /* a swap device in use: walk.swap */
#define WALK_FILE	0x02u /* a file and an offset in it */
#define WALK_SWAP_SPACE 0x04u /* free swap slots */
#define WALK_OWNER	0x08u /* it is a thread of walk.mm, not a stranger */
#define WALK_NO_LOCK	0x10u /* it takes no mmap_lock: it is inside where it meets a VMA */

/* One walk: what it is about. Each walker takes what it needs of it. */
struct walk {
	struct mm_struct *mm; /* the only one, which the caller holds; NULL: all that are listed */
	struct block_device *swap;
	struct file *file;
	u64 offset;	    /* in the file */
	unsigned long addr; /* of a user page; then nr - 1 more, every @step bytes. For a
			       * probe in one mm: where @offset is mapped */
	unsigned long step;
	unsigned long nr;
	unsigned long budget; /* entries to change at most; 0: the walker's own limit */
	u64 after;	      /* it is led to mms of later generations only */
	unsigned long linger; /* times it lets others run while it holds an mm */
	u64 hold_ns;	      /* then it sleeps as long, and holds it still */
	bool stay;	      /* what it changed remains: a probe is not taken out */
	u64 sum;	      /* of what it read: so that it was read */
};

struct walker {
	const char *name;
	const char *what;
	unsigned flags; /* WALK_ */
	/* All of it. Units of work done, or -errno; NULL: led to each mm by walker_run(). */
	long (*walk)(struct walk *w);
	/* The walk of @mm, which is held. Units of work done, or -errno. */
	long (*walk_mm)(struct mm_struct *mm, struct walk *w);
	/* How it holds an mm; NULL: as mm_walk_get() and mm_walk_put() do. */
	bool (*get)(struct mm_struct *mm);
	void (*put)(struct mm_struct *mm);
};

/* Switched from outside of the world, while no walker runs. */
struct walker_check {
	const char *name; /* "walker.check" */
	const char *what;
	bool is_form; /* another way to do it, which no release had before another */
	bool on;
};

#define WALKER(who, what_, ...)                                                                 \
	static const struct walker walker_##who = {.name = #who, .what = what_, ##__VA_ARGS__}; \
	REGISTER(walker, &walker_##who)

#define WALKER_SWITCH(who, which, what_, form)                                  \
	static struct walker_check walker_check_##who##_##which __host_data = { \
		.name = #who "." #which,                                        \
		.what = what_,                                                  \
		.is_form = form,                                                \
		.on = true,                                                     \
	};                                                                      \
	REGISTER(walker_check, &walker_check_##who##_##which)

#define WALKER_CHECK(who, which, what_) WALKER_SWITCH(who, which, what_, false)
#define WALKER_FORM(who, which, what_)	WALKER_SWITCH(who, which, what_, true)

static inline bool walker_check_on(const struct walker_check *check)
{
	return check->on;
}

/* Two whose steps are made, and told, by code that others use as well. */
extern const struct walker walker_rmap_unmap; /* mm/try_to_unmap.c */
extern const struct walker walker_rmap_clean; /* mm/filemap_write.c */

/* The check called "walker.check", or NULL. */
struct walker_check *walker_check_find(const char *name);
/* The walker called @name, or NULL. */
const struct walker *walker_find(const char *name);
/* Is @check one of @walker's? */
bool walker_owns_check(const struct walker *walker, const struct walker_check *check);

/*
 * walker_run - @walker walks as @w says.
 *
 * One that is led is led to w->mm, or else to every mm that is listed: every one there is, but for
 * the copies whose rules keep them private until they are complete. (Linux listed a child for KSM
 * and khugepaged before it was copied until 2024-10; MGLRU lists it when it is complete.)
 * Context:  may sleep; no lock of an mm held
 * Returns:  units of work done, or the first -errno, which ends it
 */
long walker_run(const struct walker *walker, struct walk *w);

/*
 * What a walker touched of an mm: it pinned its struct; it got the lock it wanted; a VMA, of which
 * it has read a field; an entry that it changed. Or it holds the mm and does nothing with it;
 * without an mm, it waits for what others hold. Told to whoever counts visits per window. NULL:
 * nobody.
 */
enum walker_depth { WALKER_PIN, WALKER_MM, WALKER_VMA, WALKER_PTE, WALKER_WAIT, WALKER_DEPTHS };
extern void (*walker_reach_hook)(const struct walker *walker, struct mm_struct *mm,
				 enum walker_depth depth, const struct vm_area_struct *vma);

/* It has done what it wanted with @mm, and holds it as long as @w says. No lock held; may sleep. */
void walker_linger(const struct walker *walker, struct mm_struct *mm, const struct walk *w);

/* @mm: the one that is walked, or NULL; @vma: what was found in it, or NULL. */
static inline void walker_reached(const struct walker *walker, struct mm_struct *mm,
				  enum walker_depth depth, const struct vm_area_struct *vma)
{
	if (unlikely(walker_reach_hook))
		walker_reach_hook(walker, mm, depth, vma);
}

#endif
