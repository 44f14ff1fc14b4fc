/*
 * rmap.c - find the entries that map an anonymous page.
 *
 * Owns: filling in and moving what a page says about itself, the walk over its VMAs.
 * Idea: a page leads to its anon_vma only while it is mapped. A walker looks under RCU, takes a
 *       reference and looks again: if the page is still mapped, the anon_vma it named is alive.
 */
#include "mm/rmap.h"

#include "mm/filemap.h"
#include "mm/folio_lock.h"
#include "mm/mm.h"

void folio_move_anon_rmap(struct page *page, struct vm_area_struct *vma)
{
	WRITE_ONCE(page->mapping, (void *)((unsigned long)vma->anon_vma | PAGE_MAPPING_ANON));
	SetPageAnonExclusive(page);
}

static struct anon_vma *page_anon_vma(struct page *page)
{
	unsigned long mapping;

	if (page->kind != FK_ANON)
		return NULL;
	mapping = (unsigned long)READ_ONCE(page_head(page)->mapping);
	return (struct anon_vma *)(mapping & ~PAGE_MAPPING_ANON);
}

struct anon_vma *folio_get_anon_vma(struct page *page)
{
	struct anon_vma *av = NULL;

	rcu_read_lock();
	if (page_mapped(page)) {
		av = page_anon_vma(page);
		if (av && !atomic_inc_not_zero(&av->refcount))
			av = NULL;
	}
	rcu_read_unlock();
	if (av && (!page_mapped(page) || page_anon_vma(page) != av)) {
		put_anon_vma(av);
		av = NULL;
	}
	return av;
}

pte_t *page_vma_mapped(struct page *page, struct vm_area_struct *vma, unsigned long addr,
		       spinlock_t **ptl)
{
	struct mm_tables *mt = &vma->vm_mm->tables;
	pmd_t *pmd = pmd_walk(mt, addr);
	pte_t *pte = pmd ? pte_offset_map_lock(mt, pmd, addr, ptl) : NULL;
	pte_t seen;

	if (!pte)
		return NULL;
	seen = __pte(READ_ONCE(pte->pte));
	if (pte_present(seen) && !pte_special(seen) && pte_pfn(seen) == page_to_pfn(page))
		return pte;
	pte_unmap_unlock(pte, *ptl);
	return NULL;
}

/* The VMAs tied to @av, which is locked. */
static bool walk_chains(struct page *page, struct anon_vma *av, rmap_one_fn fn, void *arg)
{
	unsigned long pgoff = page_pgoff(page);
	struct anon_vma_chain *avc;

	anon_vma_interval_tree_foreach(avc, av, pgoff, pgoff) {
		if (!fn(page, avc->vma, vma_address(avc->vma, page), arg))
			return false;
	}
	return true;
}

bool rmap_walk_anon(struct page *page, rmap_one_fn fn, void *arg)
{
	struct anon_vma *av = folio_get_anon_vma(page);
	bool whole;

	if (!av)
		return false;
	down_read(&av->rwsem);
	whole = walk_chains(page, av, fn, arg);
	up_read(&av->rwsem);
	put_anon_vma(av);
	return whole;
}

static bool walk_anon_try(struct page *page, rmap_one_fn fn, void *arg) NO_LOCK_ANALYSIS
{
	struct anon_vma *av = folio_get_anon_vma(page);
	bool locked;

	if (!av)
		return true;
	locked = down_read_trylock(&av->rwsem);
	if (locked) {
		walk_chains(page, av, fn, arg);
		up_read(&av->rwsem);
	}
	put_anon_vma(av);
	return locked;
}

bool rmap_walk_try(struct page *page, rmap_one_fn fn, void *arg)
{
	if (page->kind == FK_FILE)
		return rmap_walk_file_try(page, fn, arg);
	return walk_anon_try(page, fn, arg);
}

static bool count_one(struct page *page, struct vm_area_struct *vma, unsigned long addr, void *arg)
{
	spinlock_t *ptl;
	pte_t *pte = page_vma_mapped(page, vma, addr, &ptl);

	if (pte) {
		++*(unsigned *)arg;
		pte_unmap_unlock(pte, ptl);
	}
	return true;
}

unsigned folio_count_rmap(struct page *page)
{
	unsigned nr = 0;

	if (folio_test_file(page)) {
		folio_lock(page);
		rmap_walk_file(page, count_one, &nr);
		folio_unlock(page);
	} else {
		rmap_walk_anon(page, count_one, &nr);
	}
	return nr;
}
