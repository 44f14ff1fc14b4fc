/*
 * exit_write_throughout.c - exit until 6.0, and again proposed: nobody is beside it.
 */
#include "mm/semantics.h"

static const struct semantics exit_write_throughout = {
	.name = "exit_write_throughout",
	.what = "exit: the write lock from the first entry to the last node (6.0)",
	.axis = SEM_EXIT,
	.hooks = {.exit_lock = EXIT_WRITE},
};
SEMANTICS(exit_write_throughout);
