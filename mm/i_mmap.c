/*
 * i_mmap.c - the VMAs of a file.
 *
 * Owns: the interval tree of each file. Not here: who unmaps through it (filemap_unmap.c, rmap.c).
 */
#include "mm/i_mmap.h"

#include "kernel/core/bug.h"

static struct vm_area_struct *vma_of(struct interval_tree_node *node)
{
	return node ? container_of(node, struct vm_area_struct, shared) : NULL;
}

struct vm_area_struct *i_mmap_first(struct address_space *mapping, unsigned long first,
				    unsigned long last)
{
	return vma_of(interval_tree_iter_first(&mapping->i_mmap, first, last));
}

struct vm_area_struct *i_mmap_next(struct vm_area_struct *vma, unsigned long first,
				   unsigned long last)
{
	return vma_of(interval_tree_iter_next(&vma->shared, first, last));
}

void vma_open_file(struct vm_area_struct *vma)
{
	get_file(vma->vm_file);
	if (vma->vm_ops->open)
		vma->vm_ops->open(vma);
}

void vma_close_file(struct vm_area_struct *vma)
{
	struct file *file = vma->vm_file;

	if (vma->vm_ops->close)
		vma->vm_ops->close(vma);
	vma->vm_file = NULL;
	fput(file);
}

void i_mmap_pre_update_vma(struct vm_area_struct *vma)
{
	interval_tree_remove(&vma->shared, &vma_mapping(vma)->i_mmap);
}

void i_mmap_post_update_vma(struct vm_area_struct *vma)
{
	vma->shared.start = vma->vm_pgoff;
	vma->shared.last = vma->vm_pgoff + vma_pages(vma) - 1;
	interval_tree_insert(&vma->shared, &vma_mapping(vma)->i_mmap);
}

void vma_link_to_file(struct vm_area_struct *vma)
{
	struct address_space *mapping = vma_mapping(vma);

	down_write(&mapping->i_mmap_rwsem);
	i_mmap_post_update_vma(vma);
	mapping->nr_vmas++;
	up_write(&mapping->i_mmap_rwsem);
}

void unlink_linked_vma(struct vm_area_struct *vma)
{
	struct address_space *mapping = vma_mapping(vma);

	if (RB_EMPTY_NODE(&vma->shared.rb))
		return;
	down_write(&mapping->i_mmap_rwsem);
	i_mmap_pre_update_vma(vma);
	RB_CLEAR_NODE(&vma->shared.rb);
	mapping->nr_vmas--;
	up_write(&mapping->i_mmap_rwsem);
}

bool i_mmap_has_vma(struct vm_area_struct *vma)
{
	unsigned long first = vma->vm_pgoff, last = first + vma_pages(vma) - 1;
	struct address_space *mapping = vma_mapping(vma);
	struct vm_area_struct *at;

	down_read(&mapping->i_mmap_rwsem);
	i_mmap_foreach(at, mapping, first, last) {
		if (at == vma)
			break;
	}
	up_read(&mapping->i_mmap_rwsem);
	return at && at->shared.start == first && at->shared.last == last;
}
