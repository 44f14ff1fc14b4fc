/*
 * brk.c - the end of the heap.
 *
 * Owns: vm_brk. The heap is ordinary memory: it grows by a mapping, which joins the one below it,
 * and shrinks by an unmapping.
 */
#include "mm/mman.h"

#include "mm/mm_check.h"
#include "mm/mman_internal.h"
#include "mm/mmap_lock.h"
#include "mm/vma.h"

/* Map or unmap what lies between the pages of @old and @new. */
static int move_end(struct mm_struct *mm, unsigned long old, unsigned long new)
{
	struct vm_area_struct *vma;

	if (new < old)
		return do_munmap(mm, new, old - new);
	vma = find_vma(mm, old);
	if (vma && vma->vm_start < new)
		return -ENOMEM;
	return mmap_region(mm, old, new - old, VM_READ | VM_WRITE, NULL, 0);
}

unsigned long vm_brk(struct mm_struct *mm, unsigned long brk)
{
	unsigned long old_end, new_end;
	int err = 0;

	if (mmap_write_lock_killable(mm))
		return READ_ONCE(mm->brk);
	old_end = ALIGN_UP(mm->brk, PAGE_SIZE);
	new_end = ALIGN_UP(brk, PAGE_SIZE);
	if (brk < mm->start_brk || brk > USER_MAX) {
		brk = mm->brk;
	} else if (new_end != old_end) {
		err = move_end(mm, old_end, new_end);
		mm_check_mutation(mm, min(old_end, new_end), max(old_end, new_end));
	}
	if (!err)
		WRITE_ONCE(mm->brk, brk);
	brk = mm->brk;
	mmap_write_unlock(mm);
	return brk;
}
