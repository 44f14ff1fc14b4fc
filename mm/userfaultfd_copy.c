/*
 * userfaultfd_copy.c - a missing page of a registered range is provided.
 */
#include <errno.h>
#include <string.h>

#include "kernel/core/events.h"
#include "mm/anon_vma.h"
#include "mm/fault_internal.h"
#include "mm/mman_internal.h"
#include "mm/mmap_lock.h"
#include "mm/page_alloc.h"
#include "mm/userfaultfd.h"

/* @page, with the caller's reference, is mapped at @addr; or not, and the reference is back. */
static int map_page(struct vm_area_struct *vma, unsigned long addr,
		    struct page *page) NO_LOCK_ANALYSIS
{
	struct mm_tables *mt = &vma->vm_mm->tables;
	pmd_t *pmd = pmd_alloc(mt, addr);
	spinlock_t *ptl;
	pte_t *pte;
	int err = 0;

	if (!pmd || pte_alloc(mt, pmd)) {
		put_page(page);
		return -ENOMEM;
	}
	pte = pte_offset_map_lock(mt, pmd, addr, &ptl);
	if (check_stable_address_space(vma->vm_mm)) {
		err = -EIO;
	} else if (!pte_none(__pte(READ_ONCE_NOPOINT(pte->pte)))) {
		err = -EEXIST;
	} else {
		folio_add_new_anon_rmap(page, vma, addr, 1);
		pte_store(pte, page_to_phys(page).v | vma->vm_page_prot.prot | _PAGE_ACCESSED |
				       _PAGE_DIRTY, true);
		event_count(EV_PTE, 1);
	}
	pte_unmap_unlock(pte, ptl);
	if (err)
		put_page(page);
	else
		inc_mm_counter(vma->vm_mm, MM_ANONPAGES);
	return err;
}

static int fill_missing(struct userfaultfd_ctx *ctx, unsigned long addr, const u8 *contents)
{
	struct vm_area_struct *vma = vma_lookup(ctx->mm, addr);
	struct page *page;

	if (!vma || vma->vm_userfaultfd_ctx != ctx)
		return -EINVAL;
	if (!smp_load_acquire(&vma->anon_vma) && __anon_vma_prepare(vma))
		return -ENOMEM;
	page = alloc_page(GFP_KERNEL | GFP_FOR(FK_ANON));
	if (!page)
		return -ENOMEM;
	memcpy(page_address(page), contents, PAGE_SIZE);
	return map_page(vma, addr, page);
}

int userfaultfd_copy(struct userfaultfd_ctx *ctx, unsigned long addr,
		     const u8 contents[PAGE_SIZE])
{
	struct mm_struct *mm = ctx->mm;
	int err;

	if (!range_ok(addr, PAGE_SIZE))
		return -EINVAL;
	if (!mmget_not_zero(mm))
		return -ESRCH;
	err = mmap_read_lock_killable(mm);
	if (!err) {
		err = fill_missing(ctx, addr, contents);
		mmap_read_unlock(mm);
	}
	mmput(mm);
	return err;
}
