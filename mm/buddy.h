/*
 * buddy.h - free blocks of 2^order frames: the inside of the frame allocator.
 *
 * Owns: struct zone, taking and giving back blocks and runs, growing over memory not yet used.
 * Not here: who asks and how low memory may fall (page_alloc.c).
 * Included by mm/page_*.c, mm/buddy.c and mm/page_check.c only.
 */
#ifndef MM_BUDDY_H
#define MM_BUDDY_H

#include "kernel/base/annotations.h"
#include "mm/page_alloc.h"

#define BUDDY_CHUNK 1024ul /* frames whose struct pages are written at once; a block of MAX_ORDER */
/* Each gap between ranges may give back the struct pages that would have described it. */
#define ZONE_RANGES (2 * FRAME_RANGES_MAX + 2)

/* Field key: [W] set when the world is made  [Z] lock */
struct zone {
	spinlock_t lock;
	u32 nonempty;			       /* [Z] bit o clear: free[o] is empty */
	struct list_head free[MAX_ORDER + 1];  /* [Z] blocks, first frame by lru */
	unsigned long nr_free;		       /* [Z] in the blocks, and not yet grown over */
	unsigned long nr_total;		       /* [W] */
	unsigned long wmark[WMARK_NR];	       /* [Z] */
	struct frame_range range[ZONE_RANGES]; /* [W] sorted; what may be handed out */
	unsigned nr_ranges;		       /* [W] */
	unsigned grow_range;		       /* [Z] the range growth stands in */
	unsigned long grow_pfn;		       /* [Z] next frame of it to grow over */
	unsigned long init_pfn;		       /* [Z] struct pages below are written */
	bool poison;			       /* [W] */
};

extern struct zone zone;

#define BUDDY_STATE(order) (FK_BUDDY | (u32)(order) << 8)

/* Forget all; nothing is free before ranges are set and grown over. */
void buddy_init(struct zone *z);

/* A block of @order, or NULL. Its frames have state FK_FREE. Locks: z->lock. */
struct page *buddy_take(struct zone *z, unsigned order) REQUIRES(z->lock);

/*
 * Up to @nr single frames into @slots, so that slots[n - 1], slots[n - 2] ... ascend in memory.
 * Returns n.
 */
unsigned buddy_take_bulk(struct zone *z, struct page **slots, unsigned nr) REQUIRES(z->lock);

/* One block back, merged with its free neighbours. All its frames have state FK_FREE. */
void buddy_give(struct zone *z, unsigned long pfn, unsigned order) REQUIRES(z->lock);

/* Any @nr consecutive frames back, state FK_FREE each. */
void buddy_give_run(struct zone *z, unsigned long pfn, unsigned long nr) REQUIRES(z->lock);

/* @nr single frames back, state FK_FREE each; consecutive neighbours in the array go as one run. */
void buddy_give_frames(struct zone *z, struct page **pages, unsigned nr) REQUIRES(z->lock);

/*
 * Order every list by address. With the lists of vCPUs drained, what is handed out next then
 * depends on what is in use, not on how it came about: the start of a measurement.
 */
void buddy_sort(struct zone *z) REQUIRES(z->lock);

unsigned long zone_grown_end(const struct zone *z, unsigned i);

#endif
