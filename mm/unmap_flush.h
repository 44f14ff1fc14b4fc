/*
 * unmap_flush.h - one flush for many pages that reclaim unmaps, and who must not wait for it.
 *
 * Owns: struct unmap_batch, the counter by which others learn that an mm's tables say less than
 *       translations of it allow.
 * Idea: reclaim takes entries out under their locks and flushes later, once for all, before it
 *       writes or frees a page. Between the two a CPU may still use a translation whose entry is
 *       gone. The page itself waits, locked; but an unmapping, a change of rights or a move must
 *       not end before that translation does. So whoever changes entries asks under the lock, and
 *       flushes if reclaim has not yet.
 * Invariant: while a translation without an entry may be in use, mm->nr_unflushed is not 0.
 */
#ifndef MM_UNMAP_FLUSH_H
#define MM_UNMAP_FLUSH_H

#include "mm/mm.h"

#define UNMAP_BATCH_MMS 8u

struct unmap_batch {
	unsigned nr;
	struct {
		struct mm_struct *mm; /* with mm_count */
		unsigned long start;  /* all that was unmapped lies between */
		unsigned long end;
		int nr_entries;
	} space[UNMAP_BATCH_MMS];
};

/*
 * unmap_batch_note - the entry of @addr is taken out next, and its translation flushed later.
 *
 * Locks:    the entry's
 * Returns:  false: no room for another mm. The caller flushes as soon as the entry is out.
 */
bool __must_check unmap_batch_note(struct unmap_batch *batch, struct mm_struct *mm,
				   unsigned long addr);

/* Flush what was noted. @batch is empty then. Context: thread, no spinlock held. */
void unmap_batch_flush(struct unmap_batch *batch);

void flush_tlb_unmapped(struct mm_struct *mm);

/*
 * flush_tlb_batched_pending - no translation is left whose entry reclaim took out before.
 *
 * For those who take out, narrow or move entries of @mt's mm, before they look at them.
 * Locks: the PTE lock of the entries
 */
static __always_inline void flush_tlb_batched_pending(struct mm_tables *mt)
{
	struct mm_struct *mm = container_of(mt, struct mm_struct, tables);

	if (unlikely(atomic_read(&mm->nr_unflushed)))
		flush_tlb_unmapped(mm);
}

#endif
