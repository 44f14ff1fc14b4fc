/*
 * zero_marker_sem.c - failed fork, 6.13: the marker, and uprobes kept out until it is gone.
 *
 * dup_mmap_sem is held until the child is torn down. If another walker has pinned the child, the
 * teardown is that walker's, and comes after the semaphore was released.
 */
#include "mm/semantics.h"

static const struct semantics zero_marker_sem = {
	.name = "zero_marker_sem",
	.what = "failed fork: the marker, dup_mmap_sem held through mmput (6.13)",
	.axis = SEM_FORK,
	.base = "zero_marker",
	.hooks = {.sem_scope = SCOPE_TEARDOWN},
};
SEMANTICS(zero_marker_sem);
