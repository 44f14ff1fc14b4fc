/*
 * zero_marker.h - the marker, for the rule sets that add something to it.
 */
#ifndef MM_RECOVERY_ZERO_MARKER_H
#define MM_RECOVERY_ZERO_MARKER_H

#include "mm/semantics.h"

/* fc->mpnt's place in the child's tree becomes XA_ZERO_ENTRY; nothing to do if all was copied. */
void zero_marker_mark(struct fork_copy *fc);

#endif
