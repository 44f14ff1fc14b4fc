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

#define RUNS_MAX  16u
#define RUN_SHORT 4u /* runs up to this length go to the vCPU's list while it has room */

struct frame_run {
	struct page *start;
	struct page *end;
};

/* Runs of dead frames, all of one kind, on their way to the buddy. */
struct release {
	u32 kind;
	unsigned nr;
	struct frame_run run[RUNS_MAX];
};

static noinline void release_runs(struct release *rel)
{
	struct frame_list *fl;
	unsigned kept = 0;

	preempt_disable();
	fl = this_cpu_ptr(frame_list);
	for (unsigned i = 0; i < rel->nr; i++) {
		struct frame_run *run = &rel->run[i];
		unsigned len = run->end - run->start;

		fl->live[rel->kind] -= len;
		if (len <= RUN_SHORT && fl->count + len <= fl->high) {
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

static __always_inline void release_run(struct release *rel, struct page *start, struct page *end)
{
	if (start == end)
		return;
	rel->run[rel->nr++] = (struct frame_run){start, end};
	if (unlikely(rel->nr == RUNS_MAX))
		release_runs(rel);
}

/*
 * A frame of another kind than the last, or no single frame at all. True: go on with the new kind.
 */
static bool release_kind(struct release *rel, u32 state)
{
	release_runs(rel);
	if (state < FK_KERNEL || state >= FK_NR)
		return false;
	rel->kind = state;
	return true;
}

static noinline void release_each(struct page **pages, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		put_page(pages[i]);
}

/* One locked instruction without a schedule point: only for loops that run while points are off. */
static __always_inline bool put_page_testzero_nopoint(struct page *page)
{
	return __atomic_sub_fetch(&page->_refcount.counter, 1, __ATOMIC_SEQ_CST) == 0;
}

void release_pages(struct page **pages, unsigned nr)
{
	struct page **last = pages + nr, *start = NULL, *end = NULL;
	struct release rel;
	u32 kind = FK_FREE;

	if (static_branch_unlikely(&lock_slow_key)) {
		release_each(pages, nr);
		return;
	}
	rel.nr = 0;
	rel.kind = kind;
	for (; pages < last; pages++) {
		struct page *page = *pages;

		if (unlikely(page->state != kind)) {
			release_run(&rel, start, end);
			start = end = NULL;
			if (!release_kind(&rel, page->state)) {
				put_page(page); /* a folio; if free already, reported there */
				continue;
			}
			kind = rel.kind;
		}
		if (!put_page_testzero_nopoint(page))
			continue;
		page->state = FK_FREE;
		if (likely(page == end)) {
			end++;
		} else if (page + 1 == start) {
			start = page;
		} else {
			release_run(&rel, start, end);
			start = page;
			end = page + 1;
		}
	}
	release_run(&rel, start, end);
	release_runs(&rel);
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
