/*
 * rmap.h - from an anonymous page back to the entries that map it.
 *
 * Owns: what anonymous pages keep in struct page, counting mappings, the walk.
 * Not here: which VMAs may map a page (anon_vma.h).
 * Idea: each mapped frame counts its entries in its own _mapcount, also inside a folio; the
 *       folio's head names the anon_vma and the page offset, the frame's says the rest.
 *
 *	head->mapping   anon_vma + PAGE_MAPPING_ANON
 *	head->index     page offset of the head; that of a tail frame follows by its distance
 *	page->_mapcount entries that map this frame, and MAPCOUNT_EXCLUSIVE: it is mapped by one
 *	                entry and by no other mm, so it may be written
 *	head->_refcount one per entry that maps any frame of the folio, and one per other user
 *
 * Locks: mapping, index and the exclusive mark change under the lock of an entry that maps the
 *        page. All of them are set before the first entry is. While a frame is exclusive nobody
 *        else counts in its _mapcount.
 */
#ifndef MM_RMAP_H
#define MM_RMAP_H

#include "mm/anon_vma.h"
#include "mm/lru.h"
#include "mm/page.h"
#include "mm/page_flags.h"
#include "mm/tables.h"
#include "mm/vma.h"

#define PAGE_MAPPING_ANON 1ul

static __always_inline bool PageAnonExclusive(const struct page *page)
{
	/* The compiler would load the word, which may change, and then test it. */
	__asm__ goto("cmpl $0, %0; jns %l[clear]" : : "m"(page->_mapcount) : "cc" : clear);
	return true;
clear:
	return false;
}

/* Under the lock of the one entry that maps @page. */
static inline void SetPageAnonExclusive(struct page *page)
{
	atomic_fetch_or(MAPCOUNT_EXCLUSIVE, &page->_mapcount);
}

static inline void ClearPageAnonExclusive(struct page *page)
{
	atomic_fetch_and(~MAPCOUNT_EXCLUSIVE, &page->_mapcount);
}

static inline bool page_mapped(const struct page *page)
{
	return page_mapcount(page) > 0;
}

/* Page offset of @addr in the numbering of @vma's anon_vma. */
static inline unsigned long linear_page_index(const struct vm_area_struct *vma, unsigned long addr)
{
	return ((addr - vma->vm_start) >> PAGE_SHIFT) + vma->vm_pgoff;
}

static inline unsigned long page_pgoff(const struct page *page)
{
	return (page - page->tail)->index + page->tail;
}

/* Where @vma would map @page; meaningful if the VMA's range of offsets holds the page's. */
static inline unsigned long vma_address(const struct vm_area_struct *vma, const struct page *page)
{
	return vma->vm_start + ((page_pgoff(page) - vma->vm_pgoff) << PAGE_SHIFT);
}

/*
 * folio_add_new_anon_rmap - @nr frames from @head on are about to be mapped, once each, by @vma.
 *
 * It joins the LRU as well.
 * @head:    a new folio, or a single frame, that nobody else knows; @addr: where the head goes
 * Locks:    the PTE lock of the entries, which are stored next
 */
static __always_inline void folio_add_new_anon_rmap(struct page *head, struct vm_area_struct *vma,
						    unsigned long addr, unsigned nr)
{
	head->index = linear_page_index(vma, addr);
	head->_refcount.counter += nr - 1;
	for (unsigned i = 0; i < nr; i++)
		head[i]._mapcount.counter = MAPCOUNT_EXCLUSIVE | 1;
	WRITE_ONCE(head->mapping, (void *)((unsigned long)vma->anon_vma | PAGE_MAPPING_ANON));
	/* Whoever finds it there waits for the entry's lock. */
	folio_add_lru_to(head, LRU_INACTIVE_ANON, nr);
}

/* One entry more, where there was one alone: the mark goes. */
#define MAPCOUNT_SHARE (1 + MAPCOUNT_EXCLUSIVE)

/* One entry more maps @page, which is not exclusive any more. Locks: that entry's. */
static inline void folio_dup_anon_rmap(struct page *page)
{
	atomic_add(PageAnonExclusive(page) ? MAPCOUNT_SHARE : 1, &page->_mapcount);
}

/*
 * folio_add_anon_rmap_swap - one entry more maps @page, which comes from its swap slot.
 *
 * @exclusive: no other entry maps it, and none names its slot
 * Locks:      the folio's, and that entry's, which is stored next
 */
static __always_inline void folio_add_anon_rmap_swap(struct page *page,
						     struct vm_area_struct *vma,
						     unsigned long addr, bool exclusive)
{
	/* One that was mapped before keeps its anon_vma: all who may map it are tied to that. */
	if (!READ_ONCE_NOPOINT(page->mapping)) {
		struct anon_vma *av = exclusive ? vma->anon_vma : vma_root_anon_vma(vma);

		page->index = linear_page_index(vma, addr);
		WRITE_ONCE(page->mapping, (void *)((unsigned long)av | PAGE_MAPPING_ANON));
	}
	if (exclusive)
		atomic_set(&page->_mapcount, MAPCOUNT_EXCLUSIVE | 1);
	else
		atomic_inc(&page->_mapcount);
}

/* One entry more maps @page, of a file. Locks: that entry's, and the folio's. */
static inline void folio_add_file_rmap_pte(struct page *page)
{
	atomic_inc(&page->_mapcount);
}

/* One entry less. Locks: that entry's, under which it was cleared. */
static inline void folio_remove_rmap_pte(struct page *page)
{
	atomic_dec(&page->_mapcount);
}

/* The only entry that maps @page is one of @vma's: the page is now its own. Locks: that entry's. */
void folio_move_anon_rmap(struct page *page, struct vm_area_struct *vma);

/*
 * folio_get_anon_vma - the anon_vma of @page, with a reference.
 *
 * Context:  any; the caller holds a reference to the page
 * Returns:  NULL if it is not anonymous or not mapped
 */
struct anon_vma *__must_check folio_get_anon_vma(struct page *page);

/*
 * page_vma_mapped - the entry at @addr of @vma's mm, locked, if it maps @page; else NULL.
 *
 * Locks: the anon_vma's, or mmap_lock: tables stay. Undo with pte_unmap_unlock().
 */
pte_t *page_vma_mapped(struct page *page, struct vm_area_struct *vma, unsigned long addr,
		       spinlock_t **ptl);

/* Called for each VMA that may map the page. False ends the walk. */
typedef bool (*rmap_one_fn)(struct page *page, struct vm_area_struct *vma, unsigned long addr,
			    void *arg);

/*
 * rmap_walk_anon - call @fn for every VMA that may map @page, in order of page offsets.
 *
 * No VMA is left out; while one is being split its range may come up twice.
 * Locks:    takes the anon_vma's for reading; @fn may take PTE locks
 * Context:  may sleep; the caller holds a reference to the page
 * Returns:  false if the page has no anon_vma to walk, or @fn ended it
 */
bool rmap_walk_anon(struct page *page, rmap_one_fn fn, void *arg);

/*
 * rmap_walk_file - the same for a page of a file.
 *
 * Locks: folio lock, or whoever else knows that @page stays the file's; takes i_mmap_rwsem for
 *        reading
 */
bool rmap_walk_file(struct page *page, rmap_one_fn fn, void *arg);

/* No entry maps @page, of a file, when this returns. Locks: folio lock. May sleep and flush. */
void unmap_mapping_folio(struct page *page);

/*
 * rmap_walk_try - the same for a page of any kind, for a caller who may hold any lock already.
 *
 * Locks:    folio lock held; the lock of the walk is tried, PTE locks are waited for
 * Returns:  false if it was not free, and no VMA was looked at
 */
bool __must_check rmap_walk_try(struct page *page, rmap_one_fn fn, void *arg);
bool __must_check rmap_walk_file_try(struct page *page, rmap_one_fn fn, void *arg);

/*
 * How many entries map @page, found by walking. Exact while no VMA of it changes its shape: a split
 * has both halves tied for a moment. Context: as rmap_walk_anon().
 */
unsigned folio_count_rmap(struct page *page);

#endif
