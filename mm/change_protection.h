/*
 * change_protection.h - make the entries of a range say what its VMA says now.
 */
#ifndef MM_CHANGE_PROTECTION_H
#define MM_CHANGE_PROTECTION_H

#include "mm/mmu_gather.h"
#include "mm/vma.h"

/*
 * change_protection - give the pages of [@start, @end) the rights of @vma.
 *
 * Rights taken away are gone everywhere after the next flush of @tlb. Write is given at once only
 * to pages that are this mm's alone; for the others the fault decides.
 * @vma:      write-locked, holds the range, has its new flags and vm_page_prot already
 * @old_prot: the vm_page_prot the range had
 * Returns:   entries changed
 */
unsigned long change_protection(struct mmu_gather *tlb, struct vm_area_struct *vma,
				unsigned long start, unsigned long end, pgprot_t old_prot);

#endif
