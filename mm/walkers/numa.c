/*
 * numa.c - NUMA balancing's scan: take access away from a part of an mm, to see who uses it.
 *
 * Owns: which entries are next (mm->numa_scan_offset), making them hints.
 * Not here: the fault that a hint leads to, where access is given back (fault_numa.c).
 * Idea: the scan goes on where it ended last time, and begins anew where there is nothing more. As
 *       it was before 2024-10 the loop looks at a VMA before it asks whether there is one: what
 *       begins anew and finds nothing at all goes wrong.
 * Locks: mmap_lock for reading, if it is free: this is done beside other work, and can wait.
 */
#include "kernel/core/events.h"
#include "mm/mmap_lock.h"
#include "mm/mmu_gather.h"
#include "mm/tables_internal.h"
#include "mm/unmap_flush.h"
#include "mm/vma.h"
#include "mm/walkers/walker.h"

#define SCAN_PAGES 65536ul /* one scan: 256 MiB, as Linux's numa_balancing_scan_size_mb */

static long task_numa_work(struct mm_struct *mm, struct walk *w);

WALKER(numa, "takes access away from pages, to see who uses them (task_numa_work)",
       .walk_mm = task_numa_work);
WALKER_CHECK(numa, empty, "ask whether there is a VMA before looking at it (2024-10)");

struct hint_walk {
	struct mmu_gather *tlb;
	struct vm_area_struct *vma;
	unsigned long nr;
};

/* Entries of one table that allow an access stop allowing any. Accessed and dirty stay. */
static int hint_table(struct pte_walk *walk, pte_t *pte, unsigned long addr, unsigned long end)
{
	struct hint_walk *hint = walk->arg;
	unsigned long before = hint->nr, first = addr;

	flush_tlb_batched_pending(walk->mt);
	for (; addr < end; addr += PAGE_SIZE, pte++) {
		u64 seen = READ_ONCE_NOPOINT(pte->pte), want;

		if ((seen & (_PAGE_PRESENT | _PAGE_SPECIAL)) != _PAGE_PRESENT)
			continue;
		do {
			want = (seen & ~(_PAGE_PRESENT | _PAGE_RW)) | _PAGE_PROTNONE;
		} while (!pte_try_replace(pte, &seen, want, true));
		hint->nr++;
		walker_reached(&walker_numa, hint->vma->vm_mm, WALKER_PTE, hint->vma);
	}
	event_count(EV_PTE, hint->nr - before);
	if (hint->nr != before)
		tlb_note_range(hint->tlb, first, end);
	return 0;
}

/* Every access to the range faults once from now on. Returns how many entries that are. */
static unsigned long change_prot_numa(struct vm_area_struct *vma, unsigned long start,
				      unsigned long end)
{
	struct mm_tables *mt = &vma->vm_mm->tables;
	struct mmu_gather tlb;
	struct hint_walk hint = {.tlb = &tlb, .vma = vma};
	struct pte_walk walk = {.mt = mt, .fn = hint_table, .arg = &hint};

	tlb_gather_mmu(&tlb, mt, false);
	walk_pte_tables(&walk, start, end);
	tlb_finish_mmu(&tlb);
	return hint.nr;
}

/* Code that everybody only reads is nobody's; what allows no access cannot be made a hint. */
static bool vma_worth_it(const struct vm_area_struct *vma)
{
	unsigned long rights = vma->vm_flags & VM_ACCESS_FLAGS;

	return rights && !(vma->vm_file && (rights & (VM_READ | VM_WRITE)) == VM_READ);
}

/* From @start on, what is left of *@budget in strides of a table; where the scan ended. */
static unsigned long scan_vma(struct vm_area_struct *vma, unsigned long start,
			      unsigned long *budget, long *changed)
{
	start = max(start, vma->vm_start);
	while (*budget && start < vma->vm_end) {
		unsigned long end =
			min(entry_end(start, vma->vm_end, PMD_SHIFT), start + *budget * PAGE_SIZE);

		*changed += (long)change_prot_numa(vma, start, end);
		*budget -= (end - start) >> PAGE_SHIFT;
		start = end;
	}
	return start;
}

static long task_numa_work(struct mm_struct *mm, struct walk *w)
{
	unsigned long start = READ_ONCE(mm->numa_scan_offset);
	unsigned long budget = w->budget ? w->budget : SCAN_PAGES;
	VMA_ITERATOR(vmi, mm, start);
	struct vm_area_struct *vma;
	long changed = 0;

	if (!mmap_read_trylock(mm))
		return 0;
	walker_reached(&walker_numa, mm, WALKER_MM, NULL);
	vma = vma_next(&vmi);
	if (!vma) {
		start = 0;
		mas_set(&vmi.mas, 0);
		vma = vma_next(&vmi);
	}
	if (!vma && walker_check_on(&walker_check_numa_empty))
		goto out;
	do {
		bool worth_it = vma_worth_it(vma);

		walker_reached(&walker_numa, mm, WALKER_VMA, vma);
		if (worth_it)
			start = scan_vma(vma, start, &budget, &changed);
		if (!budget)
			break;
		vma = vma_next(&vmi);
	} while (vma);
out:
	WRITE_ONCE(mm->numa_scan_offset, vma ? start : 0);
	mmap_read_unlock(mm);
	return changed;
}
