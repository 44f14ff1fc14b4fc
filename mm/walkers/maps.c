/*
 * maps.c - a reader of /proc/PID/maps: all VMAs, a buffer's worth at a time.
 *
 * Owns: the walk, and holding the mm for as long as the reader pleases.
 * Idea: the lock is held while a buffer is filled and dropped while the reader has it; the walk
 *       goes on at the address where it ended. The mm is held from the first buffer to the last,
 *       however long that takes: its memory stays as long.
 *       Going on is by the tree's iterator, as it is since 6.1, or by address (find_vma), as
 *       before: that one passes over what is no VMA and takes what lies beyond.
 */
#include <errno.h>

#include "mm/mmap_lock.h"
#include "mm/vma.h"
#include "mm/walkers/walker.h"

#define VMAS_PER_BUFFER 16u

static long read_maps(struct mm_struct *mm, struct walk *w);

WALKER(maps, "reads all VMAs and holds the mm meanwhile (/proc/PID/maps)", .walk_mm = read_maps);
WALKER_CHECK(maps, iterate, "go on by the tree's iterator, not by address (6.1)");

static struct vm_area_struct *next_vma(struct vma_iterator *vmi, struct mm_struct *mm,
				       unsigned long addr)
{
	return walker_check_on(&walker_check_maps_iterate) ? vma_next(vmi) : find_vma(mm, addr);
}

/* A buffer's worth from *@addr on, under one lock. Lines in it, or -EINTR; *@end: that was all. */
static long fill_buffer(struct mm_struct *mm, unsigned long *addr, u64 *sum, bool *end)
{
	VMA_ITERATOR(vmi, mm, *addr);
	struct vm_area_struct *vma = NULL;
	long nr;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	walker_reached(&walker_maps, mm, WALKER_MM, NULL);
	for (nr = 0; nr < VMAS_PER_BUFFER; nr++) {
		vma = next_vma(&vmi, mm, *addr);
		if (!vma)
			break;
		*sum += vma->vm_start + vma->vm_flags + vma->vm_pgoff;
		*addr = vma->vm_end;
		walker_reached(&walker_maps, mm, WALKER_VMA, vma);
	}
	*end = !vma;
	mmap_read_unlock(mm);
	return nr;
}

static long read_maps(struct mm_struct *mm, struct walk *w)
{
	unsigned long addr = 0;
	long nr, all = 0;
	bool end = false;

	do {
		nr = fill_buffer(mm, &addr, &w->sum, &end);
		if (nr < 0)
			return nr;
		all += nr;
		walker_linger(&walker_maps, mm, w);
	} while (!end);
	return all;
}
