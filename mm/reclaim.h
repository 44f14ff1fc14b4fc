/*
 * reclaim.h - free memory that is in use: when, how hard, and by whom.
 *
 * Owns: kswapd, direct reclaim, which thread may allocate how while memory is short, figures.
 * Not here: what happens to one page (shrink.h), the watermarks (page_alloc.h).
 * Idea: below the low watermark kswapd frees until there is more than the high one, so that others
 *       rarely wait. Below the min watermark an allocation that may sleep frees something itself,
 *       and what is left is for those who are about to free memory. When nothing can be freed the
 *       allocation returns NULL.
 * Invariant: a thread that reclaims does not reclaim inside itself; its allocations may use all
 *            that is left, and fail when there is none.
 */
#ifndef MM_RECLAIM_H
#define MM_RECLAIM_H

#include "kernel/base/compiler.h"

struct thread;
struct vm_area_struct;

/* The allocator asks here from now on; no kswapd yet. With every world. */
void reclaim_world_init(void);

/* Start kswapd: 0, or -ENOMEM. With every world, once threads can be made. */
int __must_check reclaim_world_thread(void);

/*
 * reclaim_range - send the pages of [@start, @end), inside @vma, to where they are stored.
 *
 * Used or not. Pages that others map too stay unless @shared.
 * Locks:    mmap_lock in either mode
 * Context:  may sleep (I/O)
 * Returns:  frames freed
 */
unsigned long reclaim_range(struct vm_area_struct *vma, unsigned long start, unsigned long end,
			    bool shared);

/* Free about @nr frames if they can be freed. May sleep. Returns how many were. */
unsigned long reclaim_frames(unsigned long nr);

/*
 * reclaim_pause - no page is unmapped or freed by reclaim until reclaim_resume().
 *
 * For who compares tables with counters. Nests, also across threads.
 * Context:  may sleep. Until it is over the caller does not allocate, and waits for no thread that
 *           may: that one would wait for us.
 */
void reclaim_pause(void);
void reclaim_resume(void);

/* What layer 7 does when nothing can be reclaimed. */
struct oom_ops {
	/*
	 * End somebody, or wait a moment for one who is ending. True: try again; false: there is
	 * nobody whose end would help. May sleep, under any sleeping lock.
	 */
	bool (*out_of_memory)(void);
	/* Was @t's process chosen to end? Then it gets from the reserves, and does not wait. */
	bool (*is_victim)(const struct thread *t);
};
/* NULL: an allocation that finds nothing fails. With a world that has processes. */
void reclaim_set_oom(const struct oom_ops *ops);

/* Since the world began. */
struct reclaim_figures {
	long scanned;	    /* pages looked at */
	long reclaimed;	    /* frames freed */
	long written;	    /* pages stored for it */
	long kswapd_rounds; /* kswapd's passes over the lists */
	long direct_rounds; /* passes by threads that were short of memory */
};
void reclaim_figures(struct reclaim_figures *out);

#endif
