/*
 * test_memmap.c - the list of physical ranges against a bitmap, and the loader's map with its
 * faults.
 *
 * Model: one bool per page of a small address space. After every operation the list must describe
 * the same pages and keep its invariant (aligned, sorted, apart, not empty).
 */
#include <errno.h>
#include <stdlib.h>
#include "kernel/x86/memmap.h"
#include "tests/host/htest.h"

#define PAGE	    4096ul
#define MODEL_PAGES 256ul
#define LIMIT	    (1ul << 39)

static bool invariant_holds(const struct memmap *map)
{
	for (unsigned i = 0; i < map->nr; i++) {
		const struct mem_range *r = &map->range[i];

		if (r->start >= r->end || r->start % PAGE || r->end % PAGE)
			return false;
		if (i && map->range[i - 1].end >= r->start)
			return false;
	}
	return map->nr <= MEMMAP_MAX;
}

static bool same(const struct memmap *map, const bool *model)
{
	for (unsigned long p = 0; p < MODEL_PAGES; p++)
		if (memmap_covers(map, p * PAGE, (p + 1) * PAGE) != model[p])
			return false;
	return invariant_holds(map);
}

static unsigned long count_set(const bool *model, unsigned long from, unsigned long to)
{
	unsigned long n = 0;

	for (; from < to; from++)
		n += model[from];
	return n;
}

/* First fit by brute force; MODEL_PAGES if there is none. */
static unsigned long model_take(bool *model, unsigned long size, unsigned long align,
				unsigned long low, unsigned long high)
{
	for (unsigned long p = 0; p + size <= high; p += align) {
		if (p < low || count_set(model, p, p + size) != size)
			continue;
		memset(model + p, false, size);
		return p;
	}
	return MODEL_PAGES;
}

static void model_step(struct memmap *map, bool *model)
{
	unsigned long a = random() % MODEL_PAGES, b = random() % (MODEL_PAGES + 1);
	unsigned long size, align, got;

	if (a > b) {
		got = a;
		a = b;
		b = got;
	}
	switch (random() % 3) {
	case 0:
		if (memmap_add(map, a * PAGE, b * PAGE) == 0)
			memset(model + a, true, b - a);
		break;
	case 1:
		b = a + random() % 8;
		if (b > MODEL_PAGES)
			b = MODEL_PAGES;
		h_expect_eq(memmap_remove(map, a * PAGE, b * PAGE), count_set(model, a, b) * PAGE);
		memset(model + a, false, b - a);
		break;
	default:
		size = 1 + random() % 6;
		align = 1ul << random() % 4;
		got = memmap_take(map, size * PAGE, align * PAGE, a * PAGE, b * PAGE);
		if (a == 0 && got == 0)
			break; /* page 0 cannot be told from "none": the next check decides */
		h_expect_eq(got ? got / PAGE : MODEL_PAGES, model_take(model, size, align, a, b));
		break;
	}
}

HTEST(operations_agree_with_a_bitmap)
{
	srandom(htest_seed());
	for (int round = 0; round < 200; round++) {
		struct memmap map = {0};
		bool model[MODEL_PAGES] = {false};

		/* Page 0 is kept out, so that memmap_take()'s 0 means none. */
		for (int step = 0; step < 60; step++) {
			model_step(&map, model);
			memmap_remove(&map, 0, PAGE);
			model[0] = false;
			h_assert(same(&map, model));
		}
		h_expect_eq(memmap_total(&map), count_set(model, 0, MODEL_PAGES) * PAGE);
	}
}

HTEST(partial_pages_are_lost_when_added_and_whole_when_removed)
{
	struct memmap map = {0};

	h_expect_eq(memmap_add(&map, 1, 3 * PAGE - 1), 0);
	h_assert_eq(map.nr, 1);
	h_expect_eq(map.range[0].start, PAGE);
	h_expect_eq(map.range[0].end, 2 * PAGE);
	h_expect_eq(memmap_add(&map, 5, 9), 0);
	h_expect_eq(map.nr, 1);
	h_expect_eq(memmap_remove(&map, 2 * PAGE - 1, 2 * PAGE), PAGE);
	h_expect_eq(map.nr, 0);
}

HTEST(the_top_of_the_address_space_does_not_wrap)
{
	struct memmap map = {0};

	h_expect_eq(memmap_add(&map, ~0ul - 10, ~0ul), 0);
	h_expect_eq(map.nr, 0);
	h_expect_eq(memmap_add(&map, PAGE, 4 * PAGE), 0);
	h_expect_eq(memmap_remove(&map, 2 * PAGE, ~0ul), 2 * PAGE);
	h_expect_eq(memmap_total(&map), PAGE);
}

HTEST(a_full_list_says_so_and_stays_whole)
{
	struct memmap map = {0}, before;

	for (unsigned long i = 0; i < MEMMAP_MAX; i++)
		h_assert_eq(memmap_add(&map, (4 * i + 1) * PAGE, (4 * i + 4) * PAGE), 0);
	before = map;
	h_expect_eq(memmap_add(&map, 4096 * PAGE, 4097 * PAGE), (uint64_t)-ENOSPC);
	h_expect(!memcmp(&map, &before, sizeof(map)));
	h_expect_eq(memmap_add(&map, 2 * PAGE, 3 * PAGE), 0);

	/* A hole that does not fit loses the smaller part too, but never keeps what was taken. */
	h_expect_eq(memmap_remove(&map, 2 * PAGE, 3 * PAGE), PAGE);
	h_expect(!memmap_covers(&map, 2 * PAGE, 3 * PAGE));
	h_expect(invariant_holds(&map));
	h_expect_eq(map.nr, MEMMAP_MAX);
}

/* --- multiboot's list -------------------------------------------------------- */

struct list {
	char bytes[4096];
	size_t len;
};

static void put(struct list *l, u64 addr, u64 len, u32 type, u32 size)
{
	struct multiboot_mmap_entry e = {.size = size, .addr = addr, .len = len, .type = type};

	memcpy(l->bytes + l->len, &e, sizeof(e));
	l->len += size + sizeof(e.size);
}

static int parse(const struct list *l, struct memmap *map, struct memmap_notes *notes)
{
	const char *why = NULL;
	int err = memmap_parse(l->bytes, l->len, LIMIT, map, notes, &why);

	h_expect((err != 0) == (why != NULL));
	return err;
}

HTEST(a_pc_with_a_hole_below_4g)
{
	struct list l = {.len = 0};
	struct memmap map;
	struct memmap_notes notes;

	put(&l, 0, 0x9fc00, 1, 20);
	put(&l, 0x9fc00, 0x400, 2, 20);
	put(&l, 0xf0000, 0x10000, 2, 20);
	put(&l, 0x100000, 0xbfee0000, 1, 20);
	put(&l, 0xbffe0000, 0x20000, 2, 20);
	put(&l, 0x100000000, 0x40000000, 1, 24); /* a loader may use longer entries */
	h_assert_eq(parse(&l, &map, &notes), 0);
	h_assert_eq(map.nr, 3);
	h_expect_eq(map.range[0].end, 0x9f000);
	h_expect_eq(map.range[1].end, 0xbffe0000);
	h_expect_eq(map.range[2].start, 0x100000000);
	h_expect_eq(notes.bad_entries + notes.overlaps + notes.dropped, 0);
}

HTEST(a_reservation_wins_wherever_it_stands)
{
	struct list l = {.len = 0};
	struct memmap map;
	struct memmap_notes notes;

	put(&l, 0x300000, 0x1001, 2, 20);
	put(&l, 0x100000, 0x800000, 1, 20);
	put(&l, 0x500000, 0x100000, 3, 20);
	h_assert_eq(parse(&l, &map, &notes), 0);
	h_expect_eq(notes.overlaps, 2);
	h_assert_eq(map.nr, 3);
	h_expect_eq(map.range[0].end, 0x300000);
	h_expect_eq(map.range[1].start, 0x302000);
	h_expect_eq(map.range[1].end, 0x500000);
	h_expect_eq(map.range[2].start, 0x600000);
}

HTEST(overlapping_and_unsorted_usable_entries_are_counted_once)
{
	struct list l = {.len = 0};
	struct memmap map;
	struct memmap_notes notes;

	put(&l, 0x800000, 0x800000, 1, 20);
	put(&l, 0x100000, 0x800000, 1, 20);
	put(&l, 0x100000, 0x800000, 1, 20);
	h_assert_eq(parse(&l, &map, &notes), 0);
	h_expect_eq(map.nr, 1);
	h_expect_eq(memmap_total(&map), 0xf00000);
}

HTEST(absurd_sizes_are_cut_and_noted)
{
	struct list l = {.len = 0};
	struct memmap map;
	struct memmap_notes notes;

	put(&l, 0x100000, ~0ul, 1, 20);		 /* wraps */
	put(&l, LIMIT - PAGE, 1ul << 50, 1, 20); /* beyond reach */
	put(&l, LIMIT * 2, 0x1000, 1, 20);
	put(&l, 0x400000, 0, 1, 20);
	h_assert_eq(parse(&l, &map, &notes), 0);
	h_expect_eq(notes.bad_entries, 3);
	h_expect(map.range[map.nr - 1].end <= LIMIT);
	h_expect(invariant_holds(&map));
}

HTEST(a_list_that_is_not_one_is_refused)
{
	struct memmap map = {.nr = 7}, before = map;
	struct memmap_notes notes;
	struct list l = {.len = 0};

	put(&l, 0x100000, 0x800000, 1, 20);
	l.len -= 1;
	h_expect_eq(parse(&l, &map, &notes), (uint64_t)-EINVAL);

	l.len = 0;
	put(&l, 0x100000, 0x800000, 1, 16);
	h_expect_eq(parse(&l, &map, &notes), (uint64_t)-EINVAL);

	l.len = 0;
	put(&l, 0x100000, 0x800000, 1, 0);
	h_expect_eq(parse(&l, &map, &notes), (uint64_t)-EINVAL);

	l.len = 0;
	put(&l, 0x100000, 0x800000, 1, 0xfffffffc);
	l.len = 24;
	h_expect_eq(parse(&l, &map, &notes), (uint64_t)-EINVAL);
	h_expect(!memcmp(&map, &before, sizeof(map)));

	l.len = 0;
	h_expect_eq(parse(&l, &map, &notes), 0);
	h_expect_eq(map.nr, 0);
}

HTEST(more_ranges_than_the_list_holds_are_noted)
{
	struct list l = {.len = 0};
	struct memmap map;
	struct memmap_notes notes;

	for (unsigned long i = 0; i < MEMMAP_MAX + 5; i++)
		put(&l, (2 * i + 1) * PAGE, PAGE, 1, 20);
	h_assert_eq(parse(&l, &map, &notes), 0);
	h_expect_eq(notes.dropped, 5);
	h_expect_eq(map.nr, MEMMAP_MAX);
}
