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

struct protect_walk {
	struct mmu_gather *tlb;
	pgprot_t prot;
	unsigned long nr_changed;
};

/* Bits that allow, once NX is turned round: one lost is one to be flushed. */
#define ALLOW_BITS (_PAGE_PRESENT | _PAGE_RW | _PAGE_NX)

static __always_inline u64 wanted(u64 seen, u64 prot, bool giving_write)
{
	u64 want = (seen & ~PTE_PROT_MASK) | prot;

	if (giving_write && ((seen & _PAGE_SPECIAL) ||
			     !PageAnonExclusive(pfn_to_page(pte_pfn(__pte(seen))))))
		want &= ~_PAGE_RW;
	return want;
}

/* Returns how many entries changed; *@flush: a right went. Accessed and dirty bits survive. */
static __always_inline unsigned long change_entries(pte_t *pte, pte_t *end, u64 prot, bool *flush,
						    bool giving_write, bool watched)
{
	unsigned long changed = 0;
	u64 lost = 0;

	while (pte < end) {
		u64 seen = *(volatile u64 *)&pte->pte, want;

		if (unlikely(!(seen & PTE_MAPS_MASK))) {
			pte = skip_none(pte, end);
			continue;
		}
		do {
			want = wanted(seen, prot, giving_write);
		} while (want != seen && !pte_try_replace(pte, &seen, want, watched));
		changed += want != seen;
		lost |= (seen ^ _PAGE_NX) & ~(want ^ _PAGE_NX);
		pte++;
	}
	*flush = lost & ALLOW_BITS;
	return changed;
}

static int change_pte_range(struct pte_walk *walk, pte_t *pte, unsigned long addr,
			    unsigned long end)
{
	struct protect_walk *protect = walk->arg;
	pte_t *last = pte + ((end - addr) >> PAGE_SHIFT);
	u64 prot = protect->prot.prot;
	unsigned long changed;
	bool flush;

	if (static_branch_unlikely(&lock_slow_key))
		changed = change_entries(pte, last, prot, &flush, prot & _PAGE_RW, true);
	else if (prot & _PAGE_RW)
		changed = change_entries(pte, last, prot, &flush, true, false);
	else
		changed = change_entries(pte, last, prot, &flush, false, false);
	event_count(EV_PTE, changed);
	protect->nr_changed += changed;
	if (flush)
		tlb_note_range(protect->tlb, addr, end);
	return 0;
}

unsigned long change_protection(struct mmu_gather *tlb, struct vm_area_struct *vma,
				unsigned long start, unsigned long end)
{
	struct protect_walk protect = {.tlb = tlb, .prot = vma->vm_page_prot};
	struct pte_walk walk = {.mt = tlb->mt, .fn = change_pte_range, .arg = &protect};

	walk_pte_tables(&walk, start, end);
	return protect.nr_changed;
}
