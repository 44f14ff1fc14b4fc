/*
 * tables_internal.h - reading entries of the upper levels, and single PTEs, for files that walk.
 */
#ifndef MM_TABLES_INTERNAL_H
#define MM_TABLES_INTERNAL_H

#include "kernel/core/once.h"
#include "mm/tables.h"

/*
 * What stands beside the address in every entry of an upper level. The processor would only set
 * accessed, so an entry never changes, and its table is one addition away.
 */
#define TABLE_ENTRY_BITS (_PAGE_PRESENT | _PAGE_RW | _PAGE_USER | _PAGE_ACCESSED)

/* The table an entry of an upper level leads to; the entry is not none. */
static __always_inline void *table_address(u64 entry)
{
	return (void *)(entry + (DIRECT_MAP_BASE - TABLE_ENTRY_BITS));
}

static __always_inline struct page *table_page(u64 entry)
{
	return pfn_to_page((entry & PTE_PFN_MASK) >> PAGE_SHIFT);
}

/* Bytes of memory to a byte of mem_map: one shift turns an entry into its struct page. */
#define PAGES_SHARE (PAGE_SIZE / sizeof(struct page))

/* The frame at the physical address @frame. */
static __always_inline struct page *frame_page(u64 frame)
{
	return (struct page *)((char *)mem_map + frame / PAGES_SHARE);
}

/* The frame that the PTE @value maps. */
static __always_inline struct page *entry_page(u64 value)
{
	return frame_page(value & PTE_PFN_MASK);
}

/*
 * The first used entry of @table from @i on, below @end; @end if there is none. For checks. Nobody
 * hooks tables in or takes them out meanwhile; single PTEs may change.
 */
unsigned table_next_used(const u64 *table, unsigned i, unsigned end);

/* Where the entry of level @shift that serves @addr ends, or @end if that is nearer. */
static __always_inline unsigned long entry_end(unsigned long addr, unsigned long end,
					       unsigned shift)
{
	unsigned long next = (addr & ~((1ul << shift) - 1)) + (1ul << shift);

	return next < end ? next : end;
}

/* The pmd entry that serves @addr, or NULL if there is no pmd table. No lock. */
static __always_inline pmd_t *pmd_find(struct mm_tables *mt, unsigned long addr)
{
	u64 entry = READ_ONCE(mt->pgd[pgd_index(addr)].pgd);
	pud_t *pud;

	if (unlikely(!entry))
		return NULL;
	pud = table_address(entry);
	entry = READ_ONCE(pud[pud_index(addr)].pud);
	if (unlikely(!entry))
		return NULL;
	return (pmd_t *)table_address(entry) + pmd_index(addr);
}

/* The lock of the PTE table in frame @table. */
static __always_inline spinlock_t *table_page_ptl(struct mm_tables *mt, struct page *table)
{
	return mt->split_ptl ? &table->ptl : &mt->page_table_lock;
}

/* The lock of the PTE table below @pmd. */
static __always_inline spinlock_t *table_ptl(struct mm_tables *mt, u64 pmd)
{
	return table_page_ptl(mt, table_page(pmd));
}

/* ---- single entries; the lock of their table is held ---- */

/* @watched: a constant; somebody may listen to schedule points. */
static __always_inline void pte_store(pte_t *pte, u64 value, bool watched)
{
	if (!watched || !point(PT_PTE, pte, 8, MO_RELAXED, value))
		*(volatile u64 *)&pte->pte = value;
}

/*
 * Take the entry out. The hardware may set accessed and dirty until then, unless nobody uses the
 * space.
 */
static __always_inline u64 pte_take(pte_t *pte, u64 seen, bool exclusive, bool watched)
{
	if (watched)
		point(PT_PTE, pte, 8, MO_SEQ_CST, 0);
	if (!exclusive)
		return __atomic_exchange_n(&pte->pte, 0, __ATOMIC_SEQ_CST);
	*(volatile u64 *)&pte->pte = 0;
	return seen;
}

/* The same where nobody asks what it was: one instruction. */
static __always_inline void pte_drop(pte_t *pte, bool exclusive, bool watched)
{
	if (watched || exclusive)
		(void)pte_take(pte, 0, exclusive, watched);
	else
		__asm__ volatile("lock andq $0, %0" : "+m"(pte->pte) : : "cc", "memory");
}

/*
 * Put @want in place of what was @seen, unless the hardware set accessed or dirty since; *@seen is
 * then what is there. True: done.
 */
static __always_inline bool pte_try_replace(pte_t *pte, u64 *seen, u64 want, bool watched)
{
	if (watched)
		point(PT_PTE, pte, 8, MO_SEQ_CST, want);
	return __atomic_compare_exchange_n(&pte->pte, seen, want, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST);
}

/* The first entry from @pte on that is not empty, in strides; @end if there is none before it. */
static __always_inline pte_t *skip_none(pte_t *pte, pte_t *end)
{
	while (end - pte >= 8) {
		u64 any = pte[0].pte | pte[1].pte | pte[2].pte | pte[3].pte | pte[4].pte |
			  pte[5].pte | pte[6].pte | pte[7].pte;

		if (any)
			break;
		pte += 8;
	}
	while (pte < end && !pte->pte)
		pte++;
	return pte;
}

/* Make @nr entries of a table none that nobody else knows. */
static __always_inline void clear_entries(pte_t *pte, unsigned long nr)
{
	__asm__ volatile("rep stosq" : "+D"(pte), "+c"(nr) : "a"(0ul) : "memory");
}

/*
 * A frame for a table that is no address space's yet, or NULL; freed with free_page(). @zero: all
 * none; else whatever. Context: may sleep
 */
struct page *__must_check table_alloc(bool zero);

/*
 * Hook the filled @table at @entry, which is none. It counts for @mt from now on.
 * Locks: page_table_lock
 */
void table_hook_filled(struct mm_tables *mt, u64 *entry, struct page *table);

/*
 * table_hook - make the upper-level entry at @entry lead to a table, unless it does.
 *
 * Context:  may sleep
 * Returns:  what the entry holds now; 0: no memory
 */
u64 table_hook(struct mm_tables *mt, u64 *entry);

#endif
