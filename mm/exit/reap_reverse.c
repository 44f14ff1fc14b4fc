/*
 * reap_reverse.c - since 6.18: the reaper goes down, and meets exit once.
 */
#include "mm/oom_reap.h"

static struct vm_area_struct *next_down(struct reap_walk *rw)
{
	struct vm_area_struct *vma;

	if (!rw->vma)
		mas_set(&rw->mas, ~0ul);
	vma = mas_find_rev(&rw->mas, 0);
	if (vma) {
		rw->start = vma->vm_start;
		rw->end = vma->vm_end;
	}
	return vma;
}

static const struct semantics reap_reverse = {
	.name = "reap_reverse",
	.what = "reaper: from high addresses to low ones (6.18)",
	.axis = SEM_ORDER,
	.hooks = {.reap_next = next_down},
};
SEMANTICS(reap_reverse);
