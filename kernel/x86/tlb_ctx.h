/*
 * tlb_ctx.h - one address space as the CPU sees it: a page directory, who has it loaded, its
 * flushes.
 *
 * Owns: the struct that layer 1 can load without knowing what an mm is, and the per-vCPU state
 *       beside it.
 * Not here: the protocol (mm/tlb.c); who decides what to load (sched_ops->load_mm).
 * Idea: every flush moves @gen on and notes its range; a vCPU remembers up to which generation its
 *       TLB is clean. So a request needs no mailbox: whoever is behind reads the ranges it missed,
 *       and a lazy vCPU may be left alone, because it compares generations before it uses user
 *       addresses again.
 */
#ifndef KERNEL_X86_TLB_CTX_H
#define KERNEL_X86_TLB_CTX_H

#include "kernel/x86/layout.h"
#include "kernel/x86/percpu.h"

#define TLB_RANGES 4 /* flushes a vCPU may be behind before it drops everything; power of two */

/* Field key: [I] set at creation  [A] atomic  [G] by the flusher that drew that generation */
struct tlb_ctx {
	phys_t pgd;	       /* [I] */
	u64 cpumask;	       /* [A] vCPUs that may hold translations of it */
	u64 gen;	       /* [A] flushes so far */
	u64 range[TLB_RANGES]; /* [G] what flush g was about, in one word, at g % TLB_RANGES */
	bool counted;	       /* [I] a lazy vCPU holds a reference; else it is told to leave */
};

/* Values of tlb_state.lazy. */
enum { TLB_IN_USE, TLB_LAZY, TLB_LAZY_COUNTED };

/* Per vCPU. Written by the vCPU itself, read by flushers. */
struct tlb_state {
	struct tlb_ctx *loaded; /* whose pgd is in CR3; NULL: the kernel's own */
	u64 gen;		/* generation of @loaded up to which this TLB is clean */
	u64 kernel_gen;		/* the same for the kernel half */
	u32 lazy; /* not TLB_IN_USE: no user address before the next switch, need not be told */
};

DECLARE_PER_CPU(struct tlb_state, tlb_state);

/*
 * What sched_ops->load_mm of `parallel` calls; set by mm at start. NULL @next: only the kernel half
 * is needed (the vCPU may keep what is loaded and become lazy).
 * Context: interrupts off, on the vCPU that switches.
 */
extern void (*tlb_switch_hook)(struct tlb_ctx *next);

#endif
