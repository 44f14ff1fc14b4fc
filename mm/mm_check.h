/*
 * mm_check.h - is an address space what it says it is?
 *
 * Owns: the comparison of tree, VMAs, tables, counters and rmap of one mm.
 * Idea: everything is counted again from what the CPU would find. Each thing wrong is one line that
 *       names the invariant.
 *
 * Invariants over one mm are checked here, those over all where their data is:
 *	slot-count      the entries that name a slot, over all mms, are its count: swap_check()
 *	swap-on-mmlist  an mm with a swap entry is on mmlist: here
 *	slots-return    a child's end leaves the counts as they were: mm_same() in tests
 *	zero-at-end     counters are zero at the last mmdrop(): __mmdrop()
 *	swapoff-empty   a device that is off has no slot in use: swapoff()
 *	commit-sum      charged VMAs of all mms make up vm_committed_as: the ledger, at rest
 */
#ifndef MM_MM_CHECK_H
#define MM_MM_CHECK_H

#include "kernel/base/annotations.h"
#include "kernel/base/compiler.h"
#include "mm/mm.h"

/*
 * mm_check - look at all of @mm.
 *
 * Locks:    mmap_lock held for write; write-locks every VMA, so that nobody faults meanwhile
 * Returns:  0, or the number of things wrong, each a line in the log
 */
int __must_check mm_check(struct mm_struct *mm);

/* mm_check_range - the same for the VMAs and tables of [@start, @end) only; no counters. */
int __must_check mm_check_range(struct mm_struct *mm, unsigned long start, unsigned long end);

/*
 * mm_check_mutation - after a change of [@start, @end): in checked runs that range, and every 64th
 *                     time everything; anything wrong is a bug. Not in a killed thread.
 *
 * Locks:    mmap_lock held for write
 */
void mm_check_mutation(struct mm_struct *mm, unsigned long start, unsigned long end);

/*
 * mm_check_end - in checked runs everything once more, by the last user. Not of an mm whose
 *                contents may be gone, or whose tree a failed fork left unfinished.
 *
 * Locks:    none of @mm held
 */
void mm_check_end(struct mm_struct *mm);

#endif
