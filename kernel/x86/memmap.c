/*
 * memmap.c - sorted lists of physical ranges. See memmap.h.
 */
#include "kernel/x86/memmap.h"

#include <errno.h>
#include <string.h>
#include "kernel/x86/init.h"
#include "kernel/x86/layout.h"

#define MULTIBOOT_USABLE 1

/* Make room for one entry at @at. */
static void open_gap(struct memmap *map, unsigned at)
{
	memmove(&map->range[at + 1], &map->range[at], (map->nr - at) * sizeof(map->range[0]));
	map->nr++;
}

static void close_gap(struct memmap *map, unsigned at, unsigned count)
{
	memmove(&map->range[at], &map->range[at + count],
		(map->nr - at - count) * sizeof(map->range[0]));
	map->nr -= count;
}

int memmap_add(struct memmap *map, u64 start, u64 end)
{
	unsigned first, last;

	if (start > ~0UL - PAGE_SIZE)
		return 0;
	start = ALIGN_UP(start, PAGE_SIZE);
	end = ALIGN_DOWN(end, PAGE_SIZE);
	if (start >= end)
		return 0;

	/*
	 * [first, last): the ranges that [start, end) overlaps or touches; they become one with it.
	 */
	for (first = 0; first < map->nr && map->range[first].end < start; first++)
		;
	for (last = first; last < map->nr && map->range[last].start <= end; last++)
		;
	if (first == last) {
		if (map->nr == MEMMAP_MAX)
			return -ENOSPC;
		open_gap(map, first);
		map->range[first] = (struct mem_range){start, end};
		return 0;
	}
	map->range[first].start = min(start, map->range[first].start);
	map->range[first].end = max(end, map->range[last - 1].end);
	close_gap(map, first + 1, last - first - 1);
	return 0;
}

/* [start, end) lies inside range @i and touches neither of its ends. */
static void split_range(struct memmap *map, unsigned i, u64 start, u64 end)
{
	struct mem_range *r = &map->range[i];

	if (map->nr < MEMMAP_MAX) {
		open_gap(map, i);
		map->range[i].end = start;
		map->range[i + 1].start = end;
	} else if (start - r->start < r->end - end) {
		r->start = end;
	} else {
		r->end = start;
	}
}

u64 memmap_remove(struct memmap *map, u64 start, u64 end)
{
	u64 removed = 0;

	start = ALIGN_DOWN(start, PAGE_SIZE);
	end = end > ~0UL - PAGE_SIZE ? ALIGN_DOWN(~0UL, PAGE_SIZE) : ALIGN_UP(end, PAGE_SIZE);
	if (start >= end)
		return 0;

	for (unsigned i = 0; i < map->nr;) {
		struct mem_range *r = &map->range[i];

		if (r->end <= start || r->start >= end) {
			i++;
			continue;
		}
		removed += min(end, r->end) - max(start, r->start);
		if (start <= r->start && end >= r->end) {
			close_gap(map, i, 1);
			continue;
		}
		if (start > r->start && end < r->end)
			split_range(map, i++, start, end);
		else if (start <= r->start)
			r->start = end;
		else
			r->end = start;
		i++;
	}
	return removed;
}

u64 memmap_take(struct memmap *map, u64 size, u64 align, u64 min_addr, u64 max_addr)
{
	for (unsigned i = 0; i < map->nr; i++) {
		u64 start = ALIGN_UP(max(map->range[i].start, min_addr), align);
		u64 end = min(map->range[i].end, max_addr);

		if (start < end && end - start >= size) {
			memmap_remove(map, start, start + size);
			return start;
		}
	}
	return 0;
}

u64 memmap_total(const struct memmap *map)
{
	u64 total = 0;

	for (unsigned i = 0; i < map->nr; i++)
		total += map->range[i].end - map->range[i].start;
	return total;
}

bool memmap_covers(const struct memmap *map, u64 start, u64 end)
{
	for (unsigned i = 0; i < map->nr; i++)
		if (map->range[i].start <= start && end <= map->range[i].end)
			return true;
	return false;
}

/*
 * The next entry of multiboot's list, or NULL at its end; *@offset moves on. -EINVAL in *@err for a
 * bad length.
 */
static __init bool next_entry(const char *list, size_t len, size_t *offset,
			      struct multiboot_mmap_entry *entry, int *err)
{
	if (*offset == len)
		return false;
	*err = -EINVAL;
	if (len - *offset < sizeof(*entry))
		return false;
	memcpy(entry, list + *offset, sizeof(*entry));
	if (entry->size < sizeof(*entry) - sizeof(entry->size) ||
	    entry->size > len - *offset - sizeof(entry->size))
		return false;
	*offset += entry->size + sizeof(entry->size);
	*err = 0;
	return true;
}

/* What lies within reach of @entry; an entry that makes no sense is empty and counted. */
static __init struct mem_range entry_range(const struct multiboot_mmap_entry *entry, u64 limit,
					   struct memmap_notes *notes)
{
	struct mem_range r = {entry->addr, entry->addr + entry->len};

	if (r.end < r.start) {
		r.end = limit;
		notes->bad_entries++;
	} else if (r.end > limit && entry->type == MULTIBOOT_USABLE) {
		notes->bad_entries++;
	}
	r.end = min(r.end, limit);
	r.start = min(r.start, r.end);
	return r;
}

int __init memmap_parse(const void *entries, size_t len, u64 limit, struct memmap *out,
			struct memmap_notes *notes, const char **why)
{
	struct multiboot_mmap_entry entry;
	struct memmap map = {0};
	size_t offset;
	int err = 0;

	memset(notes, 0, sizeof(*notes));
	for (offset = 0; next_entry(entries, len, &offset, &entry, &err);) {
		struct mem_range r = entry_range(&entry, limit, notes);

		if (entry.type == MULTIBOOT_USABLE && memmap_add(&map, r.start, r.end))
			notes->dropped++;
	}
	if (err) {
		*why = "the loader's memory map is damaged (entry length)";
		return err;
	}

	/* A second pass, because an overlapping reservation may stand before what it overlaps. */
	for (offset = 0; next_entry(entries, len, &offset, &entry, &err);) {
		struct mem_range r = entry_range(&entry, limit, &(struct memmap_notes){0});

		if (entry.type != MULTIBOOT_USABLE && r.start < r.end &&
		    memmap_remove(&map, r.start, r.end))
			notes->overlaps++;
	}
	*out = map;
	return 0;
}
