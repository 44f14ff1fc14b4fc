/*
 * exit_read_then_write.c - exit since 6.1: others may read and free beside it while it zaps.
 */
#include "mm/semantics.h"

static const struct semantics exit_read_then_write = {
	.name = "exit_read_then_write",
	.what = "exit: zaps under the read lock, frees the rest under the write lock (6.1)",
	.axis = SEM_EXIT,
	.hooks = {.exit_lock = EXIT_READ_THEN_WRITE},
};
SEMANTICS(exit_read_then_write);
