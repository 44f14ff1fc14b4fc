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
	pgprot_t prot;
	unsigned long nr_changed;
};

static __always_inline u64 wanted(u64 seen, u64 prot, bool giving_write)
{
	u64 want = (seen & ~PTE_PROT_MASK) | prot;

	/* Shared pages of a file keep it, and do not get it: who writes makes them dirty. */
	if (giving_write && ((seen & _PAGE_SPECIAL) ||
			     !PageAnonExclusive(pfn_to_page(pte_pfn(__pte(seen))))))
		want &= ~_PAGE_RW | (seen & _PAGE_RW);
	return want;
}

/*
 * Returns how many entries changed, and in *@diff which of their bits did. Accessed and dirty bits
 * set meanwhile by the hardware survive.
 */
static __always_inline unsigned long change_entries(pte_t *pte, pte_t *end, u64 prot, u64 *diff,
						    bool giving_write, bool watched)
{
	unsigned long changed = 0;
	u64 bits = 0;

	while (pte < end) {
		u64 seen = *(volatile u64 *)&pte->pte, want;

		if (unlikely(!(seen & PTE_MAPS_MASK))) {
			/* A swap entry has no rights: they come with its page. */
			pte = seen ? pte + 1 : skip_none(pte, end);
			continue;
		}
		want = wanted(seen, prot, giving_write);
		if (likely(want != seen)) {
			bits |= seen ^ want;
			while (unlikely(!pte_try_replace(pte, &seen, want, watched)))
				want = wanted(seen, prot, giving_write);
			changed++;
		}
		pte++;
	}
	*diff = bits;
	return changed;
}

/*
 * Rights that an entry can only have lost if they changed: those that @prot does not give. Write
 * kept from a page that is not exclusive was not there before either.
 */
static u64 rights_lost(u64 diff, u64 prot)
{
	return (diff & ~prot & (_PAGE_PRESENT | _PAGE_RW)) | (diff & prot & _PAGE_NX);
}

static int change_pte_range(struct pte_walk *walk, pte_t *pte, unsigned long addr,
			    unsigned long end)
{
	struct protect_walk *protect = walk->arg;
	pte_t *last = pte + ((end - addr) >> PAGE_SHIFT);
	u64 prot = protect->prot.prot;
	unsigned long changed;
	u64 diff;

	flush_tlb_batched_pending(walk->mt);
	if (static_branch_unlikely(&lock_slow_key))
		changed = change_entries(pte, last, prot, &diff, prot & _PAGE_RW, true);
	else if (prot & _PAGE_RW)
		changed = change_entries(pte, last, prot, &diff, true, false);
	else
		changed = change_entries(pte, last, prot, &diff, false, false);
	event_count(EV_PTE, changed);
	protect->nr_changed += changed;
	if (rights_lost(diff, prot))
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
