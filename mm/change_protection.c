/*
 * change_protection.c - rewrite the rights of the entries of a range.
 *
 * Owns: which entries may be written at once, and when a change needs a flush.
 * Idea: taking rights away looks at entries alone. Giving write looks at the page: only one that no
 *       other mm maps may have it without a fault.
 */
#include "mm/change_protection.h"

#include "kernel/core/bug.h"
#include "kernel/core/events.h"
#include "mm/mm.h"
#include "mm/rmap.h"
#include "mm/tables_internal.h"
#include "mm/unmap_flush.h"

struct protect_walk {
	struct mmu_gather *tlb;
	u64 prot;
	bool loses; /* an entry may lose a right */
	unsigned long nr_changed;
};

static __always_inline u64 wanted(u64 seen, u64 prot)
{
	u64 want = (seen & ~PTE_PROT_MASK) | prot;

	/* Shared pages of a file keep it, and do not get it: who writes makes them dirty. */
	if ((prot & _PAGE_RW) && ((seen & _PAGE_SPECIAL) || !PageAnonExclusive(entry_page(seen))))
		want &= ~_PAGE_RW | (seen & _PAGE_RW);
	return want;
}

/*
 * May the entry have all of @prot at once? In the short way asked of what most entries are; one
 * that gets write so has not had it, and changes for certain.
 */
static __always_inline bool is_simple(u64 seen, bool giving_write)
{
	if (!giving_write)
		return likely(seen & PTE_MAPS_MASK);
	return likely((seen & (PTE_MAPS_MASK | _PAGE_SPECIAL | _PAGE_RW)) == _PAGE_PRESENT) &&
	       likely(PageAnonExclusive(entry_page(seen)));
}

/*
 * Returns how many entries changed. Accessed and dirty bits set meanwhile by the hardware survive:
 * nothing else can change below us.
 */
static __always_inline unsigned long change_entries(pte_t *pte, pte_t *end, u64 prot,
						    bool giving_write, bool watched)
{
	unsigned long same = 0, all = end - pte;

	while (pte < end) {
		u64 seen = *(volatile u64 *)&pte->pte, want;

		if (likely(is_simple(seen, giving_write))) {
			want = (seen & ~PTE_PROT_MASK) | prot;
			if (giving_write)
				goto replace;
		} else if (seen & PTE_MAPS_MASK) {
			want = wanted(seen, prot);
		} else {
			/* A swap entry has no rights: they come with its page. */
			pte_t *next = seen ? pte + 1 : skip_none(pte, end);

			same += next - pte;
			pte = next;
			continue;
		}
		if (unlikely(want == seen)) {
			same++;
			pte++;
			continue;
		}
replace:
		while (unlikely(!pte_try_replace(pte, &seen, want, watched)))
			want = wanted(seen, prot);
		pte++;
	}
	return all - same;
}

static int change_pte_range(struct pte_walk *walk, pte_t *pte, unsigned long addr,
			    unsigned long end)
{
	struct protect_walk *protect = walk->arg;
	pte_t *last = pte + ((end - addr) >> PAGE_SHIFT);
	u64 prot = protect->prot;
	unsigned long changed;

	flush_tlb_batched_pending(walk->mt);
	if (static_branch_unlikely(&lock_slow_key))
		changed = change_entries(pte, last, prot, prot & _PAGE_RW, true);
	else if (prot & _PAGE_RW)
		changed = change_entries(pte, last, prot, true, false);
	else
		changed = change_entries(pte, last, prot, false, false);
	event_count(EV_PTE, changed);
	protect->nr_changed += changed;
	if (changed && protect->loses)
		tlb_note_range(protect->tlb, addr, end);
	return 0;
}

/* An entry has no more rights than its VMA had: has the VMA fewer now? */
static bool loses_rights(u64 old, u64 new)
{
	return (old & ~new & (_PAGE_PRESENT | _PAGE_RW)) || (new & ~old & _PAGE_NX);
}

unsigned long change_protection(struct mmu_gather *tlb, struct vm_area_struct *vma,
				unsigned long start, unsigned long end, pgprot_t old_prot)
{
	struct protect_walk protect = {
		.tlb = tlb,
		.prot = vma->vm_page_prot.prot,
		.loses = loses_rights(old_prot.prot, vma->vm_page_prot.prot),
	};
	struct pte_walk walk = {.mt = tlb->mt, .fn = change_pte_range, .arg = &protect};

	walk_pte_tables(&walk, start, end);
	return protect.nr_changed;
}
