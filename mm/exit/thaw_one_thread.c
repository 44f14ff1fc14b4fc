/*
 * thaw_one_thread.c - until 6.17: only the chosen thread is thawed; the others keep the mm.
 */
#include "mm/semantics.h"

static const struct semantics thaw_one_thread = {
	.name = "thaw_one_thread",
	.what = "OOM kill: thaws the chosen thread of the victim only (6.17)",
	.axis = SEM_THAW,
	.hooks = {.thaw = THAW_THREAD},
};
SEMANTICS(thaw_one_thread);
