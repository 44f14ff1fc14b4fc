/*
 * oom_reap.h - free the pages of an address space that is dying, before its last user does.
 *
 * Owns: the pass over its VMAs, who may come when.
 * Not here: whose address space and when (kernel/proc/oom.h, mrelease.c), the order of the pass
 *           (semantics.h: reap_next), the last user's own way (exit_mmap.c).
 * Idea: mm_count keeps the struct; mmap_lock, held to read, keeps VMAs and tables; MMF_OOM_SKIP,
 *       looked at under the lock, says that exit has freed the pages itself. mm_users is not
 *       needed: exit frees tables under the write lock only, after it set the flag.
 * Invariant: MMF_UNSTABLE is set before the first page goes, so that who still uses the address
 *            space gets an error instead of zeros.
 */
#ifndef MM_OOM_REAP_H
#define MM_OOM_REAP_H

#include "mm/semantics.h"
#include "mm/vma.h"

/* One pass. The argument of reap_next(), which moves it. */
struct reap_walk {
	struct ma_state mas;
	struct vm_area_struct *vma; /* the last answer; NULL: the pass begins */
	unsigned long start, end;   /* what of it goes */
};

/*
 * __oom_reap_task_mm - zap the private pages of @mm.
 *
 * Locks:    mmap_lock to read; the caller has seen MMF_OOM_SKIP clear under it
 * Context:  may sleep and flush; needs no memory
 * Returns:  true: all of them; false: a writer waits for the lock, begin again when it had it
 */
bool __must_check __oom_reap_task_mm(struct mm_struct *mm);

/* The same for the last user, who holds mmap_lock for write and yields to nobody. */
void oom_reap_own(struct mm_struct *mm);

/*
 * oom_reap_mm - the same for one who holds mm_count and no lock, and waits for the lock.
 *
 * Returns:  0: its pages are gone; -EINTR: a fatal signal came first
 */
int __must_check oom_reap_mm(struct mm_struct *mm);

/* The same for one who does not wait: false if the lock was not to be had. */
bool __must_check oom_reap_try(struct mm_struct *mm);

#endif
