/*
 * mm_user.c - see mm_user.h. Locks are taken as layer 6 wants them.
 */
#include "tests/mm_user.h"

#include <errno.h>
#include "kernel/core/bug.h"
#include "kernel/core/user.h"
#include "mm/mm_check.h"
#include "mm/mman.h"
#include "mm/mmap_lock.h"
#include "mm/rmap.h"
#include "mm/swap.h"
#include "mm/tlb.h"
#include "mm/vma_lock.h"
#include "tests/ktest.h"

u64 user_pte(struct mm_struct *mm, unsigned long addr)
{
	pte_t *pte = pte_walk(&mm->tables, addr);

	return pte ? READ_ONCE_NOPOINT(pte->pte) : 0;
}

struct page *user_page(struct mm_struct *mm, unsigned long addr)
{
	pte_t pte = __pte(user_pte(mm, addr));

	return pte_present(pte) && !pte_special(pte) ? pfn_to_page(pte_pfn(pte)) : NULL;
}

/* A table that was unhooked stays until the read section ends, and is empty. */
struct page *user_get_page(struct mm_struct *mm, unsigned long addr) NO_LOCK_ANALYSIS
{
	struct page *page = NULL;
	spinlock_t *ptl;
	pmd_t *pmd;
	pte_t *pte;

	rcu_read_lock();
	pmd = pmd_walk(&mm->tables, addr);
	pte = pmd ? pte_offset_map_lock(&mm->tables, pmd, addr, &ptl) : NULL;
	if (pte) {
		page = user_page(mm, addr);
		if (page)
			get_page(page);
		pte_unmap_unlock(pte, ptl);
	}
	rcu_read_unlock();
	return page;
}

unsigned long user_mapped(struct mm_struct *mm, unsigned long start, unsigned long nr)
{
	unsigned long found = 0;

	for (unsigned long i = 0; i < nr; i++)
		found += user_page(mm, start + i * PAGE_SIZE) != NULL;
	return found;
}

int user_mmap(struct mm_struct *mm, unsigned long start, unsigned long nr, unsigned long prot)
{
	unsigned long addr = vm_mmap(mm, start, nr * PAGE_SIZE, prot,
				     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED);

	return mm_is_err(addr) ? (int)addr : 0;
}

int user_touch(unsigned long start, unsigned long nr, u64 value)
{
	int err = 0;

	for (unsigned long i = 0; i < nr && !err; i++)
		err = put_user(value, start + i * PAGE_SIZE);
	return err;
}

/* One entry: write goes on this side, the page has one user more. Returns what to store there. */
static u64 dup_entry(struct mm_struct *from, unsigned long addr) NO_LOCK_ANALYSIS
{
	pmd_t *pmd = pmd_walk(&from->tables, addr);
	spinlock_t *ptl;
	pte_t *pte = pmd ? pte_offset_map_lock(&from->tables, pmd, addr, &ptl) : NULL;
	u64 value = 0;

	if (!pte)
		return 0;
	if (is_swap_pte(*pte)) {
		*pte = pte_swp_clear_exclusive(*pte);
		value = pte->pte;
		if (!pte_is_marker(*pte))
			ASSERT_EQ(swap_duplicate(pte_to_swp_entry(*pte)), 0);
	} else if (pte_present(*pte) && !pte_special(*pte)) {
		struct page *page = pfn_to_page(pte_pfn(*pte));

		pte->pte &= ~_PAGE_RW;
		value = pte->pte;
		get_page(page);
		folio_dup_anon_rmap(page);
	}
	pte_unmap_unlock(pte, ptl);
	return value;
}

static int share_locked(struct mm_struct *from, struct mm_struct *to, unsigned long start,
			unsigned long nr) NO_LOCK_ANALYSIS
{
	struct vm_area_struct *src = vma_lookup(from, start), *dst = vma_lookup(to, start);

	ASSERT(src && dst);
	vma_start_write(src);
	vma_start_write(dst);
	if (!dst->anon_vma && anon_vma_clone(dst, src))
		return -ENOMEM;
	for (unsigned long i = 0; i < nr; i++) {
		unsigned long addr = start + i * PAGE_SIZE;
		spinlock_t *ptl;
		pte_t *pte = pte_alloc_map_lock(&to->tables, addr, &ptl);
		u64 value;

		if (!pte)
			return -ENOMEM;
		pte_unmap_unlock(pte, ptl);
		value = dup_entry(from, addr);
		if (!value)
			continue;
		ASSERT_EQ(pte->pte, 0);
		pte->pte = value;
		if (!is_swap_pte(*pte)) {
			inc_mm_counter(to, MM_ANONPAGES);
		} else if (!pte_is_marker(*pte)) {
			mmlist_add_child(to, from);
			inc_mm_counter(to, MM_SWAPENTS);
		}
	}
	return 0;
}

int user_share(struct mm_struct *from, struct mm_struct *to, unsigned long start, unsigned long nr)
	NO_LOCK_ANALYSIS
{
	int err;

	mmap_write_lock(from);
	down_write_nested(&to->mmap_lock, LC_MMAP_CHILD);
	err = share_locked(from, to, start, nr);
	flush_tlb_mm(&from->tables.tlb);
	mmap_write_unlock(to);
	mmap_write_unlock(from);
	return err;
}

static int wrprotect_table(struct pte_walk *walk, pte_t *pte, unsigned long addr,
			   unsigned long end)
{
	for (; addr < end; addr += PAGE_SIZE, pte++)
		pte->pte &= ~_PAGE_RW;
	return 0;
}

void user_wrprotect(struct mm_struct *mm, unsigned long start, unsigned long nr) NO_LOCK_ANALYSIS
{
	struct pte_walk walk = {.mt = &mm->tables, .fn = wrprotect_table};

	mmap_write_lock(mm);
	walk_pte_tables(&walk, start, start + nr * PAGE_SIZE);
	flush_tlb_mm(&mm->tables.tlb);
	mmap_write_unlock(mm);
}

void t_expect_sane(struct ktest *t, struct mm_struct *mm) NO_LOCK_ANALYSIS
{
	mmap_write_lock(mm);
	t_expect_eq(t, mm_check(mm), 0);
	mmap_write_unlock(mm);
}
