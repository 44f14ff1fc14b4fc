/*
 * sem_for_copy.c - dup_mmap_sem is held while a copy is made, and not until what failed is gone.
 *
 * A rule to be named beside others: it takes one away, so that one sees what that is good for.
 */
#include "mm/semantics.h"

static const struct semantics sem_for_copy = {
	.name = "sem_for_copy",
	.what = "dup_mmap_sem is held for the copy only, whatever the fork semantics says",
	.axis = SEM_GATE,
	.hooks = {.sem_scope = SCOPE_COPY},
};
SEMANTICS(sem_for_copy);
