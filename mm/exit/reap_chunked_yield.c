/*
 * reap_chunked_yield.c - 7.0: as reap_reverse, but in pieces, between which a writer gets the lock.
 *
 * So what an exit waits for its write lock is bounded by one piece.
 */
#include "mm/oom_reap.h"

#define PIECE_BYTES (1ul << 30)

/* The highest piece of [@start, @end). */
static void take_piece(struct reap_walk *rw, unsigned long start, unsigned long end)
{
	rw->end = end;
	rw->start = end - start > PIECE_BYTES ? end - PIECE_BYTES : start;
}

static struct vm_area_struct *next_piece_down(struct reap_walk *rw)
{
	struct vm_area_struct *vma = rw->vma;

	if (vma && rw->start > vma->vm_start) {
		take_piece(rw, vma->vm_start, rw->start);
		return vma;
	}
	if (!vma)
		mas_set(&rw->mas, ~0ul);
	vma = mas_find_rev(&rw->mas, 0);
	if (vma)
		take_piece(rw, vma->vm_start, vma->vm_end);
	return vma;
}

static const struct semantics reap_chunked_yield = {
	.name = "reap_chunked_yield",
	.what = "reaper: downwards, 1 GiB at a time, then a waiting writer first (7.0)",
	.axis = SEM_ORDER,
	.hooks = {.reap_next = next_piece_down, .reap_lock = REAP_YIELD},
};
SEMANTICS(reap_chunked_yield);
