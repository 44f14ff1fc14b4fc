/*
 * pgtable_types.h - entries of the four table levels, as types that do not mix.
 *
 * Owns: pte_t, pmd_t, pud_t, pgd_t, pgprot_t, the bits, building and reading one entry.
 * Not here: reading an entry others change (tables.h); walking (tables.h).
 *
 *	  63  62..52   51 ............ 12  11 10  9  8  7  6  5  4  3  2  1  0
 *	 +--+--------+--------------------+-----+--+--+--+--+--+--+--+--+--+--+
 *	 |NX|software|    frame number    | sw  |sw| G|PS| D| A|CD|WT| U| W| P|
 *	 +--+--------+--------------------+-----+--+--+--+--+--+--+--+--+--+--+
 *	 An entry that is not 0 and has P = 0 belongs to layer 6 (swap entries, markers).
 */
#ifndef MM_PGTABLE_TYPES_H
#define MM_PGTABLE_TYPES_H

#include "kernel/base/compiler.h"
#include "kernel/x86/layout.h"

typedef struct {
	u64 pte;
} pte_t;
typedef struct {
	u64 pmd;
} pmd_t;
typedef struct {
	u64 pud;
} pud_t;
typedef struct {
	u64 pgd;
} pgd_t;
typedef struct {
	u64 prot;
} pgprot_t;

#define _PAGE_PRESENT  (1ul << 0)
#define _PAGE_RW       (1ul << 1)
#define _PAGE_USER     (1ul << 2)
#define _PAGE_ACCESSED (1ul << 5)
#define _PAGE_DIRTY    (1ul << 6)
#define _PAGE_PROTNONE (1ul << 8) /* with P = 0: mapped, no access. With P = 1 it would mean G */
#define _PAGE_SOFT1    (1ul << 9)
#define _PAGE_SOFT2    (1ul << 10)
#define _PAGE_SOFT3    (1ul << 11)
#define _PAGE_NX       (1ul << 63)
#define _PAGE_SPECIAL  _PAGE_SOFT1 /* the frame has no struct page to count in: the zero page */

#define PTE_PFN_MASK  0x000ffffffffff000ul
#define PTE_PROT_MASK (_PAGE_PRESENT | _PAGE_RW | _PAGE_USER | _PAGE_PROTNONE | _PAGE_NX)
/* Either of them: the entry maps a frame. */
#define PTE_MAPS_MASK (_PAGE_PRESENT | _PAGE_PROTNONE)

#define __pgprot(x)    ((pgprot_t){(x)})
#define PAGE_NONE_PROT __pgprot(_PAGE_PROTNONE) /* nothing may be done: not present to the CPU */
#define PAGE_READONLY  __pgprot(_PAGE_PRESENT | _PAGE_USER | _PAGE_NX)
#define PAGE_SHARED    __pgprot(_PAGE_PRESENT | _PAGE_USER | _PAGE_NX | _PAGE_RW)
#define PAGE_READ_EXEC __pgprot(_PAGE_PRESENT | _PAGE_USER)

#define PTRS_PER_TABLE 512ul
#define PMD_SHIFT      21
#define PUD_SHIFT      30
#define PGDIR_SHIFT    39
#define PMD_SIZE       (1ul << PMD_SHIFT)
#define PUD_SIZE       (1ul << PUD_SHIFT)
#define PGDIR_SIZE     (1ul << PGDIR_SHIFT)
#define USER_PGD_PTRS  256ul

static inline unsigned long pte_index(unsigned long addr)
{
	return (addr >> PAGE_SHIFT) & (PTRS_PER_TABLE - 1);
}

static inline unsigned long pmd_index(unsigned long addr)
{
	return (addr >> PMD_SHIFT) & (PTRS_PER_TABLE - 1);
}

static inline unsigned long pud_index(unsigned long addr)
{
	return (addr >> PUD_SHIFT) & (PTRS_PER_TABLE - 1);
}

static inline unsigned long pgd_index(unsigned long addr)
{
	return (addr >> PGDIR_SHIFT) & (PTRS_PER_TABLE - 1);
}

static inline pte_t __pte(u64 v)
{
	return (pte_t){v};
}

static inline pte_t pfn_pte(unsigned long pfn, pgprot_t prot)
{
	return (pte_t){((u64)pfn << PAGE_SHIFT) | prot.prot};
}

static inline unsigned long pte_pfn(pte_t pte)
{
	return (pte.pte & PTE_PFN_MASK) >> PAGE_SHIFT;
}

static inline bool pte_none(pte_t pte)
{
	return pte.pte == 0;
}

/* Does it map a frame, if only for later? */
static inline bool pte_present(pte_t pte)
{
	return pte.pte & PTE_MAPS_MASK;
}

static inline bool pte_special(pte_t pte)
{
	return pte.pte & _PAGE_SPECIAL;
}

static inline bool pte_write(pte_t pte)
{
	return pte.pte & _PAGE_RW;
}

static inline bool pte_dirty(pte_t pte)
{
	return pte.pte & _PAGE_DIRTY;
}

static inline bool pte_young(pte_t pte)
{
	return pte.pte & _PAGE_ACCESSED;
}

static inline pte_t pte_wrprotect(pte_t pte)
{
	return __pte(pte.pte & ~_PAGE_RW);
}

static inline pte_t pte_mkwrite(pte_t pte)
{
	return __pte(pte.pte | _PAGE_RW);
}

static inline pte_t pte_mkdirty(pte_t pte)
{
	return __pte(pte.pte | _PAGE_DIRTY);
}

static inline pte_t pte_mkyoung(pte_t pte)
{
	return __pte(pte.pte | _PAGE_ACCESSED);
}

static inline pte_t pte_mkold(pte_t pte)
{
	return __pte(pte.pte & ~_PAGE_ACCESSED);
}

/* The same frame and history with the rights of @prot. */
static inline pte_t pte_modify(pte_t pte, pgprot_t prot)
{
	return __pte((pte.pte & ~PTE_PROT_MASK) | prot.prot);
}

static inline bool pte_same(pte_t a, pte_t b)
{
	return a.pte == b.pte;
}

#endif
