/*
 * window.h - single pages at addresses that are never used twice.
 *
 * Owns: the slab half of the kernel's window and the tables below it, which are frames of the
 *       world.
 * Not here: what lies in the pages (slab_guard.c), telling other vCPUs (a hook, since flushing is
 *           above).
 * Idea: an unmapped entry is not cleared but turned into a tombstone that remembers who lay there
 *       and who freed it, so that the fault of a late user names both. Between two pages lies one
 *       that is never mapped.
 */
#ifndef MM_WINDOW_H
#define MM_WINDOW_H

#include "kernel/base/compiler.h"
#include "kernel/x86/layout.h"

struct page;

#define SLAB_WINDOW_BASE (WINDOW_BASE + WINDOW_SIZE / 2)
#define WINDOW_STEP	 (2 * PAGE_SIZE) /* every other page stays unmapped */
#define SLAB_WINDOW_END	 (SLAB_WINDOW_BASE + (256ul << 30))

/* What an entry of the window says. */
struct window_entry {
	bool mapped;
	bool was_mapped;
	unsigned tag;
	struct page *page;     /* if mapped */
	unsigned long free_ip; /* if it was */
};

/* Nothing is mapped and every address is unused. With every world. */
void window_world_init(void);

/*
 * The world's memory was put back to another moment: the kernel's own table is made to agree.
 *
 * @end: no address from here on was used in either moment
 */
void window_resume(unsigned long end);

/* The entry of @va, NULL where there is no table. It stays where it is as long as @va is mapped. */
u64 *window_pte_of(unsigned long va);

/*
 * window_map - map @page, writable, at an address of its own.
 *
 * @tag:     below 2^7; kept with the entry
 * Returns:  the address, or NULL (no memory for a table, or all addresses used)
 */
void *__must_check window_map(struct page *page, unsigned tag);

/*
 * window_unmap - the page at @va is gone for this vCPU now and for others at the next flush.
 *
 * The frame is the window's from now on: it is freed when no vCPU can reach it any more.
 */
void window_unmap(void *va, void *ip);

/* First address that was never used; only grows. */
unsigned long window_next(void);

/* What lies or lay at @va. Takes no lock. */
struct window_entry window_lookup(unsigned long va);

/* Flush, free every frame unmapped so far and the tables that nothing can use any more. */
void window_settle(void);

/*
 * How every vCPU is made to forget [start, end) of the kernel half; set by mm/tlb.c. NULL: one
 * vCPU.
 */
extern void (*window_flush_hook)(unsigned long start, unsigned long end);

#endif
