/*
 * uprobe.h - breakpoints in every private mapping of a file.
 *
 * Owns: registering and unregistering one. Not here: what happens when one is hit (there is no user
 *       code to hit it).
 */
#ifndef MM_WALKERS_UPROBE_H
#define MM_WALKERS_UPROBE_H

#include "kernel/base/compiler.h"

struct file;

#define UPROBE_INT3 0xcc

/*
 * uprobe_register - put a breakpoint at byte @offset of @file into every private mapping there is.
 *
 * Mappings made later do not get it. Where it cannot be put for want of memory it is left out.
 * Context:  may sleep; waits for forks in flight, takes mmap_locks for writing
 * Returns:  how many it was put into, or -ENOMEM before any was
 */
int __must_check uprobe_register(struct file *file, u64 offset);

/* Every mapping that has it gets the file's own byte back. How many, or -ENOMEM before any did. */
int __must_check uprobe_unregister(struct file *file, u64 offset);

#endif
