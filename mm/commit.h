/*
 * commit.h - how much memory has been promised, and whether more may be.
 *
 * Owns: the sum of what private writable mappings may come to use, the limit, its settings.
 * Not here: which VMAs count (mman_internal.h: accountable_mapping), counters of one mm (mm.h).
 * Idea: a promise is charged before the mapping is made and given back when its VMA goes. The mode
 *       decides what is refused: 0 only what could never be there, 1 nothing, 2 what is above the
 *       limit.
 * Invariant: while nobody changes a mapping, vm_committed_as is the sum of accounted_vm of all mms.
 */
#ifndef MM_COMMIT_H
#define MM_COMMIT_H

#include "kernel/base/annotations.h"
#include "kernel/core/atomic.h"

struct mm_struct;

enum overcommit_mode { OVERCOMMIT_GUESS, OVERCOMMIT_ALWAYS, OVERCOMMIT_NEVER };

/* Field key: [A] atomic. Pages. */
extern atomic_long_t vm_committed_as; /* [A] promised */
extern atomic_long_t total_swap_pages; /* [A] of swap devices in use: swapon and swapoff keep it */

/* `set overcommit_memory N` */
extern unsigned sysctl_overcommit_memory;

/* Pages that mode 2 lets everybody have together: `set overcommit_ratio N` percent, and swap. */
long vm_commit_limit(void);

/*
 * security_vm_enough_memory_mm - promise @pages more to @mm; negative: give back.
 *
 * Context:  any
 * Returns:  0 with them charged, or -ENOMEM with nothing changed. Fault site: vm_enough_memory
 */
int __must_check security_vm_enough_memory_mm(struct mm_struct *mm, long pages);

/* Give back what was charged. */
static inline void vm_unacct_memory(long pages)
{
	if (pages)
		atomic_long_sub(pages, &vm_committed_as);
}

#endif
