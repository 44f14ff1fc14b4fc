/*
 * mmu_gather.h - frames and tables on their way out: unmapped first, then flushed, then freed.
 *
 * Owns: the order of the three, and the batches that make each of them cheap.
 * Idea: a zap stores the frames it unmapped into a batch; when a table's worth does not fit any
 *       more, or at the end, one flush covers the whole range and the frames go to the allocator as
 *       runs. Tables are chained through their struct page and freed after a grace period, since
 *       others walk without locks.
 * Invariant: between the first frame gathered and its being freed lies a flush of its address
 *            everywhere.
 * Failure: no frame for another batch is no error: the gather flushes and goes on with what it has.
 */
#ifndef MM_MMU_GATHER_H
#define MM_MMU_GATHER_H

#include "kernel/core/static_key.h"
#include "mm/page.h"

struct mm_tables;

#define GATHER_LOCAL	   48u /* frames that fit without a batch frame */
#define GATHER_MAX_BATCHES 16u /* about 8000 frames between flushes */

struct gather_batch {
	struct gather_batch *next;
	unsigned nr;
	unsigned max;
	struct page *pages[];
};
#define GATHER_BATCH_MAX ((PAGE_SIZE - sizeof(struct gather_batch)) / sizeof(struct page *))

/* On the stack of the thread that unmaps; one thread only. */
struct mmu_gather {
	struct mm_tables *mt;
	unsigned long start; /* range unmapped and not yet flushed; start > end: none */
	unsigned long end;
	bool fullmm;	     /* nobody else uses this address space: no entry changes under us */
	bool freed_tables;   /* a table of the range was unhooked */
	unsigned nr_batches; /* frames taken for batches */
	unsigned nr_tables;
	struct gather_batch *active; /* where the next frame goes; those before it are full */
	struct page *tables;	     /* chained by private */
	struct gather_batch local;
	struct page *local_pages[GATHER_LOCAL];
};

/*
 * Called, while gather_key is on, when what was gathered of @mt has been freed: frames whose
 * entries were taken out (a shared one loses a reference), tables that now wait for a grace period.
 * Host side. Context: thread, no spinlock held.
 */
extern void (*gather_freed_hook)(const struct mm_tables *mt, unsigned long nr_frames,
				 unsigned long nr_tables);
DECLARE_STATIC_KEY(gather_key);

/* Begin. @fullmm: teardown of the whole space by its last user. */
void tlb_gather_mmu(struct mmu_gather *tlb, struct mm_tables *mt, bool fullmm);
/* Flush and free all that is gathered; the gather goes on. Context: as a flush (tlb.h). */
void tlb_flush_mmu(struct mmu_gather *tlb);
/* The last tlb_flush_mmu(), and the batches go back. */
void tlb_finish_mmu(struct mmu_gather *tlb);

/*
 * A caller with many entries gets many slots or the next batch, even if a few slots stay empty: it
 * scans as many entries as it gets slots, and should not come back for each of them.
 */
#define GATHER_SLOTS_MIN 64u

static __always_inline unsigned tlb_reserve_here(struct mmu_gather *tlb, unsigned want,
						 struct page ***slots)
{
	struct gather_batch *batch = tlb->active;

	*slots = batch->pages + batch->nr;
	return min(want, batch->max - batch->nr);
}

unsigned tlb_reserve_in_next(struct mmu_gather *tlb, unsigned want, struct page ***slots);

/*
 * tlb_reserve - slots for frames: at least 1, at most @want, of which the caller fills a number and
 * says so with tlb_commit().
 *
 * Returns:  how many; *@slots points at them. 0: nothing fits before a tlb_flush_mmu()
 * Context:  under a PTE lock; allocates without sleeping
 */
static __always_inline unsigned tlb_reserve(struct mmu_gather *tlb, unsigned want,
					    struct page ***slots)
{
	unsigned room = tlb_reserve_here(tlb, want, slots);

	if (unlikely(room < want && room < GATHER_SLOTS_MIN))
		return tlb_reserve_in_next(tlb, want, slots);
	return room;
}

static inline void tlb_commit(struct mmu_gather *tlb, unsigned nr)
{
	tlb->active->nr += nr;
}

/* Translations of [@start, @end) were removed or narrowed: the next flush covers them. */
static inline void tlb_note_range(struct mmu_gather *tlb, unsigned long start, unsigned long end)
{
	if (start < tlb->start)
		tlb->start = start;
	if (end > tlb->end)
		tlb->end = end;
}

static inline bool tlb_need_flush(const struct mmu_gather *tlb)
{
	return tlb->start < tlb->end || tlb->freed_tables;
}

/* One frame, unmapped at @addr. True: full, call tlb_flush_mmu() before the next (no lock held). */
bool __must_check tlb_remove_page(struct mmu_gather *tlb, struct page *page, unsigned long addr);

/*
 * Second half of tlb_flush_mmu(): everything gathered is freed. Unflushed translations are a bug.
 */
void tlb_free_gathered(struct mmu_gather *tlb);

/* A table page already unhooked from its parent, having served [@start, @end). */
void tlb_remove_table(struct mmu_gather *tlb, struct page *table, unsigned long start,
		      unsigned long end);

#endif
