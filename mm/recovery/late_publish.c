/*
 * late_publish.c - nobody can find the child before all of it was copied.
 *
 * Its VMAs are tied to the parent's anon_vmas, to their files and to mmlist at the end, under both
 * locks. A failed copy is then private: the marker tells exit_mmap where it ends, and nobody else
 * is there. What it costs: until the end reverse mapping does not know of the child's entries, so a
 * page that others unmap meanwhile stays mapped here.
 */
#include "mm/anon_vma.h"
#include "mm/i_mmap.h"
#include "mm/semantics.h"
#include "mm/swap.h"

static bool not_yet(enum publication by)
{
	(void)by;
	return false;
}

static void publish_all(struct fork_copy *fc)
{
	VMA_ITERATOR(vmi, fc->mm, 0);
	struct vm_area_struct *vma;

	for_each_vma(vmi, vma)
	{
		if (!list_empty(&vma->anon_vma_chain)) {
			anon_vma_link(vma);
			dup_published(PUB_ANON);
		}
		if (vma->vm_file) {
			vma_link_file(vma);
			dup_published(PUB_IMMAP);
		}
	}
	if (get_mm_counter(fc->mm, MM_SWAPENTS) && mmlist_add_child(fc->mm, fc->oldmm))
		dup_published(PUB_MMLIST);
}

static const struct semantics late_publish = {
	.name = "late_publish",
	.what = "nothing is published before the whole copy succeeded; a failed one is private",
	.axis = SEM_FORK,
	.base = "zero_marker",
	.hooks = {.publish = not_yet, .on_success = publish_all},
};
SEMANTICS(late_publish);
