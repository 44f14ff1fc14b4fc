/*
 * page_alloc.c - hand frames out and take them back.
 *
 * Owns: the list of single frames per vCPU, watermarks, the way an allocation goes when memory is
 *       short, batched release.
 * Not here: blocks (buddy.c), what checked runs look at (page_check.c).
 * Idea: one frame is a pop or a push on an array of the running vCPU; the zone lock is taken for
 *       half a list at a time. Many frames at once (release_pages) go to the buddy as consecutive
 *       runs, so that memory which was handed out in order merges by the run and not by the frame.
 * Invariant: a frame is in exactly one place: allocated (state says by whom), on one list, or
 *       inside one block; the counters of live frames, lists and blocks add up to all memory.
 */
#include "mm/page_alloc.h"

#include <errno.h>
#include "kernel/base/bits.h"
#include "kernel/core/bug.h"
#include "kernel/core/events.h"
#include "kernel/core/fault.h"
#include "kernel/core/preempt.h"
#include "mm/drain.h"
#include "mm/lru.h"
#include "mm/observer.h"
#include "mm/page_internal.h"

DEFINE_PER_CPU(struct frame_list, frame_list);
FAULT_SITE(fail_page_alloc, "a frame or block of frames");

const struct mm_observer *mm_observer __host_data;
static const struct frames_pressure *pressure;

void frame_lists_init(struct zone *z, unsigned nr_cpus)
{
	unsigned long share = z->nr_total / (8 * nr_cpus);
	unsigned high = min(max(share, 8ul), (unsigned long)FRAME_LIST_MAX);

	for (unsigned cpu = 0; cpu < nr_cpus; cpu++) {
		struct frame_list *fl = per_cpu_ptr(frame_list, cpu);

		*fl = (struct frame_list){.high = high, .batch = high / 2};
	}
}

/* ---- watermarks ---- */

unsigned long frames_watermark(enum watermark w)
{
	return READ_ONCE_NOPOINT(zone.wmark[w]);
}

int frames_set_min(unsigned long min)
{
	if (min > zone.nr_total / 4)
		return -EINVAL;
	spin_lock(&zone.lock);
	zone.wmark[WMARK_MIN] = min;
	zone.wmark[WMARK_LOW] = min + min / 4;
	zone.wmark[WMARK_HIGH] = min + min / 2;
	spin_unlock(&zone.lock);
	return 0;
}

void frames_pressure_set(const struct frames_pressure *ops)
{
	pressure = ops;
}

/* Frames this request may take from the buddy. */
static unsigned long zone_spare(struct zone *z, gfp_t gfp) REQUIRES(z->lock)
{
	unsigned long keep = z->wmark[WMARK_MIN];

	if (gfp & __GFP_MEMALLOC)
		keep = 0;
	else if (gfp & __GFP_HIGH)
		keep /= 2;
	return z->nr_free > keep ? z->nr_free - keep : 0;
}

/* ---- taking ---- */

/* The running vCPU's list is empty: half fill it and take one frame. *@low: memory runs low. */
static noinline struct page *frame_take_refill(gfp_t gfp, bool *low)
{
	struct zone *z = &zone;
	struct page *page = NULL;
	struct frame_list *fl;

	preempt_disable();
	fl = this_cpu_ptr(frame_list);
	if (fl->count == 0) {
		spin_lock(&z->lock);
		fl->count = buddy_take_bulk(z, fl->slot,
					    min((unsigned long)fl->batch, zone_spare(z, gfp)));
		*low = z->nr_free < z->wmark[WMARK_LOW];
		spin_unlock(&z->lock);
	}
	if (fl->count) {
		page = fl->slot[--fl->count];
		fl->live[GFP_KIND(gfp)]++;
	}
	preempt_enable();
	return page;
}

static noinline struct page *block_take(gfp_t gfp, unsigned order, bool *low)
{
	struct zone *z = &zone;
	struct page *page = NULL;

	spin_lock(&z->lock);
	if (zone_spare(z, gfp) >= 1ul << order)
		page = buddy_take(z, order);
	*low = z->nr_free < z->wmark[WMARK_LOW];
	if (page)
		this_cpu_ptr(frame_list)->live[GFP_KIND(gfp)] += 1l << order;
	spin_unlock(&z->lock);
	return page;
}

static struct page *take_slow(gfp_t gfp, unsigned order, bool *low)
{
	return order ? block_take(gfp, order, low) : frame_take_refill(gfp, low);
}

/*
 * Have something freed and take it, as long as something is. A block is not made by many frames, so
 * one attempt must do for it.
 */
static struct page *take_reclaimed(gfp_t gfp, unsigned order)
{
	struct page *page = NULL;
	bool low;

	while (!page && pressure && pressure->reclaim(gfp, order)) {
		page = take_slow(gfp, order, &low);
		if (order)
			break;
	}
	if (page)
		return page;
	drain_all_pages();
	return take_slow(gfp, order, &low);
}

/* Nothing at hand: wake background reclaim, and if the caller may sleep, look everywhere. */
static struct page *alloc_hard(gfp_t gfp, unsigned order)
{
	bool low = false;
	struct page *page;

	if (pressure)
		gfp = pressure->thread_gfp(gfp);
	page = take_slow(gfp, order, &low);
	if ((low || !page) && pressure && (gfp & __GFP_KSWAPD_RECLAIM))
		pressure->low();
	if (page || !gfpflags_allow_blocking(gfp))
		return page;
	return take_reclaimed(gfp, order);
}

static __always_inline struct page *frame_take(gfp_t gfp)
{
	struct page *page = NULL;
	struct frame_list *fl;
	u32 n;

	preempt_disable();
	fl = this_cpu_ptr(frame_list);
	n = fl->count;
	if (likely(n)) {
		fl->count = n - 1;
		fl->live[GFP_KIND(gfp)]++;
		page = fl->slot[n - 1];
	}
	preempt_enable();
	return page;
}

static noinline void folio_prepare(struct page *head, gfp_t gfp, unsigned order)
{
	unsigned long nr = 1ul << order;

	for (unsigned long i = 1; (gfp & __GFP_COMP) && i < nr; i++) {
		struct page *tail = head + i;

		tail->flags = 0;
		tail->_refcount.counter = 0;
		tail->_mapcount.counter = 0;
		WRITE_ONCE_NOPOINT(tail->state_aux, GFP_KIND(gfp) | order << 8 | i << 16);
	}
	if (gfp & __GFP_ZERO) {
		for (unsigned long i = 0; i < nr; i++)
			clear_frame(page_address(head + i));
	}
}

static __always_inline void frame_prepare(struct page *page, gfp_t gfp, unsigned order)
{
	page->flags = 0;
	page->_refcount.counter = 1;
	page->_mapcount.counter = 0;
	WRITE_ONCE_NOPOINT(page->state_aux, GFP_KIND(gfp) | order << 8);
}

u64 frames_refused __host_data;

/* Every allocation that is not simply the next frame of the list. */
static noinline struct page *alloc_pages_slow(gfp_t gfp, unsigned order)
{
	struct page *page;

	ASSERT(order <= MAX_ORDER);
	if (fault_should_fail(&fault_site_fail_page_alloc, PAGE_SIZE_ORDER(order)))
		return NULL;
	page = order ? NULL : frame_take(gfp);
	if (!page)
		page = alloc_hard(gfp, order);
	if (!page) {
		__atomic_fetch_add(&frames_refused, 1, __ATOMIC_RELAXED);
		return NULL;
	}
	event_count(EV_FRAME, 1);
	if (static_branch_unlikely(&checks_key))
		frames_poison_check(page, order);
	frame_prepare(page, gfp, order);
	folio_prepare(page, gfp, order);
	return page;
}

struct page *alloc_pages(gfp_t gfp, unsigned order)
{
	struct page *page;

	if (static_branch_unlikely(&faults_key))
		return alloc_pages_slow(gfp, order);
	if (static_branch_unlikely(&lock_slow_key))
		return alloc_pages_slow(gfp, order);
	if (unlikely(order))
		return alloc_pages_slow(gfp, order);
	page = frame_take(gfp);
	if (unlikely(!page))
		return alloc_pages_slow(gfp, order);
	frame_prepare(page, gfp, 0);
	if (gfp & __GFP_ZERO)
		clear_frame(page_address(page));
	return page;
}

void *get_zeroed_page(gfp_t gfp)
{
	struct page *page = alloc_page(gfp | __GFP_ZERO);

	return page ? page_address(page) : NULL;
}

/* ---- giving back ---- */

/* The @nr frames that lay in @fl longest go to the buddy. Preemption off. */
static noinline void list_spill(struct frame_list *fl, unsigned nr)
{
	spin_lock(&zone.lock);
	buddy_give_frames(&zone, fl->slot, nr);
	spin_unlock(&zone.lock);
	fl->count -= nr;
	for (unsigned i = 0; i < fl->count; i++)
		fl->slot[i] = fl->slot[i + nr];
}

static noinline void free_block(struct page *head)
{
	unsigned order = head->order;
	struct page *tail = head + 1, *end = head + (1ul << order);

	/* Tail frames are marked in a folio only, and then all of them: a power of 2 less one. */
	if (tail->state != FK_FREE) {
		for (; tail < end && tail < head + 8; tail++)
			WRITE_ONCE_NOPOINT(tail->state, FK_FREE);
		for (; tail < end; tail += 8) {
#pragma GCC unroll 8
			for (unsigned i = 0; i < 8; i++)
				WRITE_ONCE_NOPOINT(tail[i].state, FK_FREE);
		}
	}
	spin_lock(&zone.lock);
	this_cpu_ptr(frame_list)->live[head->kind] -= 1l << order;
	head->state = FK_FREE;
	buddy_give(&zone, page_to_pfn(head), order);
	spin_unlock(&zone.lock);
}

/* The same for a free. */
void frame_free_watched(struct page *head)
{
	bool checked = static_branch_unlikely(&checks_key);

	if (checked)
		frame_check_free(head);
	event_count(EV_FRAME, 1);
	point(PT_FREE, head, 0, MO_RELAXED, 0);
	if (mm_observer)
		mm_observer->freed(head, head->order);
	if (checked)
		frames_poison(head, head->order);
}

/* A single frame in use, of whatever kind, and on no LRU list: neither folio nor free. */
static __always_inline bool state_is_frame(u64 state_aux)
{
	return state_aux - FK_KERNEL < FK_NR - FK_KERNEL;
}

/* Every free that is not simply a push on the list. */
static noinline void free_dead_page_slow(struct page *head)
{
	struct frame_list *fl;

	if (head->kind < FK_KERNEL || head->kind >= FK_NR || head->tail)
		frame_bad_free(head);
	if (static_branch_unlikely(&lock_slow_key))
		frame_free_watched(head);
	if (head->aux & LRU_PLACE_ON)
		lru_remove_dead(head);
	if (head->order) {
		free_block(head);
		return;
	}
	preempt_disable();
	fl = this_cpu_ptr(frame_list);
	if (fl->count == fl->high)
		list_spill(fl, fl->batch);
	fl->live[head->kind]--;
	WRITE_ONCE_NOPOINT(head->state, FK_FREE);
	fl->slot[fl->count++] = head;
	preempt_enable();
}

static __always_inline void free_frame(struct page *head)
{
	struct frame_list *fl;
	u64 state = head->state_aux;
	u32 n;

	if (unlikely(!state_is_frame(state))) {
		free_dead_page_slow(head);
		return;
	}
	preempt_disable();
	fl = this_cpu_ptr(frame_list);
	n = fl->count;
	if (unlikely(n == fl->high)) {
		preempt_enable();
		free_dead_page_slow(head);
		return;
	}
	fl->live[state]--;
	WRITE_ONCE_NOPOINT(head->state, FK_FREE);
	fl->slot[n] = head;
	fl->count = n + 1;
	preempt_enable();
}

void free_dead_page(struct page *head)
{
	if (static_branch_unlikely(&lock_slow_key))
		free_dead_page_slow(head);
	else
		free_frame(head);
}

void put_page_watched(struct page *head)
{
	int left = atomic_dec_return(&head->_refcount);

	if (left < 0)
		frame_bad_free(head);
	if (left == 0)
		free_dead_page_slow(head);
}

void free_pages(struct page *page, unsigned order)
{
	if (unlikely(page->order != order || !put_page_testzero(page)))
		frame_bad_free(page);
	if (static_branch_unlikely(&lock_slow_key))
		free_dead_page_slow(page);
	else
		free_frame(page);
}
