/*
 * exit_mmap.c - the last user of an address space frees all of it.
 *
 * Owns: the order of the passes and of the two locks.
 * Not here: the passes over entries and tables (zap.h); where a tree that a failed fork left ends
 *           (mm->sem's exit_limits).
 * Idea: pages are unmapped with mmap_lock held for read, so that others may read and free
 *       meanwhile; only then is it taken for write, to free tables, VMAs and the tree. MMF_OOM_SKIP
 *       says in between that the pages are gone: a reader that comes later sees it under the lock.
 */
#include "mm/exit_mmap.h"

#include "kernel/core/bug.h"
#include "mm/commit.h"
#include "mm/mm_marks.h"
#include "mm/mmap_lock.h"
#include "mm/oom_reap.h"
#include "mm/semantics.h"
#include "mm/vma_lock.h"
#include "mm/zap.h"

void tear_down_vmas(struct mm_struct *mm, struct unmap_desc *desc)
{
	int nr = 0;

	for (struct vm_area_struct *vma = desc->first; vma; vma = vma->next) {
		vma_mark_detached(vma);
		nr++;
	}
	vm_unacct_memory((long)mm->accounted_vm);
	mm->accounted_vm = 0;
	WARN(nr != mm->map_count, "mm %lu: %d VMAs torn down, it counted %d", (unsigned long)mm->id,
	     nr, mm->map_count);
	vm_area_free_list(desc->first);
}

/* What is first in the tree, unless the tree ends there. */
static struct vm_area_struct *first_vma(struct unmap_desc *desc)
{
	mas_set(desc->mas, 0);
	return unmap_next(desc, NULL);
}

/* Tables, VMAs, tree. mmap_lock held for write; the pages are gone. */
static void free_rest(struct mm_struct *mm, struct unmap_desc *desc, struct mmu_gather *tlb)
{
	mm_mark(mm, MARK_TABLES);
	mt_clear_in_rcu(&mm->mm_mt);
	mas_set(desc->mas, desc->tree_reset);
	free_pgtables(tlb, desc);
	tlb_finish_mmu(tlb);
	mm_mark(mm, MARK_VMAS);
	tear_down_vmas(mm, desc);
}

void exit_mmap(struct mm_struct *mm) NO_LOCK_ANALYSIS
{
	const struct sem_hooks *sem = &mm->sem->hooks;
	bool write_only = sem->exit_lock == EXIT_WRITE;
	VMA_ITERATOR(vmi, mm, 0);
	struct unmap_desc desc = {
		.mas = &vmi.mas,
		.vma_end = ~0ul,
		.tree_end = ~0ul,
		.mm_wr_locked = true,
	};
	struct mmu_gather tlb;

	if (write_only)
		mmap_write_lock(mm);
	else
		mmap_read_lock(mm);
	mm_mark(mm, MARK_ZAP);
	if (sem->exit_skip == SKIP_FIRST)
		set_bit(MMF_OOM_SKIP, &mm->flags);
	if (write_only && test_bit(MMF_OOM_VICTIM, &mm->flags))
		oom_reap_own(mm); /* in the reaper's order: nobody else may */
	if (sem->exit_limits)
		sem->exit_limits(mm, &desc);
	desc.first = first_vma(&desc);
	if (desc.first) {
		desc.tree_reset = desc.first->vm_end;
		tlb_gather_mmu(&tlb, &mm->tables, true);
		unmap_vmas(&tlb, &desc);
		/* Behind the flag somebody else may be chosen: let the memory be there by then. */
		if (test_bit(MMF_OOM_VICTIM, &mm->flags))
			tlb_flush_mmu(&tlb);
	}
	set_bit(MMF_OOM_SKIP, &mm->flags);
	if (!write_only) {
		mmap_read_unlock(mm);
		mm_mark(mm, MARK_ZAPPED);
		mmap_write_lock(mm);
	}
	if (desc.first)
		free_rest(mm, &desc, &tlb);
	mm_mark(mm, MARK_TREE);
	__mt_destroy(&mm->mm_mt);
	mmap_write_unlock(mm);
	mm_mark(mm, MARK_SHELL);
}
