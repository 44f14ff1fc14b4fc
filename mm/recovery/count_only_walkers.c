/*
 * count_only_walkers.c - walkers hold mm_count and the read lock, and exit excludes them by lock.
 *
 * exit_mmap is write-locked throughout, so nobody who walks delays the last mm_users or becomes the
 * one who runs it; a walker that comes after it finds an empty tree. What lies before it is the
 * fork semantics' business: a clean tree is still needed.
 */
#include "mm/semantics.h"

static const struct semantics count_only_walkers = {
	.name = "count_only_walkers",
	.what = "walkers hold mm_count and the read lock only, exit is write-locked throughout",
	.axis = SEM_WALKREF,
	.over = "zero_marker",
	.hooks = {.walk_ref = WALK_COUNT, .exit_lock = EXIT_WRITE},
};
SEMANTICS(count_only_walkers);
