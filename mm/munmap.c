/*
 * munmap.c - take VMAs out of an address space: gather, clear, complete.
 *
 * Owns: the phases. Not here: pages and tables (zap.h), splitting (vma.c).
 * Idea: all that can fail comes before anything that cannot be taken back. VMAs of the range are
 *       collected in a tree of their own and marked detached, which alone keeps readers without
 *       mmap_lock away; only then does the mm's tree forget them, with one store.
 * Invariant: until that store they are still in the mm's tree, so an abort has nothing to restore
 *            but the mark. Splits stay.
 */
#include "mm/mman.h"

#include <errno.h>
#include "mm/mm_check.h"
#include "mm/mman_internal.h"
#include "mm/mmap_lock.h"
#include "mm/vma_lock.h"
#include "mm/zap.h"

/* ---- gather ---- */

static int gather_one(struct vma_munmap *vms, struct vm_area_struct *vma)
{
	int err = 0;

	if (vma->vm_end > vms->end)
		err = vma_split(vms->vmi, vma, vms->end, false);
	if (!err)
		err = vma_start_write_killable(vma);
	if (err)
		return err;
	mas_set(&vms->mas_detach, vms->nr);
	err = mas_store_gfp(&vms->mas_detach, vma, GFP_KERNEL_ACCOUNT);
	if (err)
		return err;
	vma_mark_detached(vma);
	vms->nr++;
	return 0;
}

void munmap_find_limits(struct vma_munmap *vms)
{
	MA_STATE(mas, &vms->mm->mm_mt, vms->start, vms->start);

	vms->prev = mas_prev(&mas, 0);
	vms->next = find_vma(vms->mm, vms->end);
	vms->pg_start = vms->prev ? vms->prev->vm_end : 0;
	vms->pg_end = vms->next ? vms->next->vm_start : 0;
}

int munmap_gather(struct vma_munmap *vms, struct vma_iterator *vmi, struct mm_struct *mm,
		  unsigned long start, unsigned long end)
{
	struct vm_area_struct *vma;
	int err = 0;

	vms->vmi = vmi;
	vms->mm = mm;
	vms->start = start;
	vms->end = end;
	vms->nr = 0;
	mt_init_flags(&vms->mt_detach, MT_FLAGS_LOCK_EXTERN);
	mas_init(&vms->mas_detach, &vms->mt_detach, 0);

	mas_set(&vmi->mas, start);
	vma = vma_find(vmi, end);
	if (vma && start > vma->vm_start) {
		/* A hole in the middle: one VMA more in the end. */
		if (end < vma->vm_end && mm->map_count >= (long)sysctl_max_map_count)
			return -ENOMEM;
		err = vma_split(vmi, vma, start, true);
		if (err)
			return err;
	}
	for (; vma && !err; vma = vma_find(vmi, end))
		err = gather_one(vms, vma);
	if (err)
		munmap_abort(vms);
	else
		munmap_find_limits(vms);
	return err;
}

void munmap_abort(struct vma_munmap *vms)
{
	struct vm_area_struct *vma;

	mas_set(&vms->mas_detach, 0);
	mas_for_each(&vms->mas_detach, vma, ~0ul)
		vma_mark_attached(vma);
	__mt_destroy(&vms->mt_detach);
	vms->nr = 0;
}

/* ---- complete ---- */

static void free_gathered(struct vma_munmap *vms)
{
	struct vm_area_struct *vma, *list = NULL;

	mas_set(&vms->mas_detach, 0);
	mas_for_each(&vms->mas_detach, vma, ~0ul) {
		vma_account(vma, -1);
		vma->next = list;
		list = vma;
	}
	__mt_destroy(&vms->mt_detach);
	vm_area_free_list(list);
}

void munmap_complete(struct vma_munmap *vms)
{
	struct unmap_desc unmap = {
		.mas = &vms->mas_detach,
		.pg_start = vms->pg_start,
		.pg_end = vms->pg_end,
		.vma_start = vms->start,
		.vma_end = vms->end,
		.tree_end = vms->nr,
		.tree_reset = 1,
		.mm_wr_locked = false, /* they are locked, and nobody can find them */
	};

	if (!vms->nr)
		return;
	vms->mm->map_count -= vms->nr;
	mas_set(&vms->mas_detach, 0);
	unmap.first = mas_find(&vms->mas_detach, ~0ul);
	unmap_region(&unmap);
	free_gathered(vms);
}

/* ---- all of it ---- */

int do_munmap(struct mm_struct *mm, unsigned long start, unsigned long len)
{
	unsigned long end = start + len;
	VMA_ITERATOR(vmi, mm, start);
	struct vma_munmap vms;
	int err = munmap_gather(&vms, &vmi, mm, start, end);

	if (err || !vms.nr)
		return err;
	mas_set_range(&vmi.mas, start, end - 1);
	err = mas_store_gfp(&vmi.mas, NULL, GFP_KERNEL_ACCOUNT);
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
