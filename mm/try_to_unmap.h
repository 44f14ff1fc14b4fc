/*
 * try_to_unmap.h - reclaim's two questions to those who map a page: do you use it, and let it go.
 *
 * Owns: taking a page out of every table, leaving a swap entry or nothing; looking for accessed
 *       bits.
 * Not here: the walk (rmap.h), slots and their counts (swap.h), when the flush comes
 *           (unmap_flush.h).
 * Rule: both are called with any lock of the address spaces held, by an allocation deep inside an
 *       operation. So they never wait for a lock that such an operation may hold: what is not free
 *       at once makes them give up, and the page stays.
 */
#ifndef MM_TRY_TO_UNMAP_H
#define MM_TRY_TO_UNMAP_H

#include "kernel/base/compiler.h"

struct page;
struct unmap_batch;

#define REFERENCED_UNKNOWN (-1)

/*
 * page_referenced - how many entries that map @page were used since the last time it was asked?
 *
 * Their accessed bits are cleared. No flush: a translation in use may hide further accesses until
 * it is gone by itself, which makes a page look older, and nothing else.
 * Locks:    folio lock held
 * Returns:  the number, or REFERENCED_UNKNOWN: a lock of the walk was taken
 */
int page_referenced(struct page *page);

/*
 * try_to_unmap - take @page out of every table that maps it.
 *
 * Anonymous, in the swap cache: each entry becomes a swap entry, counted, the exclusive mark kept,
 * its mm on mmlist. Of a file: each entry becomes empty. What was written through an entry makes
 * the page dirty; for that to be all, unmap_batch_flush() comes before the page is written or
 * freed.
 * @page:    a single frame
 * Locks:    folio lock held
 * Context:  may allocate, without reclaim
 * Returns:  true if no entry maps it any more; what was unmapped before a failure stays so
 */
bool __must_check try_to_unmap(struct page *page, struct unmap_batch *batch);

#endif
