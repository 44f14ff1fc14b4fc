/*
 * free_pgtables.c - the second pass of an unmapping: VMAs leave rmap, their tables go.
 *
 * Owns: how VMAs are taken together, and between which neighbours.
 * Not here: which tables lie between two addresses (tables_free.c).
 * Idea: a table may serve several VMAs that all go. VMAs with less than a table's 2 MiB between
 *       them are one stretch, and each stretch is freed once, bounded by what stays around it:
 *
 *	 floor                                             next stretch, or ceiling
 *	   |   [vma]  [vma] [vma]                               [vma] [vma]
 *	   |   '------ one call -'                              '- the next one
 */
#include "kernel/core/bug.h"
#include "mm/anon_vma.h"
#include "mm/i_mmap.h"
#include "mm/vma_lock.h"
#include "mm/zap.h"

/* Rmap walkers hold no mmap_lock: out of their sight before tables go. */
static void leave_rmap(struct unmap_desc *desc, struct vm_area_struct *vma)
{
	if (desc->mm_wr_locked)
		vma_start_write(vma);
	unlink_file_vma(vma);
	unlink_anon_vmas(vma);
}

void free_pgtables(struct mmu_gather *tlb, struct unmap_desc *desc)
{
	struct vm_area_struct *vma = desc->first;
	unsigned long start = vma && !desc->from_start ? vma->vm_start : desc->vma_start;

	while (vma) {
		struct vm_area_struct *next;
		unsigned long end;

		for (;;) {
			leave_rmap(desc, vma);
			end = vma->vm_end;
			next = unmap_next(desc, vma);
			vma->next = next;
			if (!next || next->vm_start > end + PMD_SIZE)
				break;
			vma = next;
		}
		if (!next && desc->to_end)
			break;
		free_pgd_range(tlb, start, end, desc->pg_start,
			       next ? next->vm_start : desc->pg_end);
		if (!next)
			return;
		vma = next;
		start = vma->vm_start;
	}
	free_pgd_range(tlb, start, desc->vma_end, desc->pg_start, desc->pg_end);
}
