/*
 * stale.h - which translations each vCPU may still hold, kept in software.
 *
 * Owns: per vCPU the set of (address space, page, frame, tables walked) that its accesses have used
 * since the
 *       last flush that covers them. A frame or table that becomes free while a set names it is
 *       stale: a real
 *       machine could still reach it.
 * Idea: the CPU's own TLB cannot be asked and the lab's one CPU flushes more than a vCPU would; so
 * accesses
 *       and flushes are noted where they happen.
 * Lazy vCPUs: one that has an address space loaded but promised not to use its addresses before it
 * has caught
 *       up may keep translations to freed frames, not to freed tables, which its CPU may walk by
 *       itself.
 */
#ifndef TESTS_LAB_STALE_H
#define TESTS_LAB_STALE_H

#include "kernel/base/compiler.h"

struct tlb_ctx;

#define STALE_SET_MAX 128 /* translations a vCPU's set holds; more are not noted */
#define STALE_FRAMES  4	  /* of one translation: the page's frame, and the tables that led to it */
#define STALE_VCPUS   64

void stale_begin_run(void);

/*
 * vCPU @cpu uses @addr of @ctx now; @pfn[0] is its frame, the others the tables below the
 * directory.
 */
void stale_note_use(unsigned cpu, const struct tlb_ctx *ctx, unsigned long addr,
		    const unsigned long pfn[STALE_FRAMES]);

/* vCPU @cpu dropped its translations of [start, end) of @ctx. */
void stale_note_flush(unsigned cpu, const struct tlb_ctx *ctx, unsigned long start,
		      unsigned long end);

/* What a set held against the freeing of a frame. */
struct stale_hit {
	unsigned cpu;
	unsigned long addr;
	bool table;
};

/*
 * stale_check_free - frames [pfn, pfn + nr) become free: does any set name one?
 *
 * @lazy:  may vCPU @cpu keep translations of @ctx to frames (not to tables)?
 */
bool stale_check_free(unsigned long pfn, unsigned long nr,
		      bool (*lazy)(unsigned cpu, const struct tlb_ctx *ctx), struct stale_hit *hit);

#endif
