/*
 * zap.h - take user pages out of their tables, and then the tables.
 *
 * Owns: struct unmap_desc, the two passes of an unmapping, zapping a range of one VMA.
 * Not here: the gather that flushes before it frees (mmu_gather.h); which VMAs go (mman.h).
 * Order: entries out and rmap counts down (unmap_vmas), VMAs untied from rmap, tables unhooked
 *        (free_pgtables), one flush, frames and tables freed (tlb_finish_mmu).
 */
#ifndef MM_ZAP_H
#define MM_ZAP_H

#include "mm/mmu_gather.h"
#include "mm/vma.h"

/*
 * struct unmap_desc - what an unmapping covers. Limits that look alike and are not:
 *
 *	 tables:  pg_start |                                    | pg_end
 *	                   v                                    v
 *	 ----[ kept ]------.........[ first ][ vma ]....[ vma ].------[ kept ]----
 *	                                ^ vma_start          ^ vma_end
 *
 * @vma_start, @vma_end  each VMA is zapped inside of them only
 * @pg_start, @pg_end    a table goes if all it can serve lies between: the end of the VMA that
 *                       stays below, the start of the one that stays above; @pg_end 0 is the top
 * @tree_end             the tree behind @mas is searched below it; where that tree is not the mm's
 *                       own it is no address at all
 *
 * @pg_end is never @tree_end or @vma_end merely because the search ends there: a table whose 2 MiB
 * the ceiling cuts is kept for a neighbour, and if there is none it is lost.
 */
struct unmap_desc {
	struct ma_state *mas; /* stands on @first; NULL: they are a list, by next */
	struct vm_area_struct *first; /* NULL: nothing but pages of VMAs that stay */
	unsigned long pg_start;
	unsigned long pg_end;
	unsigned long vma_start;
	unsigned long vma_end;
	unsigned long tree_end;
	unsigned long tree_reset; /* index behind @first's, where the second pass goes on */
	bool mm_wr_locked;	  /* mmap_lock is held for write and VMAs are to be write-locked */
	/* A VMA was cut at that end: what was unmapped begins at @vma_start, not with @first; */
	bool from_start;
	bool to_end;	  /* it ends at @vma_end, not with the last. */
	bool marker_ends; /* XA_ZERO_ENTRY in the tree ends the search as tree_end does */
};

/* The VMA after @vma, or NULL at the end of what goes. */
static inline struct vm_area_struct *unmap_next(struct unmap_desc *desc,
						const struct vm_area_struct *vma)
{
	void *next;

	if (!desc->mas)
		return vma->next;
	next = mas_find(desc->mas, desc->tree_end - 1);
	return unlikely(desc->marker_ends) && xa_is_zero(next) ? NULL : next;
}

/*
 * unmap_vmas - zap every VMA from desc->first on.
 *
 * Locks:    mmap_lock in either mode, or the VMAs are reachable through no tree
 * Context:  may sleep and flush
 * Leaves:   desc->mas behind the last VMA
 */
void unmap_vmas(struct mmu_gather *tlb, struct unmap_desc *desc);

/*
 * free_pgtables - untie the VMAs from their anon_vmas and files, and unhook the tables that served
 *                 only them.
 *
 * desc->mas stands on desc->first again, if there is one. VMAs themselves stay the caller's, from
 * desc->first on a list by next: who frees them need not ask the tree again.
 * Locks:    mmap_lock for write, or the VMAs are detached and no neighbour's fault can be in their
 *           tables: walkers come by rmap and RCU only
 */
void free_pgtables(struct mmu_gather *tlb, struct unmap_desc *desc);

/* Both passes, the flush and the frees. desc->mas stands on desc->first. */
void unmap_region(struct unmap_desc *desc);

/*
 * zap_vma_range - drop the pages of [@start, @end), which lies inside @vma.
 *
 * Locks:    @vma read-locked, or mmap_lock in either mode
 * Context:  may sleep and flush; what is gathered is freed by the owner of @tlb
 * Returns:  entries dropped
 */
unsigned long zap_vma_range(struct mmu_gather *tlb, struct vm_area_struct *vma,
			    unsigned long start, unsigned long end);

/* The same with a gather of its own: flushed and freed on return. */
unsigned long zap_page_range_single(struct vm_area_struct *vma, unsigned long start,
				    unsigned long end);

#endif
