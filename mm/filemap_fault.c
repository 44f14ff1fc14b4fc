/*
 * filemap_fault.c - the page of a file that a fault wants; what a VMA does for its file.
 *
 * Owns: file_vm_ops. Not here: putting the page into the table (fault_file.c).
 */
#include <errno.h>

#include "mm/fault_internal.h"
#include "mm/filemap.h"
#include "mm/i_mmap.h"

static void file_vm_open(struct vm_area_struct *vma)
{
	atomic_inc(&vma_mapping(vma)->nr_open);
}

static void file_vm_close(struct vm_area_struct *vma)
{
	atomic_dec(&vma_mapping(vma)->nr_open);
}

static vm_fault_t filemap_fault(struct vm_fault *vmf)
{
	int err = filemap_lock_page(vma_mapping(vmf->vma), vmf->pgoff, &vmf->page);

	if (likely(!err))
		return 0;
	return err == -ENOMEM ? VM_FAULT_OOM : VM_FAULT_SIGBUS;
}

const struct vm_operations_struct file_vm_ops = {
	.open = file_vm_open,
	.close = file_vm_close,
	.fault = filemap_fault,
};
