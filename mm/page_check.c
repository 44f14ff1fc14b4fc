/*
 * page_check.c - what checked runs look at, and the ledger of frames.
 *
 * Owns: poison, the rules a frame must meet to be freed, frames_check(), live counts by owner kind.
 * Idea: a free frame holds a pattern that says so; whoever wrote through a stale pointer is found
 *       when the frame is handed out again, with the word that changed.
 */
#include "mm/page_alloc.h"

#include <errno.h>
#include "kernel/base/bits.h"
#include "kernel/core/bug.h"
#include "kernel/core/ledger.h"
#include "kernel/core/log.h"
#include "mm/lru.h"
#include "mm/page_flags.h"
#include "mm/page_internal.h"

#define FRAME_POISON 0xf4eef4eef4eef4eeul /* not canonical: following it faults */

static const char *const kind_name[FK_NR] = {
	[FK_FREE] = "free",   [FK_BUDDY] = "buddy", [FK_KERNEL] = "kernel", [FK_SLAB] = "slab",
	[FK_TABLE] = "table", [FK_STACK] = "stack", [FK_GATHER] = "gather", [FK_WINDOW] = "window",
	[FK_KMAP] = "kmap",   [FK_ANON] = "anon",   [FK_FILE] = "file",
	[FK_STORE] = "store", [FK_SWAP] = "swap",
};

const char *frame_kind_name(enum frame_kind kind)
{
	return kind_name[kind];
}

/* ---- detectors ---- */

void frame_bad_free(struct page *page)
{
	const char *name = page->kind < FK_NR ? kind_name[page->kind] : "garbage";

	BUGF("freeing frame %#lx which is not the caller's alone: kind %s, order %u, tail %u, "
	     "references %d",
	     page_to_pfn(page), name, page->order, page->tail,
	     atomic_read_nopoint(&page->_refcount));
}

/* Who stores a user page has a reference until it is stored. */
static void user_page_check_free(const struct page *head)
{
	if ((head->kind == FK_ANON || head->kind == FK_FILE) && (head->flags & BIT(PG_writeback)))
		BUGF("freeing frame %#lx (%s) which is being stored", page_to_pfn(head),
		     kind_name[head->kind]);
}

void frame_check_free(struct page *head)
{
	unsigned nr = head->kind > FK_BUDDY && head->kind < FK_NR ? 1u << head->order : 0;

	for (unsigned i = 0; i < nr && (i == 0 || head[i].state != FK_FREE); i++) {
		int mapped = page_mapcount_nopoint(head + i);

		if (mapped)
			BUGF("freeing frame %#lx (%s) which %d PTEs still map",
			     page_to_pfn(head + i), kind_name[head->kind], mapped);
	}
	user_page_check_free(head);
}

void frames_poison(struct page *page, unsigned order)
{
	if (!zone.poison || page->kind <= FK_BUDDY || page->kind >= FK_NR)
		return;
	for (unsigned i = 0; i < 1u << order; i++) {
		void *va = page_address(page + i);
		unsigned long words = PAGE_SIZE / 8;

		__asm__ volatile("rep stosq"
				 : "+D"(va), "+c"(words)
				 : "a"(FRAME_POISON)
				 : "memory");
		page[i].flags = BIT(PG_poisoned);
	}
}

void frames_poison_check(struct page *page, unsigned order)
{
	for (unsigned i = 0; i < 1u << order; i++) {
		const u64 *word = page_address(page + i);

		if (!(page[i].flags & BIT(PG_poisoned)))
			continue;
		page[i].flags = 0;
		for (unsigned w = 0; w < PAGE_SIZE / 8; w++) {
			if (word[w] == FRAME_POISON)
				continue;
			BUGF("frame %#lx was written at +%#x while free: %#lx",
			     page_to_pfn(page + i), w * 8, (unsigned long)word[w]);
		}
	}
}

/* ---- the ledger ---- */

long frames_live(enum frame_kind kind)
{
	long live = 0;
	unsigned cpu;

	for_each_vcpu(cpu)
		live += READ_ONCE_NOPOINT(per_cpu_ptr(frame_list, cpu)->live[kind]);
	return live;
}

unsigned long frames_free(void)
{
	return READ_ONCE_NOPOINT(zone.nr_free);
}

unsigned long frames_total(void)
{
	return zone.nr_total;
}

#define FRAME_LEDGER(kind, name)             \
	static long frames_live_##name(void) \
	{                                    \
		return frames_live(kind);    \
	}                                    \
	LEDGER_KIND(frames_##name, frames_live_##name, NULL)

FRAME_LEDGER(FK_KERNEL, kernel);
FRAME_LEDGER(FK_SLAB, slab);
FRAME_LEDGER(FK_TABLE, table);
FRAME_LEDGER(FK_STACK, stack);
FRAME_LEDGER(FK_GATHER, gather);
FRAME_LEDGER(FK_ANON, anon);
FRAME_LEDGER(FK_FILE, file);
FRAME_LEDGER(FK_STORE, store);

/* ---- the whole ---- */

struct frames_seen {
	unsigned long by_kind[FK_NR];
	unsigned long in_blocks;
};

static int check_block(struct zone *z, unsigned long pfn, struct frames_seen *seen)
{
	struct page *page = pfn_to_page(pfn);
	unsigned order = page->order;

	if (page->tail || order > MAX_ORDER || pfn & ((1ul << order) - 1)) {
		pr_err("frames: free block at %#lx has order %u, tail %u", pfn, order, page->tail);
		return -EINVAL;
	}
	if (order < MAX_ORDER && pfn_to_page(pfn ^ (1ul << order))->state == BUDDY_STATE(order)) {
		pr_err("frames: both halves of the block at %#lx, order %u, are free", pfn,
		       order + 1);
		return -EINVAL;
	}
	for (unsigned long i = 1; i < 1ul << order; i++) {
		if (page[i].state == FK_FREE)
			continue;
		pr_err("frames: frame %#lx inside a free block has state %#x", pfn + i,
		       page[i].state);
		return -EINVAL;
	}
	seen->in_blocks += 1ul << order;
	return 0;
}

/* One frame, or the block or folio that begins at it. Returns how many frames, or -EINVAL. */
static long check_frame(struct zone *z, unsigned long pfn, struct frames_seen *seen)
{
	struct page *page = pfn_to_page(pfn);
	unsigned long nr = 1ul << page->order;

	if (page->kind >= FK_NR || page->order > MAX_ORDER) {
		pr_err("frames: frame %#lx has state %#x", pfn, page->state);
		return -EINVAL;
	}
	if (page->kind == FK_BUDDY && check_block(z, pfn, seen))
		return -EINVAL;
	if (page->kind > FK_BUDDY && atomic_read_nopoint(&page->_refcount) <= 0) {
		pr_err("frames: frame %#lx (%s) is in use with %d references", pfn,
		       kind_name[page->kind], atomic_read_nopoint(&page->_refcount));
		return -EINVAL;
	}
	seen->by_kind[page->kind] += nr;
	return nr;
}

static int check_lists(struct zone *z, unsigned long *in_lists)
{
	struct page *page;
	unsigned cpu;

	*in_lists = 0;
	for_each_vcpu(cpu)
		*in_lists += per_cpu_ptr(frame_list, cpu)->count;
	for (unsigned order = 0; order <= MAX_ORDER; order++) {
		unsigned long nr = 0;

		list_for_each_entry(page, &z->free[order], lru) {
			if (page->state != BUDDY_STATE(order)) {
				pr_err("frames: frame %#lx on list %u has state %#x",
				       page_to_pfn(page), order, page->state);
				return -EINVAL;
			}
			nr++;
		}
		if (nr && !(z->nonempty & BIT(order))) {
			pr_err("frames: %lu blocks of order %u, mask %#x", nr, order, z->nonempty);
			return -EINVAL;
		}
	}
	return 0;
}

bool frames_manages(unsigned long pfn)
{
	struct zone *z = &zone;

	for (unsigned i = 0; i < z->nr_ranges && z->range[i].start_pfn <= pfn; i++) {
		if (pfn < zone_grown_end(z, i))
			return true;
	}
	return false;
}

int frames_check(void)
{
	struct zone *z = &zone;
	struct frames_seen seen = {.in_blocks = 0};
	unsigned long in_lists, grown = 0;

	if (check_lists(z, &in_lists))
		return -EINVAL;
	for (unsigned i = 0; i < z->nr_ranges; i++) {
		unsigned long pfn = z->range[i].start_pfn, end = zone_grown_end(z, i);

		grown += end - pfn;
		while (pfn < end) {
			long nr = check_frame(z, pfn, &seen);

			if (nr < 0)
				return -EINVAL;
			pfn += nr;
		}
	}
	if (seen.in_blocks + (z->nr_total - grown) != z->nr_free ||
	    seen.by_kind[FK_FREE] != in_lists) {
		pr_err("frames: %lu in blocks + %lu not grown over, %lu counted free; %lu alone, "
		       "%lu on lists",
		       seen.in_blocks, z->nr_total - grown, z->nr_free, seen.by_kind[FK_FREE],
		       in_lists);
		return -EINVAL;
	}
	for (unsigned kind = FK_KERNEL; kind < FK_NR; kind++) {
		if ((long)seen.by_kind[kind] == frames_live(kind))
			continue;
		pr_err("frames: %lu of kind %s, %ld counted", seen.by_kind[kind], kind_name[kind],
		       frames_live(kind));
		return -EINVAL;
	}
	return lru_check();
}
