/*
 * page_alloc.h - frames: a buddy allocator with a list of single frames per virtual CPU in front of
 * it.
 *
 * Owns: handing out and taking back frames, watermarks, the ledger of live frames by owner kind.
 * Not here: struct page (page.h); objects smaller than a frame (slab.h); reclaim (layer 6, through
 *           the hook).
 * Context: nothing here is called from interrupts. Frees never sleep, allocations only as gfp
 *          allows.
 * Failure: no memory is NULL, never a panic. Fault site: fail_page_alloc.
 */
#ifndef MM_PAGE_ALLOC_H
#define MM_PAGE_ALLOC_H

#include "mm/gfp.h"
#include "mm/page.h"

/* Frames [start_pfn, end_pfn) that are usable RAM. */
struct frame_range {
	unsigned long start_pfn;
	unsigned long end_pfn;
};

#define FRAME_RANGES_MAX 32

/* What a world's allocators do beside allocating; fixed when the world is made. */
struct frames_config {
	unsigned nr_vcpus;
	bool poison; /* in checked runs: fill free frames, compare when they are handed out */
};

/*
 * frames_world_init - give the allocator its memory, forgetting everything it knew.
 *
 * @ranges:  usable RAM, sorted, disjoint, in the direct map; copied
 * Context:  nobody else uses the allocator. Repeatable; costs O(nr ranges), not O(memory).
 * Returns:  0, or -EINVAL (unsorted, too many), or -ENOMEM (too little to hold its own struct
 *           pages)
 */
int __must_check frames_world_init(const struct frame_range *ranges, unsigned nr,
				   const struct frames_config *config);

/*
 * alloc_pages - 2^order frames, contiguous and aligned, with one reference.
 *
 * @order:   0..MAX_ORDER
 * Context:  may sleep if gfp allows blocking; never from interrupts
 * Returns:  the first frame, or NULL. Contents are undefined unless __GFP_ZERO.
 */
struct page *__must_check alloc_pages(gfp_t gfp, unsigned order);

static inline struct page *__must_check alloc_page(gfp_t gfp)
{
	return alloc_pages(gfp, 0);
}

/* Requests for which there was nothing; of those that a fault site failed, none. Host side. */
extern u64 frames_refused;

/* Give back what alloc_pages() returned, the caller's being the only reference. */
void free_pages(struct page *page, unsigned order);

static inline void free_page(struct page *page)
{
	free_pages(page, 0);
}

/* One zeroed frame by its kernel address, or NULL; free_page(virt_to_page(p)). */
void *__must_check get_zeroed_page(gfp_t gfp);

/* Free a frame or folio whose last reference was just dropped with put_page_testzero(). */
void free_dead_page(struct page *head);

/* put_page() while somebody watches: a reference too many is reported. */
void put_page_watched(struct page *head);

/* Drop one reference; free at the last. @page may be a tail frame. */
static inline void put_page(struct page *page)
{
	struct page *head = page_head(page);

	if (static_branch_unlikely(&lock_slow_key))
		put_page_watched(head);
	else if (put_page_testzero_nopoint(head))
		free_dead_page(head);
}

#define RELEASE_RUNS 16u

/* Consecutive dead frames. */
struct frame_run {
	struct page *start;
	struct page *end;
};

struct lruvec;

/* Frames being released: runs of one owner kind that the buddy has not got yet. */
struct page_release {
	u64 like;	       /* page->state_aux of the frames taken now */
	struct lruvec *lists;  /* which they are on; locked within release_add(); NULL: none */
	u32 off_list;	       /* taken off it, and not yet counted there */
	u32 nr;		       /* finished runs */
	struct frame_run open; /* the run that grows */
	struct frame_run run[RELEASE_RUNS];
};

/*
 * release_begin, release_add, release_end - put_page() for many frames, at a fraction of the price.
 *
 * Physically contiguous runs, also across calls of release_add(), go back to the buddy as runs.
 * Until release_end() some frames are in nobody's list. @pages is the caller's and is left as it
 * was.
 */
void release_begin(struct page_release *rel);
void release_add(struct page_release *rel, struct page **pages, unsigned nr);
void release_end(struct page_release *rel);

/* All three for one array. */
void release_pages(struct page **pages, unsigned nr);

/* rep stosq over one frame. */
static inline void clear_frame(void *va)
{
	unsigned long n = PAGE_SIZE / 8;

	__asm__ volatile("rep stosq" : "+D"(va), "+c"(n) : "a"(0ul) : "memory");
}

/* ---- watermarks ---- */

enum watermark { WMARK_MIN, WMARK_LOW, WMARK_HIGH, WMARK_NR };

/* Frames below which: only reserves are left; background reclaim starts; it stops. */
unsigned long frames_watermark(enum watermark w);
/*
 * Set min (low and high follow as 5/4 and 3/2 of it). Frames; at most a quarter of all: else
 * -EINVAL.
 */
int __must_check frames_set_min(unsigned long min);

/* Frames in the buddy, those it has not grown over included; per-vCPU lists are not. */
unsigned long frames_free(void);
/* Frames the allocator was given, less what its own struct pages took. */
unsigned long frames_total(void);
/* Live frames of one owner kind. Exact when nobody allocates meanwhile. */
long frames_live(enum frame_kind kind);
const char *frame_kind_name(enum frame_kind kind);

/* Is this a frame the allocator hands out, and one it has grown over? Not so those of mem_map. */
bool frames_manages(unsigned long pfn);

/* What layer 6 does about memory that runs low. Called with no lock of the allocator held. */
struct frames_pressure {
	/* Below the low watermark: start background work, at once. May be under spinlocks. */
	void (*low)(void);
	/* Nothing left for one who may sleep: free something. Frames freed; 0: it is no use. */
	unsigned long (*reclaim)(gfp_t gfp, unsigned order);
	/* What the running thread may do, who asks with @gfp. */
	gfp_t (*thread_gfp)(gfp_t gfp);
};
/* NULL: nobody does anything. */
void frames_pressure_set(const struct frames_pressure *ops);

/* ---- per-vCPU lists ---- */

/* Give the running virtual CPU's list back to the buddy. */
void drain_local_pages(void);
/*
 * The same for @cpu, which must not be running (a lab world between steps, a single-threaded host).
 */
void drain_vcpu_pages(unsigned cpu);
/* For every virtual CPU: the caller moves over them one after the other. May sleep. */
void drain_all_pages(void);
/*
 * The same, and free memory put in order: which frames come next is decided by what is in use
 * alone.
 */
void frames_settle(void);

/*
 * frames_check - walk every struct page and free list and compare with the counters.
 *
 * Context:  nobody else uses the allocator
 * Returns:  0, or -EINVAL with the first thing wrong in the log
 */
int __must_check frames_check(void);

#endif
