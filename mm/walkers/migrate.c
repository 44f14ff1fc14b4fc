/*
 * migrate.c - migrate_pages(): the pages of an mm leave their node for another.
 *
 * Owns: the walk (migrate_to_node), moving one page to another frame.
 * Idea: all of user space is walked from its first VMA on. As it was before 2024-11 that VMA's
 *       start is read without asking whether there is one.
 *       There is one node here: a page moves to another frame of it. Only those move that the mm
 *       has to itself and nobody else holds; the others stay, as busy ones do in Linux.
 * Locks: mmap_lock for reading.
 */
#include <errno.h>

#include "kernel/core/events.h"
#include "mm/fault_internal.h"
#include "mm/mmap_lock.h"
#include "mm/page_alloc.h"
#include "mm/tlb.h"
#include "mm/walkers/walker.h"

static long migrate_to_node(struct mm_struct *mm, struct walk *w);

WALKER(migrate, "moves the pages of an mm to other frames (migrate_to_node)",
       .walk_mm = migrate_to_node);
WALKER_CHECK(migrate, empty, "ask whether there is a first VMA before reading it (2024-11)");

/* ---- one page ---- */

/* An entry that maps a page which may move. */
static bool may_move(u64 seen)
{
	struct page *page = entry_page(seen);

	return (seen & (_PAGE_PRESENT | _PAGE_SPECIAL)) == _PAGE_PRESENT &&
	       PageAnonExclusive(page) && page->order == 0 && page_count(page) == 1;
}

/* The page at @addr goes to @new, if it still may. The entry's lock keeps everybody out. */
static bool move_page(struct vm_area_struct *vma, unsigned long addr,
		      struct page *new) NO_LOCK_ANALYSIS
{
	struct mm_tables *mt = &vma->vm_mm->tables;
	struct page *old = NULL;
	spinlock_t *ptl;
	pte_t *pte = pte_offset_map_lock(mt, pmd_walk(mt, addr), addr, &ptl);
	u64 seen = READ_ONCE_NOPOINT(pte->pte);

	if (!may_move(seen))
		goto unlock;
	seen = pte_take(pte, seen, false, true);
	flush_tlb_page(&mt->tlb, addr);
	/* Reclaim may have come for it: then it is not ours alone. */
	if (page_count(entry_page(seen)) != 1) {
		pte_store(pte, seen, true);
		goto unlock;
	}
	old = entry_page(seen);
	copy_user_page(new, old);
	folio_add_new_anon_rmap(new, vma, addr, 1);
	pte_store(pte, (seen & ~PTE_PFN_MASK) | page_to_phys(new).v | _PAGE_DIRTY, true);
	event_count(EV_PTE, 2);
	folio_remove_rmap_pte(old);
unlock:
	pte_unmap_unlock(pte, ptl);
	if (old)
		put_page(old);
	return old;
}

/* ---- all of them ---- */

struct migrate_walk {
	unsigned long found; /* where a page is that may move */
};

static int find_page(struct pte_walk *walk, pte_t *pte, unsigned long addr, unsigned long end)
{
	struct migrate_walk *migrate = walk->arg;

	for (; addr < end; addr += PAGE_SIZE, pte++) {
		if (may_move(READ_ONCE_NOPOINT(pte->pte))) {
			migrate->found = addr;
			return -EAGAIN;
		}
	}
	return 0;
}

/* Pages moved, or -ENOMEM. */
static long migrate_vma(struct vm_area_struct *vma, unsigned long start)
{
	struct migrate_walk migrate = {0};
	struct pte_walk walk = {
		.mt = &vma->vm_mm->tables,
		.fn = find_page,
		.arg = &migrate,
	};
	long moved = 0;

	while (start < vma->vm_end && walk_pte_tables(&walk, start, vma->vm_end) == -EAGAIN) {
		struct page *new = alloc_page(GFP_KERNEL | GFP_FOR(FK_ANON));

		if (!new)
			return -ENOMEM;
		if (move_page(vma, migrate.found, new)) {
			moved++;
			walker_reached(&walker_migrate, vma->vm_mm, WALKER_PTE, vma);
		} else {
			put_page(new);
		}
		start = migrate.found + PAGE_SIZE;
	}
	return moved;
}

static long migrate_to_node(struct mm_struct *mm, struct walk *w)
{
	VMA_ITERATOR(vmi, mm, 0);
	struct vm_area_struct *vma;
	unsigned long start;
	long nr = 0, moved = 0;

	(void)w;
	mmap_read_lock(mm);
	walker_reached(&walker_migrate, mm, WALKER_MM, NULL);
	vma = vma_next(&vmi);
	if (!vma && walker_check_on(&walker_check_migrate_empty))
		goto out;
	/* As it was before the check. NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
	start = vma->vm_start;
	do {
		bool anonymous = READ_ONCE(vma->anon_vma);

		walker_reached(&walker_migrate, mm, WALKER_VMA, vma);
		if (anonymous)
			nr = migrate_vma(vma, max(start, vma->vm_start));
		if (nr < 0)
			break;
		moved += nr;
		nr = 0;
		vma = vma_next(&vmi);
	} while (vma);
out:
	mmap_read_unlock(mm);
	return nr < 0 ? nr : moved;
}
