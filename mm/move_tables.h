/*
 * move_tables.h - move the pages of one range to another place of the same address space.
 */
#ifndef MM_MOVE_TABLES_H
#define MM_MOVE_TABLES_H

#include "mm/vma.h"

/*
 * move_page_tables - move what is mapped at [@old_addr, @old_addr + @len) of @vma to @new_addr of
 *                    @new_vma.
 *
 * Both VMAs give each page the same page offset and are tied to the same anon_vmas, so rmap finds
 * a page before and after. Old translations are flushed before another can find the new ones.
 * @new_addr:  in @new_vma; nothing is mapped from there on
 * Locks:     mmap_lock for write, both VMAs write-locked
 * Returns:   bytes moved: @len, or less without memory for tables (the caller moves them back,
 *            which cannot fail)
 */
unsigned long move_page_tables(struct vm_area_struct *vma, unsigned long old_addr,
			       struct vm_area_struct *new_vma, unsigned long new_addr,
			       unsigned long len);

#endif
