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

		fl->live[rel->kind] -= len;
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

/*
 * A frame of another kind than the last, or of a folio, or one that is free. True: a single frame,
 * go on with its kind. False: it was dealt with.
 */
static bool release_kind(struct page_release *rel, struct page *page)
{
	release_runs(rel);
	if (page->kind < FK_KERNEL || page->kind >= FK_NR)
		frame_bad_free(page);
	if (page->order || page->tail) {
		put_page(page);
		return false;
	}
	rel->kind = page->state;
	return true;
}

static __always_inline void release_frames(struct page_release *rel, struct page **pages,
					   unsigned nr, bool watched)
{
	struct frame_run run = rel->open;
	u32 kind = rel->kind;

	for (struct page **last = pages + nr; pages < last; pages++) {
		struct page *page = *pages;

		if (unlikely(page->state != kind)) {
			release_run(rel, run);
			run = (struct frame_run){NULL, NULL};
			if (!release_kind(rel, page))
				continue;
			kind = rel->kind;
		}
		if (!(watched ? put_page_testzero(page) : put_page_testzero_nopoint(page)))
			continue;
		if (watched)
			frame_free_watched(page);
		page->state = FK_FREE;
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
}

void release_begin(struct page_release *rel)
{
	rel->kind = FK_FREE;
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
