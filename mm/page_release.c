/*
 * page_release.c - drop many references at once, and empty the per-vCPU lists.
 *
 * Owns: release_pages(), draining.
 * Idea: frames come here in the order in which they were mapped, which is mostly the order in which
 *       the buddy handed them out: consecutive. A consecutive run of dead frames is one range for
 *       the buddy, so the price per frame is the price of dropping its reference and noticing that
 *       it follows the last one.
 */
#include "mm/page_alloc.h"

#include "kernel/core/preempt.h"
#include "mm/drain.h"
#include "mm/lru.h"
#include "mm/page_internal.h"

#define RUN_SHORT \
	1u /* runs up to this length fill the vCPU's list while it is less than half full */

static noinline void release_runs(struct page_release *rel)
{
	struct frame_list *fl;
	unsigned kept = 0;

	preempt_disable();
	fl = this_cpu_ptr(frame_list);
	for (unsigned i = 0; i < rel->nr; i++) {
		struct frame_run *run = &rel->run[i];
		unsigned len = run->end - run->start;

		fl->live[(u8)rel->like] -= len;
		if (len <= RUN_SHORT && fl->count + len <= fl->batch) {
			while (run->start < run->end)
				fl->slot[fl->count++] = run->start++;
		} else {
			rel->run[kept++] = *run;
		}
	}
	if (kept) {
		spin_lock(&zone.lock);
		for (unsigned i = 0; i < kept; i++)
			buddy_give_run(&zone, page_to_pfn(rel->run[i].start),
				       rel->run[i].end - rel->run[i].start);
		spin_unlock(&zone.lock);
	}
	preempt_enable();
	rel->nr = 0;
}

static __always_inline void release_run(struct page_release *rel, struct frame_run run)
{
	if (run.start == run.end)
		return;
	rel->run[rel->nr++] = run;
	if (unlikely(rel->nr == RELEASE_RUNS))
		release_runs(rel);
}

/* Of no frame: a change comes before the next one. */
#define LIKE_NONE (~0ull << 32)

static void release_unlock(struct page_release *rel) NO_LOCK_ANALYSIS
{
	if (rel->lists) {
		rel->lists->nr[LRU_PLACE_LIST((u32)(rel->like >> 32))] -= rel->off_list;
		spin_unlock(&rel->lists->lock);
	}
	rel->lists = NULL;
	rel->off_list = 0;
	rel->like |= LIKE_NONE;
}

/*
 * A frame unlike the last: of another kind, on another LRU list, of a folio, or one that is free.
 * True: a single frame, whose lists are locked; go on with its like. False: it was dealt with.
 */
static noinline bool release_change(struct page_release *rel, struct page *page)
{
	release_unlock(rel);
	if (page->state != (u32)rel->like) {
		release_run(rel, rel->open);
		rel->open = (struct frame_run){NULL, NULL};
		release_runs(rel);
		rel->like = ~0ull;
	}
	if (page->kind < FK_KERNEL || page->kind >= FK_NR)
		frame_bad_free(page);
	if (page->order || page->tail) {
		put_page(page);
		return false;
	}
	rel->lists = folio_lruvec_lock(page);
	rel->like = READ_ONCE_NOPOINT(page->state_aux);
	return true;
}

/* Put back on a list after it was looked at, by somebody who had a reference until then. */
static noinline void release_off_other_list(struct page *page)
{
	lru_remove_dead(page);
}

static __always_inline u64 frame_like(struct page *page, bool watched)
{
	return watched ? READ_ONCE(page->state_aux) : READ_ONCE_NOPOINT(page->state_aux);
}

static __always_inline void release_frames(struct page_release *rel, struct page **pages,
					   unsigned nr, bool watched)
{
	struct frame_run run = rel->open;
	u64 like = rel->like;
	bool listed = false;
	u32 off_list = 0;

	for (struct page **last = pages + nr; pages < last; pages++) {
		struct page *page = *pages;

		if (unlikely(frame_like(page, watched) != like)) {
			bool single;

			rel->open = run;
			rel->off_list = off_list;
			single = release_change(rel, page);
			run = rel->open;
			like = rel->like;
			listed = rel->lists;
			off_list = 0;
			if (!single)
				continue;
		}
		if (!(watched ? put_page_testzero(page) : put_page_testzero_nopoint(page)))
			continue;
		if (watched)
			frame_free_watched(page);
		if (likely(listed)) {
			list_unlink(&page->lru);
			off_list++;
		} else if (unlikely(page->aux & LRU_PLACE_ON)) {
			release_off_other_list(page);
		}
		WRITE_ONCE_NOPOINT(page->state_aux, (u64)FK_FREE);
		if (likely(page == run.end)) {
			run.end++;
		} else if (page + 1 == run.start) {
			run.start = page;
		} else {
			release_run(rel, run);
			run = (struct frame_run){page, page + 1};
		}
	}
	rel->open = run;
	rel->off_list = off_list;
	release_unlock(rel);
}

void release_begin(struct page_release *rel)
{
	rel->like = ~0ull;
	rel->lists = NULL;
	rel->off_list = 0;
	rel->nr = 0;
	rel->open = (struct frame_run){NULL, NULL};
}

void release_add(struct page_release *rel, struct page **pages, unsigned nr)
{
	if (static_branch_unlikely(&lock_slow_key))
		release_frames(rel, pages, nr, true);
	else
		release_frames(rel, pages, nr, false);
}

void release_end(struct page_release *rel)
{
	release_run(rel, rel->open);
	release_runs(rel);
}

void release_pages(struct page **pages, unsigned nr)
{
	struct page_release rel;

	release_begin(&rel);
	release_add(&rel, pages, nr);
	release_end(&rel);
}

/* ---- draining ---- */

static void drain_list(struct frame_list *fl)
{
	if (!fl->count)
		return;
	spin_lock(&zone.lock);
	buddy_give_frames(&zone, fl->slot, fl->count);
	spin_unlock(&zone.lock);
	fl->count = 0;
}

void drain_local_pages(void)
{
	preempt_disable();
	drain_list(this_cpu_ptr(frame_list));
	preempt_enable();
}

void drain_vcpu_pages(unsigned cpu)
{
	drain_list(per_cpu_ptr(frame_list, cpu));
}

static void drain_here(void *arg __maybe_unused)
{
	drain_local_pages();
}

void drain_all_pages(void)
{
	on_each_vcpu(drain_here, NULL);
}

void frames_settle(void)
{
	drain_all_pages();
	spin_lock(&zone.lock);
	buddy_sort(&zone);
	spin_unlock(&zone.lock);
}
