/*
 * target.h - commands that are about one process: finding its address space.
 */
#ifndef KERNEL_SHELL_TARGET_H
#define KERNEL_SHELL_TARGET_H

#include "kernel/base/types.h"

struct mm_struct;

/*
 * target_mm - the address space of the process whose pid is @text.
 *
 * @text:    a word, or NULL if there was none
 * Returns:  it with mm_users taken, mmput() is due; NULL: none, and @cmd has said why
 */
struct mm_struct *target_mm(const char *cmd, const char *text);

/* A number in C notation in all of @text: true; else @cmd has said what @name accepts. */
bool target_address(const char *cmd, const char *name, const char *text, u64 *addr);

#endif
