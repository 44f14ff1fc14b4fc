/*
 * memmap.h - which physical memory there is and which of it is still free at boot.
 *
 * Owns: sorted lists of ranges, the reading of multiboot's memory map, first-fit taking. Pure: no
 *       state.
 * Idea: boot memory is taken by cutting it off the free list, so what is left on the list is what
 *       layer 4 gets.
 * Invariant of a list: ranges are page-aligned, not empty, sorted, and neither overlap nor touch.
 */
#ifndef KERNEL_X86_MEMMAP_H
#define KERNEL_X86_MEMMAP_H

#include "kernel/base/compiler.h"

#define MEMMAP_MAX 64

struct mem_range {
	u64 start; /* physical, [start, end) */
	u64 end;
};

struct memmap {
	unsigned nr;
	struct mem_range range[MEMMAP_MAX];
};

/* One entry of multiboot's map. @size does not count itself. */
struct multiboot_mmap_entry {
	u32 size;
	u64 addr;
	u64 len;
	u32 type; /* 1 = usable */
} __packed;

/* What had to be corrected. */
struct memmap_notes {
	unsigned bad_entries; /* wrapped around, or beyond what the CPU can address */
	unsigned overlaps;    /* usable memory that another entry reserves: the reservation wins */
	unsigned dropped;     /* ranges beyond MEMMAP_MAX */
};

/*
 * memmap_parse - the usable RAM of multiboot's map at @entries, @len bytes.
 *
 * @limit:   first physical address that is out of reach
 * Returns:  0 with *@map and *@notes written; -EINVAL with *@why, if the list is not a list of
 *           entries
 */
int __must_check memmap_parse(const void *entries, size_t len, u64 limit, struct memmap *map,
			      struct memmap_notes *notes, const char **why);

/*
 * Add [start, end), cut to whole pages, merging with neighbours. Returns 0, or -ENOSPC with the
 * list unchanged.
 */
int __must_check memmap_add(struct memmap *map, u64 start, u64 end);

/*
 * memmap_remove - take [start, end), widened to whole pages, off the list.
 *
 * Returns the bytes that were on it. A split that does not fit into the list drops the smaller
 * half.
 */
u64 memmap_remove(struct memmap *map, u64 start, u64 end);

/*
 * memmap_take - cut @size bytes at a multiple of @align out of the lowest range that has them in
 * [min, max).
 *
 * @size, @align:  multiples of the page size, @align a power of two
 * Returns:        the physical address, or 0 if there is no such range
 */
u64 memmap_take(struct memmap *map, u64 size, u64 align, u64 min, u64 max);

u64 memmap_total(const struct memmap *map);

/* Is all of [start, end) on the list? */
bool memmap_covers(const struct memmap *map, u64 start, u64 end);

#endif
