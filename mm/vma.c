/*
 * vma.c - VMAs: their memory, finding them, linking one, cutting one in two.
 *
 * Owns: the VMA cache, vma_link, vma_split. Not here: merging (vma_merge.c).
 * Idea: the store into the tree is the last thing that can fail, and comes before the first change
 *       of a field.
 */
#include "mm/vma.h"

#include <errno.h>
#include "kernel/core/bug.h"
#include "mm/anon_vma.h"
#include "mm/i_mmap.h"
#include "mm/mempolicy.h"
#include "mm/mman_internal.h"
#include "mm/slab.h"
#include "mm/userfaultfd.h"
#include "mm/vma_internal.h"
#include "mm/vma_lock.h"

KMEM_CACHE(vma_cache, "vm_area_struct", sizeof(struct vm_area_struct), 64, NULL, SLAB_OWN_PAGE);

/* ---- the object ---- */

struct vm_area_struct *vm_area_alloc(struct mm_struct *mm)
{
	struct vm_area_struct *vma = kmem_cache_alloc(&vma_cache, GFP_KERNEL_ACCOUNT);

	if (!vma)
		return NULL;
	*vma = (struct vm_area_struct){.vm_mm = mm};
	INIT_LIST_HEAD(&vma->anon_vma_chain);
	RB_CLEAR_NODE(&vma->shared.rb);
	return vma;
}

static noinline void get_extras(struct vm_area_struct *vma)
{
	mpol_get(vma->vm_policy);
	userfaultfd_ctx_get(vma->vm_userfaultfd_ctx);
}

static void put_extras(struct vm_area_struct *vma)
{
	mpol_put(vma->vm_policy);
	userfaultfd_ctx_put(vma->vm_userfaultfd_ctx);
}

struct vm_area_struct *vm_area_dup(const struct vm_area_struct *from)
{
	struct vm_area_struct *vma = kmem_cache_alloc(&vma_cache, GFP_KERNEL_ACCOUNT);

	if (!vma)
		return NULL;
	/* One by one: what a VMA has only while it is linked or freed needs no value here. */
	vma->vm_start = from->vm_start;
	vma->vm_end = from->vm_end;
	vma->vm_mm = from->vm_mm;
	vma->vm_page_prot = from->vm_page_prot;
	vma->vm_flags = from->vm_flags;
	vma->vm_pgoff = from->vm_pgoff;
	vma->vm_lock_seq = 0;
	vma->vm_refcnt = (atomic_t)ATOMIC_INIT(0);
	vma->vm_file = from->vm_file;
	vma->vm_ops = from->vm_ops;
	vma->vm_policy = from->vm_policy;
	vma->vm_userfaultfd_ctx = from->vm_userfaultfd_ctx;
	RB_CLEAR_NODE(&vma->shared.rb);
	vma->anon_vma = NULL;
	INIT_LIST_HEAD(&vma->anon_vma_chain);
	if (unlikely(vma_has_extras(vma)))
		get_extras(vma);
	return vma;
}

static void free_object(struct vm_area_struct *vma)
{
	ASSERT_EQ(atomic_read_nopoint(&vma->vm_refcnt), 0);
	ASSERT(list_empty(&vma->anon_vma_chain));
	kmem_cache_free(&vma_cache, vma);
}

void vm_area_free(struct vm_area_struct *vma)
{
	put_extras(vma);
	free_object(vma);
}

static void free_list_rcu(struct rcu_head *head)
{
	struct vm_area_struct *vma = container_of(head, struct vm_area_struct, rcu), *next;

	for (; vma; vma = next) {
		next = vma->next;
		free_object(vma);
	}
}

/* Few VMAs hold anything: one test for all of it. */
static bool vma_holds(const struct vm_area_struct *vma)
{
	return (unsigned long)vma->vm_file | (unsigned long)vma->vm_policy |
	       (unsigned long)vma->vm_userfaultfd_ctx;
}

static noinline void vma_let_go(struct vm_area_struct *vma)
{
	vma_close(vma);
	put_extras(vma);
}

void vm_area_free_list(struct vm_area_struct *first)
{
	/* Now, since it may sleep. Who still finds them looks at their locks only. */
	for (struct vm_area_struct *vma = first; vma; vma = vma->next) {
		if (vma_holds(vma))
			vma_let_go(vma);
	}
	if (first)
		call_rcu(&first->rcu, free_list_rcu);
}

pgprot_t vm_get_page_prot(unsigned long vm_flags)
{
	/* x86 cannot forbid reading what may be written or executed. */
	switch (vm_flags & VM_ACCESS_FLAGS) {
	case 0:
		return PAGE_NONE_PROT;
	case VM_READ:
		return PAGE_READONLY;
	case VM_EXEC:
	case VM_READ | VM_EXEC:
		return PAGE_READ_EXEC;
	case VM_WRITE:
	case VM_WRITE | VM_READ:
		return PAGE_SHARED;
	default:
		return __pgprot(PAGE_READ_EXEC.prot | _PAGE_RW);
	}
}

void vm_flags_reset(struct vm_area_struct *vma, unsigned long flags)
{
	vma->vm_flags = flags;
	vma->vm_page_prot = vm_get_page_prot(flags);
}

/* ---- finding ---- */

struct vm_area_struct *find_vma(struct mm_struct *mm, unsigned long addr)
{
	unsigned long index = addr;

	return mt_find(&mm->mm_mt, &index, ~0ul);
}

struct vm_area_struct *vma_lookup(struct mm_struct *mm, unsigned long addr)
{
	return mtree_load(&mm->mm_mt, addr);
}

/* ---- into the tree ---- */

int vma_link(struct vma_iterator *vmi, struct vm_area_struct *vma)
{
	struct mm_struct *mm = vma->vm_mm;
	int err;

	/* A reader may find it at once, and must find it attached. */
	vma_attach_new(vma);
	mas_set_range(&vmi->mas, vma->vm_start, vma->vm_end - 1);
	err = mas_store_gfp(&vmi->mas, vma, GFP_KERNEL_ACCOUNT);
	if (err) {
		vma_mark_detached(vma);
		return err;
	}
	mm->map_count++;
	vma_account(vma, 1);
	return 0;
}

/* ---- in two ---- */

struct vm_area_struct *vma_split_half(struct vm_area_struct *vma, unsigned long at, bool below)
{
	struct vm_area_struct *new = vm_area_dup(vma);

	if (!new)
		return NULL;
	if (below) {
		new->vm_end = at;
	} else {
		new->vm_start = at;
		new->vm_pgoff += (at - vma->vm_start) >> PAGE_SHIFT;
	}
	if (anon_vma_clone(new, vma)) {
		vm_area_free(new);
		return NULL;
	}
	vma_open(new);
	vma_link_file(new);
	return new;
}

int vma_split(struct vma_iterator *vmi, struct vm_area_struct *vma, unsigned long addr,
	      bool new_below)
{
	struct mm_struct *mm = vma->vm_mm;
	struct vm_area_struct *new;
	int err;

	ASSERT(addr > vma->vm_start && addr < vma->vm_end);
	new = vma_split_half(vma, addr, new_below);
	if (!new)
		return -ENOMEM;
	vma_start_write(vma);
	vma_attach_new(new);
	mas_set_range(&vmi->mas, new->vm_start, new->vm_end - 1);
	err = mas_store_gfp(&vmi->mas, new, GFP_KERNEL_ACCOUNT);
	if (err) {
		vma_mark_detached(new);
		unlink_file_vma(new);
		unlink_anon_vmas(new);
		vma_close(new);
		vm_area_free(new);
		return err;
	}

	/* ---- nothing below this line can fail ---- */
	if (new_below)
		vma_set_range(vma, addr, vma->vm_end, new->vm_pgoff + vma_pages(new));
	else
		vma_set_range(vma, vma->vm_start, addr, vma->vm_pgoff);
	mm->map_count++;

	/* Back onto @vma, which lies beside what was stored. */
	if (new_below)
		mas_next(&vmi->mas, ~0ul);
	else
		mas_prev(&vmi->mas, 0);
	return 0;
}
