/*
 * observer.h - someone who judges from outside is told what becomes of frames and translations.
 *
 * Owns: the hooks by which the lab keeps, per vCPU, the set of translations it may still hold.
 * Idea: looked at only where schedule points are on, so it costs nothing otherwise.
 */
#ifndef MM_OBSERVER_H
#define MM_OBSERVER_H

#include "kernel/base/compiler.h"

struct page;
struct tlb_ctx;

struct mm_observer {
	/*
	 * The running vCPU dropped its translations of [start, end) of @ctx (NULL: of the kernel
	 * half).
	 */
	void (*flushed)(struct tlb_ctx *ctx, unsigned long start, unsigned long end);
	/* 2^order frames from @page on are free now. */
	void (*freed)(struct page *page, unsigned order);
};

extern const struct mm_observer *mm_observer; /* NULL: nobody */

#endif
