/*
 * oops.h - a fault or bug in kernel code that costs one thread, not the machine.
 *
 * Owns: the record, recovery points, what becomes of a thread without one.
 * Idea: a thread may declare a place to go on (oops_catch). A fault in its code is recorded; its
 *       locks taken since are released and named, its depths restored, and oops_catch() returns
 *       true. A thread without a recovery is reported and ended. In interrupts, or before threads
 *       exist, it is a panic.
 * Limits: locks are known only while checks are on; what the code had half done stays half done.
 */
#ifndef KERNEL_CORE_OOPS_H
#define KERNEL_CORE_OOPS_H

#include "kernel/core/lock_order.h"
#include "kernel/x86/trap.h"

#define OOPS_LOCKS 4

struct oops {
	char cause[160];    /* "page fault (write)", "assertion failed: ..." */
	char symbol[64];    /* "function+0x12" of rip */
	unsigned long addr; /* what was accessed, for page faults */
	unsigned long rip;
	int vector; /* trap number; -1: a bug report */
	struct trap_frame regs;
	unsigned nr_held; /* locks held in all; the newest OOPS_LOCKS are in held[] */
	struct held_lock held[OOPS_LOCKS];
};

/*
 * oops_catch - call @fn(@arg), and survive its faults.
 *
 * @out:     filled when it returns true; may be NULL
 * Context:  a thread; nests
 * Returns:  true if @fn oopsed: its stack frames are gone, what they owned is lost
 */
bool oops_catch(void (*fn)(void *arg), void *arg, struct oops *out);

/*
 * Asked about every fault before anything else is done; NULL = nobody. The lab sets it while a
 * world runs: it takes the fault by not returning. A return leaves the fault to what is described
 * above.
 */
extern void (*oops_first_hook)(struct trap_frame *frame, unsigned long addr);

/*
 * Says what lies, or lay, at a faulting address: "vm_area_struct, freed at ..." into @buf. False:
 * not known there. Set by the owner of memory; takes no lock. NULL: nobody knows.
 */
extern bool (*oops_address_hook)(unsigned long addr, char *buf, size_t size);

/* Ends the running thread after an oops without recovery; set by the scheduler. NULL: panic. */
extern void (*oops_exit_hook)(void);

/*
 * Told of a thread that goes on at a recovery with its RCU nesting cut down to @nesting; set by the
 * scheduler.
 */
extern void (*oops_unwind_hook)(u32 nesting);

/* Oopses since boot that were not caught. */
unsigned long oops_count(void);

/* Describes the fault of @frame in @out: cause, symbol, registers, held locks. */
void oops_describe(struct oops *out, const struct trap_frame *frame, unsigned long addr);

/*
 * For bug.c: unwinds to the recovery of the running thread with @cause; returns if there is none.
 */
void oops_bug(const char *cause, void *ip);

/* Takes the trap hooks; once, at boot. */
void oops_init(void);

#endif
