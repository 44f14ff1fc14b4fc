/*
 * world.h - memory of one world: everything of layers 4 to 6, made at once.
 *
 * Used by kernel/main.c for the interactive system and by the lab for each of its worlds.
 */
#ifndef MM_WORLD_H
#define MM_WORLD_H

#include "mm/page_alloc.h"
#include "mm/slab.h"

/*
 * mm_world_init - frames, caches, flush state and memory for threads, from nothing.
 *
 * @ranges:  RAM that is the world's alone, as for frames_world_init()
 * Context:  one vCPU runs, with the kernel's own directory loaded; .world has its initial contents
 *           or those of a world that is given up. Repeatable.
 * Returns:  0, or what frames_world_init() answers
 */
int __must_check mm_world_init(const struct frame_range *ranges, unsigned nr,
			       const struct frames_config *config, enum slab_layout layout);

/* The threads of these layers; once threads can be made. 0, or -ENOMEM. May sleep. */
int __must_check mm_world_threads(void);

/*
 * mm_world_resume - .world and its frames were replaced by those of another moment or another
 *                   world: make what lies outside of them (the window's top entries) agree.
 *
 * Context: one vCPU runs. The caller flushes the TLB, global entries included.
 */
void mm_world_resume(void);

#endif
