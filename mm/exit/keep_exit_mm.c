/*
 * keep_exit_mm.c - proposed 2020 and 2026: a task that has left its mm still leads to the struct.
 */
#include "mm/mm.h"
#include "mm/semantics.h"

static struct mm_struct *keep(struct mm_struct *mm)
{
	mmgrab(mm);
	return mm;
}

static const struct semantics keep_exit_mm = {
	.name = "keep_exit_mm",
	.what = "exit: the task keeps mm_count of what it left, until it is gone itself",
	.axis = SEM_SHELL,
	.hooks = {.on_exit_mm = keep},
};
SEMANTICS(keep_exit_mm);
