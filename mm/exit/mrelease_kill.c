/*
 * mrelease_kill.c - proposed 2026: process_mrelease() pins, kills and reaps in one call.
 */
#include "mm/semantics.h"

static const struct semantics mrelease_kill = {
	.name = "mrelease_kill",
	.what = "process_mrelease: kills what it reaps, after it has pinned it",
	.axis = SEM_MRELEASE,
	.hooks = {.mrelease = MRELEASE_KILL},
};
SEMANTICS(mrelease_kill);
