/*
 * task_user.h - user memory as the instructions of a program touch it.
 *
 * Owns: accessors that do not fail: the process is ended instead.
 * Not here: accessors for code that acts on behalf of a process and gets an error (user.h).
 * Idea: an access that may not be ends the process with SIGSEGV; one whose contents are lost with
 *       SIGBUS; one for which there is no memory with SIGKILL. A process that was told to end does
 *       so before its next access, as one does on its way back to user mode.
 */
#ifndef KERNEL_PROC_TASK_USER_H
#define KERNEL_PROC_TASK_USER_H

#include "kernel/base/types.h"

/* Context: a task's thread, no lock held. */
u64 task_load_u64(unsigned long uaddr);
void task_store_u64(unsigned long uaddr, u64 value);
u32 task_load_u32(unsigned long uaddr);
void task_store_u32(unsigned long uaddr, u32 value);
/* If the word is @old it becomes @value, in one step. What it was. */
u32 task_cmpxchg_u32(unsigned long uaddr, u32 old, u32 value);

/* End here if the process was told to. */
void task_signal_point(void);

#endif
