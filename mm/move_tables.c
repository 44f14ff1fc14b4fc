/*
 * move_tables.c - entries go from one range to another, frames stay where they are.
 *
 * Idea: stretches that lie in one table at both ends. Both tables are locked, old before new (no
 *       one else holds two, since mmap_lock is held for write), and the old range is flushed before
 *       either is let go: who finds a page at its new place and takes it away flushes only there.
 */
#include "mm/move_tables.h"

#include "kernel/core/events.h"
#include "mm/i_mmap.h"
#include "mm/mm.h"
#include "mm/tables_internal.h"
#include "mm/tlb.h"
#include "mm/unmap_flush.h"

/* Bytes from @a and @b on, at most @left, until either leaves its table. */
static unsigned long stretch_len(unsigned long a, unsigned long b, unsigned long left)
{
	unsigned long len = min(PMD_SIZE - (a & (PMD_SIZE - 1)), PMD_SIZE - (b & (PMD_SIZE - 1)));

	return min(len, left);
}

static unsigned move_entries(pte_t *from, pte_t *to, unsigned nr)
{
	unsigned moved = 0;

	for (unsigned i = 0; i < nr; i++) {
		if (pte_none(from[i]))
			continue;
		pte_store(to + i, pte_take(from + i, 0, false, true), true);
		moved++;
	}
	return moved;
}

static void move_stretch(struct mm_tables *mt, pmd_t *from, unsigned long old, pmd_t *to,
			 unsigned long new, unsigned long len) NO_LOCK_ANALYSIS
{
	spinlock_t *old_ptl, *new_ptl = pte_lockptr(mt, (pmd_t){READ_ONCE(to->pmd)});
	pte_t *old_pte = pte_offset_map_lock(mt, from, old, &old_ptl);
	pte_t *new_pte = (pte_t *)table_address(READ_ONCE(to->pmd)) + pte_index(new);
	unsigned moved;

	if (new_ptl != old_ptl)
		spin_lock_nested(new_ptl);
	flush_tlb_batched_pending(mt);
	moved = move_entries(old_pte, new_pte, len >> PAGE_SHIFT);
	event_count(EV_PTE, 2 * moved);
	if (moved)
		flush_tlb_range(&mt->tlb, old, old + len, false);
	if (new_ptl != old_ptl)
		spin_unlock(new_ptl);
	pte_unmap_unlock(old_pte, old_ptl);
}

unsigned long move_page_tables(struct vm_area_struct *vma, unsigned long old_addr,
			       struct vm_area_struct *new_vma, unsigned long new_addr,
			       unsigned long len) NO_LOCK_ANALYSIS
{
	struct address_space *mapping = vma_mapping(vma);
	struct mm_tables *mt = &vma->vm_mm->tables;
	unsigned long done = 0, step;

	for (; done < len; done += step) {
		unsigned long old = old_addr + done, new = new_addr + done;
		pmd_t *from = pmd_walk(mt, old), *to;

		step = stretch_len(old, new, len - done);
		if (!from || !READ_ONCE(from->pmd))
			continue;
		to = pmd_alloc(mt, new);
		if (!to || pte_alloc(mt, to))
			break;
		/* Who walks the VMAs might pass the new place before and the old one after. */
		if (mapping)
			down_write(&mapping->i_mmap_rwsem);
		move_stretch(mt, from, old, to, new, step);
		if (mapping)
			up_write(&mapping->i_mmap_rwsem);
	}
	return done;
}
