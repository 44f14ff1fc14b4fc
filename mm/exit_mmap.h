/*
 * exit_mmap.h - the end of all mappings of an address space, and its parts.
 */
#ifndef MM_EXIT_MMAP_H
#define MM_EXIT_MMAP_H

#include "mm/vma.h"

struct unmap_desc;

/* Free everything mapped, by the last user: no VMA, table or page is left. May sleep. */
void exit_mmap(struct mm_struct *mm);

/*
 * tear_down_vmas - the VMAs from desc->first on, which are all that @mm has of its own, are freed
 *                  and their charge is given back, after their pages and tables.
 *
 * They are the list that free_pgtables() left. The tree keeps its entries: destroying it is next.
 * Locks:    mmap_lock for write, the VMAs write-locked by free_pgtables()
 * Warns:    their number is not map_count, which stays as it was
 */
void tear_down_vmas(struct mm_struct *mm, struct unmap_desc *desc);

#endif
