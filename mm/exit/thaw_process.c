/*
 * thaw_process.c - since 6.18: every thread of a frozen victim is thawed, so that it can end.
 */
#include "mm/semantics.h"

static const struct semantics thaw_process = {
	.name = "thaw_process",
	.what = "OOM kill: thaws every thread of the victim (6.18)",
	.axis = SEM_THAW,
	.hooks = {.thaw = THAW_PROCESS},
};
SEMANTICS(thaw_process);
