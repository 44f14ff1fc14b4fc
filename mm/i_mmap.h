/*
 * i_mmap.h - from a file to the VMAs that map it, and through them to the entries.
 *
 * Owns: linking VMAs, keeping their place in the tree right when they change, unmapping a range of
 *       a file everywhere.
 * Not here: walking from one page (rmap.h).
 * Invariant: a VMA with a file is linked, with its present range of page offsets, from before its
 *            first entry until after its last. Its tables stay while it is linked.
 * Locks: i_mmap_rwsem comes before anon_vma's and after folio locks (lock_class.h).
 */
#ifndef MM_I_MMAP_H
#define MM_I_MMAP_H

#include "mm/file.h"
#include "mm/vma.h"

static inline struct address_space *vma_mapping(const struct vm_area_struct *vma)
{
	return vma->vm_file ? &vma->vm_file->f_mapping : NULL;
}

/*
 * vma_open - @vma, whose vm_file and vm_ops were set or copied, holds its file from now on.
 * vma_close - it lets go. Both: nothing to do without a file. close may sleep.
 */
void vma_open_file(struct vm_area_struct *vma);
void vma_close_file(struct vm_area_struct *vma);

static inline void vma_open(struct vm_area_struct *vma)
{
	if (vma->vm_file)
		vma_open_file(vma);
}

static inline void vma_close(struct vm_area_struct *vma)
{
	if (vma->vm_file)
		vma_close_file(vma);
}

/*
 * vma_link_file - @vma is found by its file from now on. unlink_file_vma - no longer.
 *
 * Locks: mmap_lock for write, or @vma is in no tree. Both: nothing to do without a file; nor for
 *        unlink if @vma was never linked.
 */
void vma_link_to_file(struct vm_area_struct *vma);
void unlink_linked_vma(struct vm_area_struct *vma);

static inline void vma_link_file(struct vm_area_struct *vma)
{
	if (vma->vm_file)
		vma_link_to_file(vma);
}

static inline void unlink_file_vma(struct vm_area_struct *vma)
{
	if (vma->vm_file)
		unlink_linked_vma(vma);
}

/*
 * Around a change of vm_start, vm_end or vm_pgoff: out of the tree, and back with the new range.
 *
 * Locks: mapping->i_mmap_rwsem for write, from before to after
 */
void i_mmap_pre_update_vma(struct vm_area_struct *vma);
void i_mmap_post_update_vma(struct vm_area_struct *vma);

/* VMAs of @mapping that overlap the page offsets [@first, @last]. Locks: i_mmap_rwsem, any mode. */
#define i_mmap_foreach(vma, mapping, first, last)                                                  \
	for ((vma) = i_mmap_first(mapping, first, last); (vma);                                    \
	     (vma) = i_mmap_next(vma, first, last))

struct vm_area_struct *i_mmap_first(struct address_space *mapping, unsigned long first,
				    unsigned long last);
struct vm_area_struct *i_mmap_next(struct vm_area_struct *vma, unsigned long first,
				   unsigned long last);

/* Is @vma where its file looks for it? Takes i_mmap_rwsem for reading. */
bool i_mmap_has_vma(struct vm_area_struct *vma);

/*
 * unmap_mapping_range - no entry maps the file's pages [@first, @last] when this returns.
 *
 * Private copies of them go too. New ones may come at once, unless the file says otherwise.
 * Locks: takes i_mmap_rwsem for reading. May sleep and flush.
 */
void unmap_mapping_range(struct address_space *mapping, unsigned long first, unsigned long last);

#endif
