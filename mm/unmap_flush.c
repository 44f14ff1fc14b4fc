/*
 * unmap_flush.c - flush late, but not too late for others.
 */
#include "mm/unmap_flush.h"

#include "mm/tlb.h"

void flush_tlb_unmapped(struct mm_struct *mm)
{
	flush_tlb_mm(&mm->tables.tlb);
}

bool unmap_batch_note(struct unmap_batch *batch, struct mm_struct *mm, unsigned long addr)
{
	unsigned i = 0;

	while (i < batch->nr && batch->space[i].mm != mm)
		i++;
	if (i == UNMAP_BATCH_MMS)
		return false;
	if (i == batch->nr) {
		mmgrab(mm);
		batch->nr++;
		batch->space[i].mm = mm;
		batch->space[i].start = addr;
		batch->space[i].end = addr + PAGE_SIZE;
		batch->space[i].nr_entries = 0;
	}
	batch->space[i].start = min(batch->space[i].start, addr);
	batch->space[i].end = max(batch->space[i].end, addr + PAGE_SIZE);
	batch->space[i].nr_entries++;
	atomic_inc(&mm->nr_unflushed);
	return true;
}

void unmap_batch_flush(struct unmap_batch *batch)
{
	for (unsigned i = 0; i < batch->nr; i++) {
		struct mm_struct *mm = batch->space[i].mm;

		flush_tlb_range(&mm->tables.tlb, batch->space[i].start, batch->space[i].end, false);
		atomic_sub(batch->space[i].nr_entries, &mm->nr_unflushed);
		mmdrop(mm);
	}
	batch->nr = 0;
}
