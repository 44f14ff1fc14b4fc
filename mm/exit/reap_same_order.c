/*
 * reap_same_order.c - until 6.17: the reaper goes up, as exit does, and meets it at every table.
 */
#include "mm/oom_reap.h"

static struct vm_area_struct *next_up(struct reap_walk *rw)
{
	struct vm_area_struct *vma = mas_find(&rw->mas, ~0ul);

	if (vma) {
		rw->start = vma->vm_start;
		rw->end = vma->vm_end;
	}
	return vma;
}

static const struct semantics reap_same_order = {
	.name = "reap_same_order",
	.what = "reaper: from low addresses to high ones, as exit goes (6.17)",
	.axis = SEM_ORDER,
	.hooks = {.reap_next = next_up},
};
SEMANTICS(reap_same_order);
