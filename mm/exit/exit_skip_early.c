/*
 * exit_skip_early.c - proposed 2025: exit says that there is nothing to reap before it begins.
 */
#include "mm/semantics.h"

static const struct semantics exit_skip_early = {
	.name = "exit_skip_early",
	.what = "exit: MMF_OOM_SKIP before it zaps, so that the reaper stands down",
	.axis = SEM_EXIT,
	.base = "exit_read_then_write",
	.hooks = {.exit_skip = SKIP_FIRST},
};
SEMANTICS(exit_skip_early);
