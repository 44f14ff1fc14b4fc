/*
 * page_init.c - give the frame allocator its memory.
 *
 * Owns: where the array of struct pages lies, and which frames are left to hand out.
 * Idea: the array is indexed by frame number without holes, so it covers the gaps between RAM
 *       ranges as well. The part of it that would describe nothing but a gap is never written or
 *       read, so its frames are handed out like any others:
 *
 *	RAM      [ range 0 ]      gap      [ range 1                                   ]
 *	array                              [ of range 0 | of the gap | of range 1 ]
 *	handed out 0                                      1            2            [ 3 ]
 */
#include "mm/page_alloc.h"

#include <errno.h>
#include "kernel/base/bits.h"
#include "kernel/core/bug.h"
#include "mm/buddy.h"
#include "mm/lru.h"
#include "mm/page_internal.h"

unsigned long frames_base_pfn, frames_end_pfn;
struct page *mem_map;

#define PAGES_PER_FRAME (PAGE_SIZE / sizeof(struct page))

static bool ranges_valid(const struct frame_range *ranges, unsigned nr)
{
	unsigned long last = 0;

	if (nr == 0 || nr > FRAME_RANGES_MAX)
		return false;
	for (unsigned i = 0; i < nr; i++) {
		if (ranges[i].start_pfn < last || ranges[i].start_pfn >= ranges[i].end_pfn)
			return false;
		last = ranges[i].end_pfn;
	}
	return true;
}

static void range_add(struct zone *z, unsigned long start, unsigned long end)
{
	if (start >= end)
		return;
	ASSERT(z->nr_ranges < ZONE_RANGES);
	z->range[z->nr_ranges++] = (struct frame_range){start, end};
	z->nr_total += end - start;
}

/* Frames of the array that describe only the gap [@from, @to), as frame numbers. */
static struct frame_range gap_frames(unsigned long map_pfn, unsigned long from, unsigned long to)
{
	unsigned long first = ALIGN_UP(from, BUDDY_CHUNK), last = ALIGN_DOWN(to, BUDDY_CHUNK);

	if (first >= last)
		return (struct frame_range){0, 0};
	return (struct frame_range){
		map_pfn + (first - frames_base_pfn) / PAGES_PER_FRAME,
		map_pfn + (last - frames_base_pfn) / PAGES_PER_FRAME,
	};
}

/* What is left of the range that holds the array at its start. */
static void add_host_range(struct zone *z, const struct frame_range *ranges, unsigned nr,
			   unsigned host, unsigned long map_frames)
{
	unsigned long map_pfn = ranges[host].start_pfn;

	for (unsigned i = 0; i + 1 < nr; i++) {
		struct frame_range gap =
			gap_frames(map_pfn, ranges[i].end_pfn, ranges[i + 1].start_pfn);

		range_add(z, gap.start_pfn, gap.end_pfn);
	}
	range_add(z, map_pfn + map_frames, ranges[host].end_pfn);
}

int frames_world_init(const struct frame_range *ranges, unsigned nr,
		      const struct frames_config *config)
{
	struct zone *z = &zone;
	unsigned long map_frames;
	unsigned host;

	if (!ranges_valid(ranges, nr))
		return -EINVAL;

	frames_base_pfn = ALIGN_DOWN(ranges[0].start_pfn, BUDDY_CHUNK);
	frames_end_pfn = ALIGN_UP(ranges[nr - 1].end_pfn, BUDDY_CHUNK);
	map_frames = (frames_end_pfn - frames_base_pfn) / PAGES_PER_FRAME;
	for (host = 0; host < nr; host++) {
		if (ranges[host].end_pfn - ranges[host].start_pfn > map_frames)
			break;
	}
	if (host == nr)
		return -ENOMEM;

	mem_map = (struct page *)phys_to_virt(PHYS(ranges[host].start_pfn << PAGE_SHIFT)) -
		  frames_base_pfn;
	buddy_init(z);
	for (unsigned i = 0; i < nr; i++) {
		if (i == host)
			add_host_range(z, ranges, nr, host, map_frames);
		else
			range_add(z, ranges[i].start_pfn, ranges[i].end_pfn);
	}
	z->nr_free = z->nr_total;
	z->grow_pfn = z->range[0].start_pfn;
	z->init_pfn = frames_base_pfn;
	z->poison = config->poison;
	frame_lists_init(z, config->nr_vcpus);
	lru_world_init(config->nr_vcpus);
	return frames_set_min(min(z->nr_total / 128, 4096ul));
}
