/*
 * rmap_unmap.c - reclaim takes pages from whoever maps them (try_to_unmap): by rmap, without
 *                mmap_lock.
 *
 * Owns: which pages: the oldest anonymous ones of each vCPU, used or not.
 * Not here: what is done to them (shrink.c, try_to_unmap.c, which tells what it meets).
 */
#include "mm/shrink.h"
#include "mm/walkers/walker.h"

static long walk(struct walk *w);

const struct walker walker_rmap_unmap = {
	.name = "rmap_unmap",
	.what = "takes pages out of every mm that maps them (try_to_unmap)",
	.flags = WALK_SWAP_SPACE | WALK_NO_LOCK,
	.walk = walk,
};
REGISTER(walker, &walker_rmap_unmap);

/* Frames freed. */
static long walk(struct walk *w)
{
	struct scan_control sc = {.nr_to_reclaim = ~0ul, .may_swap = true, .force = true};
	unsigned long left = w->budget ? w->budget : SHRINK_BATCH;
	struct page *pages[SHRINK_BATCH];

	for (unsigned cpu = 0; cpu < nr_vcpus && left; cpu++) {
		struct lruvec *lv = per_cpu_ptr(lruvec, cpu);
		unsigned want = (unsigned)min(left, (unsigned long)SHRINK_BATCH);
		unsigned got = lruvec_isolate(lv, LRU_INACTIVE_ANON, want, pages, want);

		shrink_folios(pages, got, lv, &sc);
		left -= got;
	}
	return (long)sc.nr_reclaimed;
}
