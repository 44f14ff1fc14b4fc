/*
 * dup_tree.c - the steps of a copy that most semantics share: the cloned tree, what is published,
 *              the usual unlocking, and taking back what was copied.
 *
 * Idea of the clone: the child's tree is the parent's, node by node, so every slot that a copied
 *       VMA will need exists and names the VMA to copy. Storing the copy there needs no memory.
 */
#include <errno.h>

#include "kernel/core/bug.h"
#include "kernel/core/fault.h"
#include "mm/exit_mmap.h"
#include "mm/mm_marks.h"
#include "mm/mmap_lock.h"
#include "mm/semantics.h"
#include "mm/tlb.h"
#include "mm/zap.h"

FAULT_SITE(F11, "fork: clearing the entry of a VMA that is not for the child");

DELAY_SITE(pub_anon, "fork: the child's VMA is found by the parent's pages");
DELAY_SITE(pub_immap, "fork: the child's VMA is found by its file");
DELAY_SITE(pub_mmlist, "fork: the child is found by swapoff");
DELAY_SITE(pub_mm, "fork: the child is found by those who walk all mms");

struct delay_site *const pub_site[PUB_NR] = {
	[PUB_ANON] = &delay_site_pub_anon,
	[PUB_IMMAP] = &delay_site_pub_immap,
	[PUB_MMLIST] = &delay_site_pub_mmlist,
	[PUB_MM] = &delay_site_pub_mm,
};

int dup_tree_clone(struct fork_copy *fc)
{
	int err = __mt_dup(&fc->oldmm->mm_mt, &fc->mm->mm_mt, GFP_KERNEL);

	mas_init(&fc->vmi.mas, &fc->mm->mm_mt, 0);
	if (!err)
		mt_clear_in_rcu(&fc->mm->mm_mt);
	return err;
}

/* A run of holes may become one, which may take nodes. */
int dup_tree_skip(struct fork_copy *fc, struct vm_area_struct *mpnt)
{
	mas_set_range(&fc->vmi.mas, mpnt->vm_start, mpnt->vm_end - 1);
	return FAULT_SITE_CALL(F11, mas_store_gfp(&fc->vmi.mas, NULL, GFP_KERNEL));
}

int dup_tree_store(struct fork_copy *fc, struct vm_area_struct *vma)
{
	mas_store(&fc->vmi.mas, vma);
	BUG_ON(mas_is_err(&fc->vmi.mas));
	return 0;
}

void dup_unlock_child_first(struct fork_copy *fc) NO_LOCK_ANALYSIS
{
	mmap_write_unlock(fc->mm);
	mm_mark(fc->mm, fc->err ? MARK_UNLOCK : MARK_LIVE);
	flush_tlb_mm(&fc->oldmm->tables.tlb);
	mmap_write_unlock(fc->oldmm);
	mm_mark(fc->mm, MARK_PARENT);
}

void dup_teardown_head(struct fork_copy *fc)
{
	struct mm_struct *mm = fc->mm;
	VMA_ITERATOR(vmi, mm, 0);
	struct unmap_desc desc = {
		.mas = &vmi.mas,
		.vma_end = fc->end,
		.tree_end = fc->end,
		.mm_wr_locked = true,
	};

	if (fc->end) {
		desc.first = vma_find(&vmi, fc->end);
		desc.tree_reset = desc.first->vm_end;
		unmap_region(&desc);
		tear_down_vmas(mm, &desc);
	}
	__mt_destroy(&mm->mm_mt);
}
