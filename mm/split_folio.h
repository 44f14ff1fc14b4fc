/*
 * split_folio.h - make single frames of a folio, so that reclaim can take them one by one.
 */
#ifndef MM_SPLIT_FOLIO_H
#define MM_SPLIT_FOLIO_H

#include "kernel/base/compiler.h"

struct page;

/*
 * split_anon_folio - @head and its tails become frames of their own.
 *
 * Done if the folio is mapped by one address space, through one table, its head included, and
 * nobody but the caller has another reference. Tails that are mapped join the LRU, those that are
 * not are free. Accessed bits are cleared.
 * @may_use: also if an entry was used since the last time it was asked
 * Locks:    folio lock held, @head isolated; the lock of rmap is tried
 * Returns:  true if @head is a single frame now, locked and the caller's as before
 */
bool __must_check split_anon_folio(struct page *head, bool may_use);

#endif
