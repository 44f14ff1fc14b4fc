/*
 * buddy.c - free blocks of 2^order frames, split when taken and merged when given back.
 *
 * Owns: the free lists, their counts, and struct pages seen for the first time.
 * Not here: per-vCPU lists, watermarks, references (page_alloc.c); placing mem_map (page_init.c).
 * Idea: two halves of a block differ in one bit of their frame number, and one 32-bit compare of
 *       the other half's state says whether it is free as a whole. Memory is grown over in chunks
 *       of 1024 frames, lowest first and only when the lists cannot serve, so that booting a large
 *       machine writes nothing it does not use.
 * Invariant: of two halves of a block at most one is on a list: both would have been merged.
 */
#include "mm/buddy.h"

#include "kernel/base/bits.h"
#include "kernel/core/bug.h"

struct zone zone;

void buddy_init(struct zone *z)
{
	*z = (struct zone){.nonempty = 0};
	spin_lock_init(&z->lock, LC_ZONE);
	for (unsigned order = 0; order <= MAX_ORDER; order++)
		INIT_LIST_HEAD(&z->free[order]);
}

static void block_add(struct zone *z, struct page *page, unsigned order) REQUIRES(z->lock)
{
	WRITE_ONCE_NOPOINT(page->state, BUDDY_STATE(order));
	list_add(&page->lru, &z->free[order]);
	z->nonempty |= 1u << order;
}

static void block_del(struct zone *z, struct page *page) REQUIRES(z->lock)
{
	list_unlink(&page->lru);
	WRITE_ONCE_NOPOINT(page->state, FK_FREE);
}

/* Merging stays inside a chunk of 2^MAX_ORDER frames, whose struct pages are all written. */
static __always_inline void block_merge_in(struct zone *z, unsigned long pfn, unsigned order)
	REQUIRES(z->lock)
{
	while (order < MAX_ORDER) {
		struct page *half = pfn_to_page(pfn ^ (1ul << order));

		/* It may be anybody's, who changes it: into a block only under the lock. */
		if (READ_ONCE_NOPOINT(half->state) != BUDDY_STATE(order))
			break;
		block_del(z, half);
		pfn &= ~(1ul << order);
		order++;
	}
	block_add(z, pfn_to_page(pfn), order);
}

/* Consecutive frames as the fewest aligned blocks. */
static void run_merge_in(struct zone *z, unsigned long pfn, unsigned long nr) REQUIRES(z->lock)
{
	while (nr) {
		unsigned order = min(ilog2(nr), pfn ? __ffs(pfn) : MAX_ORDER);

		order = min(order, (unsigned)MAX_ORDER);
		block_merge_in(z, pfn, order);
		pfn += 1ul << order;
		nr -= 1ul << order;
	}
}

void buddy_give(struct zone *z, unsigned long pfn, unsigned order)
{
	block_merge_in(z, pfn, order);
	z->nr_free += 1ul << order;
}

void buddy_give_run(struct zone *z, unsigned long pfn, unsigned long nr)
{
	run_merge_in(z, pfn, nr);
	z->nr_free += nr;
}

static void struct_pages_write(struct zone *z, unsigned long end_pfn) REQUIRES(z->lock)
{
	void *at = pfn_to_page(z->init_pfn);
	unsigned long words = (end_pfn - z->init_pfn) * (sizeof(struct page) / 8);

	__asm__ volatile("rep stosq" : "+D"(at), "+c"(words) : "a"(0ul) : "memory");
	z->init_pfn = end_pfn;
}

/* The next chunk of memory joins the lists. False: all of it has. */
static bool zone_grow(struct zone *z) REQUIRES(z->lock)
{
	struct frame_range *r;
	unsigned long start, end;

	while (z->grow_range < z->nr_ranges && z->grow_pfn >= z->range[z->grow_range].end_pfn) {
		z->grow_range++;
		if (z->grow_range < z->nr_ranges)
			z->grow_pfn = z->range[z->grow_range].start_pfn;
	}
	if (z->grow_range == z->nr_ranges)
		return false;

	r = &z->range[z->grow_range];
	start = z->grow_pfn;
	end = min(ALIGN_DOWN(start, BUDDY_CHUNK) + BUDDY_CHUNK, r->end_pfn);
	if (z->init_pfn < end) {
		z->init_pfn = max(z->init_pfn, ALIGN_DOWN(start, BUDDY_CHUNK));
		struct_pages_write(z, ALIGN_UP(end, BUDDY_CHUNK));
	}
	z->grow_pfn = end;
	run_merge_in(z, start, end - start);
	return true;
}

/* The smallest block of at least @order leaves its list; *@found is its order. NULL: none. */
static struct page *block_find(struct zone *z, unsigned order, unsigned *found) REQUIRES(z->lock)
{
	struct page *page;
	u32 fits;

	for (;;) {
		fits = z->nonempty >> order << order;
		if (!fits && !zone_grow(z))
			return NULL;
		if (!fits)
			continue;
		*found = __builtin_ctz(fits);
		if (!list_empty(&z->free[*found]))
			break;
		z->nonempty &= ~(1u << *found);
	}
	page = list_first_entry(&z->free[*found], struct page, lru);
	block_del(z, page);
	return page;
}

struct page *buddy_take(struct zone *z, unsigned order)
{
	unsigned have;
	struct page *page = block_find(z, order, &have);

	if (!page)
		return NULL;
	while (have > order) {
		have--;
		block_add(z, page + (1ul << have), have);
	}
	z->nr_free -= 1ul << order;
	return page;
}

unsigned buddy_take_bulk(struct zone *z, struct page **slots, unsigned nr)
{
	unsigned left = nr;

	while (left) {
		unsigned order;
		struct page *page = block_find(z, 0, &order);

		if (!page)
			break;
		while ((1u << order) > left) {
			order--;
			block_add(z, page + (1ul << order), order);
		}
		for (struct page *end = page + (1ul << order); page < end; page++)
			slots[--left] = page;
	}
	/* Short of memory: close the gap at the low end. */
	if (left) {
		for (unsigned i = left; i < nr; i++)
			slots[i - left] = slots[i];
	}
	z->nr_free -= nr - left;
	return nr - left;
}

/*
 * Frames at @pages that follow each other in memory, upwards or downwards: how many, and the
 * lowest.
 */
static unsigned run_length(struct page **pages, unsigned nr, struct page **lowest)
{
	struct page *first = pages[0];
	unsigned len = 1;

	while (len < nr && pages[len] == first + len)
		len++;
	*lowest = first;
	if (len > 1)
		return len;
	while (len < nr && pages[len] == first - len)
		len++;
	*lowest = first - (len - 1);
	return len;
}

void buddy_give_frames(struct zone *z, struct page **pages, unsigned nr)
{
	z->nr_free += nr;
	while (nr) {
		struct page *lowest;
		unsigned len = run_length(pages, nr, &lowest);

		run_merge_in(z, page_to_pfn(lowest), len);
		pages += len;
		nr -= len;
	}
}

/* Where growth stands in range @i: frames before it are, or were, in the lists. */
unsigned long zone_grown_end(const struct zone *z, unsigned i)
{
	if (i < z->grow_range)
		return z->range[i].end_pfn;
	return i == z->grow_range ? z->grow_pfn : z->range[i].start_pfn;
}

void buddy_sort(struct zone *z)
{
	for (unsigned order = 0; order <= MAX_ORDER; order++)
		INIT_LIST_HEAD(&z->free[order]);
	for (unsigned i = 0; i < z->nr_ranges; i++) {
		unsigned long pfn = z->range[i].start_pfn, end = zone_grown_end(z, i);

		while (pfn < end) {
			struct page *page = pfn_to_page(pfn);

			if (page->kind == FK_BUDDY)
				list_add_tail(&page->lru, &z->free[page->order]);
			pfn += page->kind == FK_FREE ? 1 : 1ul << page->order;
		}
	}
}
