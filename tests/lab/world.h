/*
 * world.h - everything a scenario may change, put back exactly.
 *
 * Owns: making a world in the arena, its snapshot, its restore, the interactive system set aside.
 * Not here: who runs in it (lockstep.c), what is done in it (scenarios).
 *
 * A world is .world (the state of mm/, kernel/sched, kernel/proc), the arena (all frames its
 * allocator hands out: vCPU areas, stacks, objects, tables, user pages) and nothing else. Both are
 * mapped by 4 KiB entries whose dirty bits tell what a run has changed:
 *
 * A restore copies back the pages in use at the snapshot that were written since, and the mapping
 * of the arena itself (stack guards). Frames of page tables and of user pages are also written
 * through mappings whose dirty bits are elsewhere: whoever sees a user access says which frames it
 * went through. What cannot be read is no state: free frames (whoever allocates one defines its
 * contents), the part of a stack below what its thread saved, a windowed object's page before the
 * object and its guards.
 *
 * Context of all calls: the lab's thread on the boot CPU.
 */
#ifndef TESTS_LAB_WORLD_H
#define TESTS_LAB_WORLD_H

#include "kernel/base/compiler.h"
#include "mm/slab.h"

struct world_config {
	unsigned nr_vcpus;
	unsigned mib; /* size of the arena used */
	enum slab_layout layout;
};

/*
 * world_enter - park the other CPUs, stop interrupts but the watchdog, set the interactive system
 * aside.
 *
 * Returns 0, or -ENOMEM / -ENXIO (no arena on this machine) with *@why set and nothing changed.
 */
int __must_check world_enter(const char **why);

/* The interactive system goes on as if nothing had been. */
void world_leave(void);

/*
 * Build a world from pristine state. 0, or a negative errno with *@why set. Between enter and
 * leave.
 */
int __must_check world_make(const struct world_config *config, const char **why);

/* A thread of the world that lockstep_run(LS_SETUP) will run. 0 or -ENOMEM. After world_make(). */
int __must_check world_start_thread(const char *name, void (*fn)(void *arg));

/* Remember the present state as the one to come back to. 0, or -ENOMEM: it is too large. */
int __must_check world_snapshot(void);

/* A user access has gone through, or reached, frame @pfn since the last restore. */
void world_note_frame(unsigned long pfn);

/*
 * Come back to it. @usual: the run did what most do, so pages it wrote are expected to be written
 * again; else nothing of the world is believed and nothing is learned. Returns the pages copied.
 */
unsigned world_restore(bool usual);

/* Hash of everything a restore promises to bring back. For `set world_verify on`. */
u64 world_hash(void);

/* Overwrite what is no state, differently each time: nothing may depend on it. */
void world_spoil(void);

/* A mistake made on purpose, for the test of world_verify: restores leave out a changed page. */
extern bool world_forgets_a_page;

/*
 * Is @addr in the world (arena or .world)? Its offset there, for output that is the same
 * everywhere.
 */
bool world_offset(unsigned long addr, const char **part, unsigned long *offset);

/* Bytes the arena has on this machine; 0: none. */
size_t world_arena_bytes(void);

#endif
