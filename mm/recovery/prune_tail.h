/*
 * prune_tail.h - erasing what was not copied, for the rule sets that build on it.
 */
#ifndef MM_RECOVERY_PRUNE_TAIL_H
#define MM_RECOVERY_PRUNE_TAIL_H

#include "mm/semantics.h"

/* The child's tree is what was copied; without a node for it, all of it is torn down instead. */
void prune_tail(struct fork_copy *fc);

#endif
