/*
 * oom_internal.h - what killer and reaper tell each other.
 */
#ifndef KERNEL_PROC_OOM_INTERNAL_H
#define KERNEL_PROC_OOM_INTERNAL_H

#include "kernel/proc/freezer.h"
#include "kernel/proc/oom.h"

/* The reaper is done with one mm: all of it, or it gave up; @pages are gone meanwhile. */
void oom_note_reaped(bool done, long pages);

#endif
