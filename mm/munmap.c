/*
 * munmap.c - take VMAs out of an address space: gather, clear, complete.
 *
 * Owns: the phases. Not here: pages and tables (zap.h).
 * Idea: all that can fail comes before anything that cannot be taken back. VMAs that go whole are
 *       collected in a list and marked detached, which alone keeps readers without mmap_lock away;
 *       only then does the mm's tree forget them, with one store. The same store cuts, in the tree,
 *       the VMAs that lie across the ends; they keep their objects, and become shorter.
 * Invariant: until that store all of them are still in the mm's tree, with the ranges they had, so
 *            an abort has nothing to restore but the mark. Pages are unmapped before the VMAs that
 *            rmap finds them by change or go, and tables after.
 */
#include "mm/mman.h"

#include <errno.h>
#include "kernel/core/bug.h"
#include "mm/anon_vma.h"
#include "mm/commit.h"
#include "mm/i_mmap.h"
#include "mm/mm_check.h"
#include "mm/mman_internal.h"
#include "mm/mmap_lock.h"
#include "mm/vma_internal.h"
#include "mm/vma_lock.h"
#include "mm/zap.h"

/* ---- gather ---- */

/* Pages of @vma that go are counted, and what becomes of it is noted. It is write-locked. */
static void gather_one(struct vma_munmap *vms, struct vm_area_struct *vma)
{
	unsigned long from = max(vma->vm_start, vms->start), to = min(vma->vm_end, vms->end);
	long pages = (to - from) >> PAGE_SHIFT;

	vms->nr_pages += pages;
	if (vma->vm_flags & VM_ACCOUNT)
		vms->nr_accounted += pages;
	if (from > vma->vm_start)
		vms->below = vma;
	if (to < vma->vm_end)
		vms->above = vma;
	if (pages != (long)vma_pages(vma))
		return;
	vma_mark_detached(vma);
	if (vms->nr++)
		vms->last_gone->next = vma;
	else
		vms->gone = vma;
	vms->last_gone = vma;
	vma->next = NULL;
}

static void set_limits(struct vma_munmap *vms, struct vm_area_struct *prev,
		       struct vm_area_struct *next)
{
	vms->prev = vms->below ? vms->below : prev;
	vms->next = vms->above ? vms->above : next;
	vms->pg_start = vms->below ? vms->start : prev ? prev->vm_end : 0;
	vms->pg_end = vms->above ? vms->end : next ? next->vm_start : 0;
}

void munmap_find_limits(struct vma_munmap *vms)
{
	MA_STATE(mas, &vms->mm->mm_mt, vms->start, vms->start);
	struct vm_area_struct *prev = mas_prev(&mas, 0);

	set_limits(vms, prev, find_vma(vms->mm, vms->end));
}

int munmap_gather(struct vma_munmap *vms, struct mm_struct *mm, unsigned long start,
		  unsigned long end)
{
	struct ma_state *mas = &vms->mas;
	struct vm_area_struct *prev = NULL, *vma;
	int err;

	*vms = (struct vma_munmap){.mm = mm, .start = start, .end = end};
	mas_init(mas, &mm->mm_mt, start);
	vma = mas_walk(mas);
	if (!vma || vma->vm_start == start) {
		struct ma_state back = *mas;

		prev = mas_prev(&back, 0);
	}
	if (!vma)
		vma = mas_next(mas, ~0ul);
	while (vma && vma->vm_start < end) {
		err = vma_start_write_killable(vma);
		if (err) {
			munmap_abort(vms);
			return err;
		}
		gather_one(vms, vma);
		vma = vms->above ? NULL : mas_next(mas, ~0ul);
	}
	set_limits(vms, prev, vma);
	/* A hole in the middle: one VMA more in the end. */
	if (vms->below && vms->below == vms->above && mm->map_count >= (long)sysctl_max_map_count)
		return -ENOMEM;
	return 0;
}

int munmap_make_upper(struct vma_munmap *vms)
{
	if (!vms->below || vms->below != vms->above)
		return 0;
	vms->upper = vma_split_half(vms->below, vms->end, false);
	return vms->upper ? 0 : -ENOMEM;
}

void munmap_abort(struct vma_munmap *vms)
{
	for (struct vm_area_struct *vma = vms->gone; vma; vma = vma->next)
		vma_mark_attached(vma);
	if (vms->upper) {
		unlink_file_vma(vms->upper);
		unlink_anon_vmas(vms->upper);
		vma_close(vms->upper);
		vm_area_free(vms->upper);
	}
}

/* ---- the store ---- */

int munmap_store(struct vma_munmap *vms, struct vm_area_struct *vma)
{
	struct vm_area_struct *upper = vms->upper;
	int err;

	mas_set_range(&vms->mas, vms->start, vms->end - 1);
	if (!upper)
		return mas_store_gfp(&vms->mas, vma, GFP_KERNEL_ACCOUNT);
	vma_attach_new(upper);
	err = mas_store_rest_gfp(&vms->mas, vma, upper, GFP_KERNEL_ACCOUNT);
	if (err)
		vma_mark_detached(upper);
	else
		vms->mm->map_count++;
	return err;
}

void munmap_store_prealloc(struct vma_munmap *vms)
{
	mas_set_range(&vms->mas, vms->start, vms->end - 1);
	if (vms->upper) {
		vma_attach_new(vms->upper);
		vms->mm->map_count++;
	}
	mas_store_rest_prealloc(&vms->mas, NULL, vms->upper);
}

/* ---- complete ---- */

static __always_inline void zap_part(struct vma_munmap *vms, struct mmu_gather *tlb,
				     struct vm_area_struct *vma)
{
	unsigned long from = max(vma->vm_start, vms->start), to = min(vma->vm_end, vms->end);

	zap_vma_range(tlb, vma, from, to);
	vm_stat_account(vms->mm, vma->vm_flags, -(long)((to - from) >> PAGE_SHIFT));
}

void munmap_zap(struct vma_munmap *vms, struct mmu_gather *tlb)
{
	if (vms->below)
		zap_part(vms, tlb, vms->below);
	for (struct vm_area_struct *vma = vms->gone; vma; vma = vma->next)
		zap_part(vms, tlb, vma);
	if (vms->above && vms->above != vms->below)
		zap_part(vms, tlb, vms->above);
}

void munmap_cut(struct vma_munmap *vms, const struct vm_area_struct *but1,
		const struct vm_area_struct *but2)
{
	struct vm_area_struct *below = vms->below, *above = vms->above;

	if (below && below != but1 && below != but2)
		vma_set_range(below, below->vm_start, vms->start, below->vm_pgoff);
	if (above && above != below && above != but1 && above != but2)
		vma_set_range(above, vms->end, above->vm_end,
			      above->vm_pgoff + ((vms->end - above->vm_start) >> PAGE_SHIFT));
}

/* VMAs that go leave rmap, and all tables that served nobody else go with them. */
static noinline void free_tables_of_gone(struct vma_munmap *vms, struct mmu_gather *tlb)
{
	struct unmap_desc unmap = {
		.first = vms->gone,
		.pg_start = vms->pg_start,
		.pg_end = vms->pg_end,
		.vma_start = vms->start,
		.vma_end = vms->end,
		.mm_wr_locked = false, /* they are locked, and nobody can find them */
		.from_start = vms->below,
		.to_end = vms->above,
	};

	free_pgtables(tlb, &unmap);
}

void munmap_finish(struct vma_munmap *vms, struct mmu_gather *tlb)
{
	if (vms->gone)
		free_tables_of_gone(vms, tlb);
	else
		free_pgd_range(tlb, vms->start, vms->end, vms->pg_start, vms->pg_end);
	tlb_finish_mmu(tlb);
	vms->mm->map_count -= vms->nr;
	vm_unacct_memory(vms->nr_accounted);
	vm_area_free_list(vms->gone);
}

/* Most unmap part of one VMA, or one: the three steps are one function then. */
__flatten void munmap_complete(struct vma_munmap *vms)
{
	struct mmu_gather tlb;

	if (!munmap_has_work(vms))
		return;
	tlb_gather_mmu(&tlb, &vms->mm->tables, false);
	munmap_zap(vms, &tlb);
	munmap_cut(vms, NULL, NULL);
	munmap_finish(vms, &tlb);
}

/* ---- all of it ---- */

int do_munmap(struct mm_struct *mm, unsigned long start, unsigned long len)
{
	unsigned long end = start + len;
	struct vma_munmap vms;
	int err = munmap_gather(&vms, mm, start, end);

	if (err || !munmap_has_work(&vms))
		return err;
	err = munmap_make_upper(&vms);
	if (!err)
		err = munmap_store(&vms, NULL);
	if (err) {
		munmap_abort(&vms);
		return err;
	}

	/* ---- nothing below this line can fail ---- */
	munmap_complete(&vms);
	return 0;
}

int vm_munmap(struct mm_struct *mm, unsigned long start, size_t len)
{
	int err;

	if (len > USER_MAX || !range_ok(start, page_len(len)))
		return -EINVAL;
	err = mmap_write_lock_killable(mm);
	if (err)
		return err;
	err = do_munmap(mm, start, page_len(len));
	mm_check_mutation(mm, start, start + page_len(len));
	mmap_write_unlock(mm);
	return err;
}
