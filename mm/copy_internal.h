/*
 * copy_internal.h - between the pass over tables and the loop over entries of copy_page_range().
 */
#ifndef MM_COPY_INTERNAL_H
#define MM_COPY_INTERNAL_H

#include "mm/copy_page_range.h"

/*
 * copy_entries, copy_entries_watched - give the child what the entries [@src, @end) of a table
 *                                      have, from @dst on.
 *
 * The second has schedule points, and looks for pages that are pinned.
 * Locks:    both tables'
 * Returns:  where it ended; before @end: c->full or c->wants_spare says what is wanted, or others
 *           wait for a lock
 */
pte_t *copy_entries(struct copy_walk *c, pte_t *src, pte_t *end, pte_t *dst);
pte_t *copy_entries_watched(struct copy_walk *c, pte_t *src, pte_t *end, pte_t *dst);

#endif
