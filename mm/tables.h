/*
 * tables.h - the four-level tables of one address space: walk, grow, lock, and whole ranges of bare
 * frames.
 *
 * Owns: struct mm_tables; the only code that hooks and unhooks table pages.
 * Not here: entry types (pgtable_types.h), flushing (tlb.h), gathering (mmu_gather.h), VMAs (layer
 *           6).
 * Idea: everything over a range is one loop over PTE tables (walk_pte_tables): one lock and one
 *       indirect call per table of 512 entries, none per entry.
 * Locks: @page_table_lock guards hooking tables in. Entries of a PTE table are guarded by that
 *       table's own lock (struct page.ptl), or by @page_table_lock for all, as @split_ptl was when
 *       the space was made. Tables are unhooked only by a caller who excludes walkers (mmap_lock
 *       for writing, or no users); walkers without a lock are safe inside rcu_read_lock(), since
 *       tables are freed after a grace period.
 *
 *	pgd 512 x 512 GiB -> pud 512 x 1 GiB -> pmd 512 x 2 MiB -> pte 512 x 4 KiB
 */
#ifndef MM_TABLES_H
#define MM_TABLES_H

#include "kernel/core/atomic.h"
#include "kernel/core/spinlock.h"
#include "kernel/x86/tlb_ctx.h"
#include "mm/page.h"
#include "mm/pgtable_types.h"

struct mmu_gather;

/* Field key: [I] set at creation  [A] atomic  [P] page_table_lock */
struct mm_tables {
	pgd_t *pgd;		      /* [I] 512 entries; [P] the user half */
	struct tlb_ctx tlb;	      /* [I][A] */
	atomic_long_t pgtables_bytes; /* [A] of pte, pmd and pud tables */
	spinlock_t page_table_lock;
	bool split_ptl; /* [I] */
};

/* Are new address spaces made with a lock per PTE table? (`set split_ptl on|off`, default on) */
extern bool tables_split_ptl;

/*
 * tables_init - an address space with an empty user half.
 *
 * Returns:  0, or -ENOMEM
 * Owns:     @mt holds one frame (the directory) until tables_destroy()
 */
int __must_check tables_init(struct mm_tables *mt);
/*
 * No user table is hooked any more (bug in checked runs); vCPUs that have it loaded lazily are
 * evicted.
 */
void tables_destroy(struct mm_tables *mt);

/* ---- one entry ---- */

/*
 * The entry of @addr, or NULL if there is no table. No lock: the caller keeps tables from being
 * freed.
 */
pte_t *pte_walk(struct mm_tables *mt, unsigned long addr);
/* The pmd entry that leads to @addr's PTE table; NULL if there is no pmd table. */
pmd_t *pmd_walk(struct mm_tables *mt, unsigned long addr);
/* The same, growing tables above it; NULL: no memory. May sleep. */
pmd_t *__must_check pmd_alloc(struct mm_tables *mt, unsigned long addr);
/* Hook a PTE table below @pmd unless there is one: 0 or -ENOMEM. May sleep. */
int __must_check pte_alloc(struct mm_tables *mt, pmd_t *pmd);

/* The lock of the PTE table below @pmd (which is not none). */
spinlock_t *pte_lockptr(struct mm_tables *mt, pmd_t pmd);
/*
 * Entry of @addr with its lock held, or NULL (nothing held) if there is no table. Which lock it is
 * turns out at run time: the compiler's analysis of locks cannot follow these three.
 */
pte_t *pte_offset_map_lock(struct mm_tables *mt, pmd_t *pmd, unsigned long addr, spinlock_t **ptl);
/* The same, growing what is missing; NULL: no memory. May sleep before it locks. */
pte_t *__must_check pte_alloc_map_lock(struct mm_tables *mt, unsigned long addr, spinlock_t **ptl);

static inline void pte_unmap_unlock(pte_t *pte __maybe_unused, spinlock_t *ptl) NO_LOCK_ANALYSIS
{
	spin_unlock(ptl);
}

/* ---- ranges ---- */

/*
 * One stretch of one PTE table, with its lock held: entries of [@addr, @end), @pte the first.
 * Returns 0 to go on, anything else ends the walk and is its result.
 */
struct pte_walk;
typedef int (*pte_table_fn)(struct pte_walk *walk, pte_t *pte, unsigned long addr,
			    unsigned long end);

struct pte_walk {
	struct mm_tables *mt;
	pte_table_fn fn;
	void *arg;
	bool alloc;    /* grow missing tables instead of skipping their range */
	bool unlocked; /* do not take the table's lock; fn does what it needs */
	/* The table met last, for ranges walked one after another: it serves @near's 2 MiB. */
	unsigned long near;
	u64 near_entry; /* what leads to it; 0: none was met */
};

/*
 * walk_pte_tables - call walk->fn for every PTE table of [@start, @end), in address order.
 *
 * Context:  tables of the ranges walked with @walk stay hooked until the last is walked; with
 *           @alloc it may sleep between tables
 * Returns:  0, what fn ended it with, or -ENOMEM (only with @alloc; tables hooked so far stay)
 */
int walk_pte_tables(struct pte_walk *walk, unsigned long start, unsigned long end);

/*
 * Grow every PTE table of the range, so that installing cannot fail: 0, or -ENOMEM (what was grown
 * stays).
 */
int __must_check tables_populate(struct mm_tables *mt, unsigned long start, unsigned long end);

/*
 * tables_map_range, tables_map_pages - map @nr pages from @start on, where nothing is mapped.
 *
 * Bare frames: the mapping takes over the caller's reference to each frame.
 * @pfn:     first of consecutive frames; @pages: any frames
 * Returns:  0, or -ENOMEM with nothing mapped and no reference taken (empty tables may have been
 *           added)
 */
int __must_check tables_map_range(struct mm_tables *mt, unsigned long start, unsigned long pfn,
				  unsigned long nr, pgprot_t prot);
int __must_check tables_map_pages(struct mm_tables *mt, unsigned long start, struct page **pages,
				  unsigned long nr, pgprot_t prot);

/*
 * tables_protect_range - give every present entry of [@start, @end) the rights of @prot.
 *
 * Returns:  entries changed; their range is noted in @tlb, whose flush makes it true everywhere
 */
unsigned long tables_protect_range(struct mmu_gather *tlb, unsigned long start, unsigned long end,
				   pgprot_t prot);

/*
 * tables_zap_range - unmap every bare frame of [@start, @end) and drop the mapping's reference to
 * it.
 *
 * Context:  may flush between tables, so interrupts are on and no spinlock is held
 * Returns:  entries unmapped
 */
unsigned long tables_zap_range(struct mmu_gather *tlb, unsigned long start, unsigned long end);

/*
 * free_pgd_range - unhook the tables that serve only [@floor, @ceiling) and lie under [@start,
 * @end).
 *
 * A table is freed if no address outside [@floor, @ceiling) is served by it; @ceiling 0 means the
 * top. Entries below were zapped before (a present one is a bug in checked runs).
 * Context: the caller excludes walkers other than those under RCU
 */
void free_pgd_range(struct mmu_gather *tlb, unsigned long start, unsigned long end,
		    unsigned long floor, unsigned long ceiling);

/* ---- a thread's user half ---- */

/*
 * The calling thread's user addresses are @mt's from now on, until tables_unuse(). Nestable it is
 * not.
 */
void tables_use(struct mm_tables *mt);
void tables_unuse(struct mm_tables *mt);

#endif
