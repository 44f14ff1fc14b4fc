/*
 * page_internal.h - what the files of the frame allocator share and nobody else sees.
 */
#ifndef MM_PAGE_INTERNAL_H
#define MM_PAGE_INTERNAL_H

#include "kernel/core/static_key.h"
#include "kernel/x86/percpu.h"
#include "mm/buddy.h"

#define FRAME_LIST_MAX 128u

/*
 * Free single frames of one vCPU, and what it handed out. Touched by that vCPU with preemption off
 * only, so neither lock nor atomic is needed; never from interrupts.
 */
struct frame_list {
	u32 count;
	u32 high;			   /* frames it may hold */
	u32 batch;			   /* frames moved to or from the buddy at once */
	struct page *slot[FRAME_LIST_MAX]; /* a stack: the frame used last is handed out first */
	long live[FK_NR]; /* allocated here minus freed here: only sums over vCPUs have a meaning */
};

DECLARE_PER_CPU(struct frame_list, frame_list);

/* Empty lists, sized so that all of them together hold at most an eighth of memory. */
void frame_lists_init(struct zone *z, unsigned nr_cpus);

/* Checked runs: fill a frame that becomes free; look whether it is untouched when it is taken. */
void frames_poison(struct page *page, unsigned order);
void frames_poison_check(struct page *page, unsigned order);
/* Checked runs: a frame that PTEs still map may not be freed. */
void frame_check_free(struct page *head);
/* What a free does beside freeing while anybody watches. */
void frame_free_watched(struct page *head);
/* A frame given back that is free already, a tail, or referenced by others. */
void __noreturn frame_bad_free(struct page *page);

#endif
