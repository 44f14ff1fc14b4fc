/*
 * mremap.c - make a mapping shorter or longer, or move it with its pages.
 *
 * Owns: vm_mremap. Not here: moving entries between tables (move_tables.h), munmap's phases.
 * Idea: growing in place is a new mapping that the VMA takes over by merging. For a move the pages
 *       go first, to a VMA that is tied to rmap but not in the tree yet: whatever fails then is
 *       undone by moving them back, which needs no memory. Only then does the tree change: the new
 *       VMA in, the old range out, with nodes that were got before.
 * Invariant: at each moment every page is found by rmap, at the place where it is.
 */
#include "mm/mman.h"

#include <errno.h>
#include "kernel/core/bug.h"
#include "mm/anon_vma.h"
#include "mm/commit.h"
#include "mm/i_mmap.h"
#include "mm/mm_check.h"
#include "mm/mman_internal.h"
#include "mm/mmap_lock.h"
#include "mm/move_tables.h"
#include "mm/rmap.h"
#include "mm/vma_lock.h"
#include "mm/zap.h"

/* What is asked for, checked; mmap_lock held for write. */
struct mremap {
	struct mm_struct *mm;
	struct vm_area_struct *vma; /* holds [addr, addr + old_len) */
	unsigned long addr;
	unsigned long old_len;
	unsigned long new_len;
	unsigned long flags;
	unsigned long new_addr; /* with MREMAP_FIXED */
};

static long growth(const struct mremap *r)
{
	return (long)(r->new_len - r->old_len) >> PAGE_SHIFT;
}

/* What comes in addition is within limits and charged: 0, or -ENOMEM. */
static int charge_growth(const struct mremap *r)
{
	if (!may_expand_vm(r->mm, r->vma->vm_flags, growth(r)))
		return -ENOMEM;
	if (!(r->vma->vm_flags & VM_ACCOUNT) || !growth(r))
		return 0;
	return security_vm_enough_memory_mm(r->mm, growth(r));
}

static void uncharge_growth(const struct mremap *r)
{
	if (r->vma->vm_flags & VM_ACCOUNT)
		vm_unacct_memory(growth(r));
}

/* ---- in place ---- */

/* The VMA ends where the mapping does, and what follows is free: it grows, or -ENOMEM. */
static int grow_in_place(const struct mremap *r)
{
	struct vm_area_struct *vma = r->vma, *next = find_vma(r->mm, vma->vm_end), *merged;
	struct vma_merge m = {
		.mm = r->mm,
		.prev = vma,
		.next = next,
		.start = vma->vm_end,
		.end = r->addr + r->new_len,
		.pgoff = vma->vm_pgoff + vma_pages(vma),
		.flags = vma->vm_flags,
		.file = vma->vm_file,
		.policy = vma->vm_policy,
		.userfault = vma->vm_userfaultfd_ctx,
		.anon_vma = vma->anon_vma, /* it may have chains to others: a child's */
	};
	VMA_ITERATOR(vmi, r->mm, m.start);
	int err;

	if (vma->vm_end != r->addr + r->old_len || !range_ok(r->addr, r->new_len) ||
	    (next && next->vm_start < m.end))
		return -ENOMEM;
	err = charge_growth(r);
	if (err)
		return err;
	err = vma_merge_range(&vmi, &m, &merged);
	if (err) {
		uncharge_growth(r);
		return err;
	}
	ASSERT(merged);
	vm_stat_account(r->mm, m.flags, (m.end - m.start) >> PAGE_SHIFT);
	return 0;
}

/* ---- to another place ---- */

/* The VMA for the new place, tied to rmap, in no tree. NULL: no memory. */
static struct vm_area_struct *copy_vma(const struct mremap *r, unsigned long to)
{
	struct vm_area_struct *vma = r->vma, *new = vm_area_dup(vma);

	if (!new)
		return NULL;
	new->vm_start = to;
	new->vm_end = to + r->new_len;
	/* Without pages it may be numbered by its new place, and so merge with what comes there. */
	if (vma->anon_vma || vma->vm_file)
		new->vm_pgoff = linear_page_index(vma, r->addr);
	else
		new->vm_pgoff = to >> PAGE_SHIFT;
	if (anon_vma_clone(new, vma)) {
		vm_area_free(new);
		return NULL;
	}
	vma_open(new);
	vma_link_file(new);
	return new;
}

/* Tables of [to, to + new_len) that hold nothing go, unless a neighbour needs them. */
static void free_new_tables(const struct mremap *r, unsigned long to)
{
	unsigned long end = to + r->new_len;
	struct vm_area_struct *next = find_vma(r->mm, end), *prev;
	MA_STATE(mas, &r->mm->mm_mt, to, to);
	struct mmu_gather tlb;

	prev = mas_prev(&mas, 0);
	tlb_gather_mmu(&tlb, &r->mm->tables, false);
	free_pgd_range(&tlb, to, end, prev ? prev->vm_end : 0, next ? next->vm_start : 0);
	tlb_finish_mmu(&tlb);
}

/* @moved bytes are at the new place and go back; @new is in no tree, and is freed. */
static void undo_move(const struct mremap *r, struct vm_area_struct *new, unsigned long moved)
{
	unsigned long back;

	vma_start_write(new);
	back = move_page_tables(new, new->vm_start, r->vma, r->addr, moved);
	ASSERT_EQ(back, moved);
	unlink_file_vma(new);
	free_new_tables(r, new->vm_start);
	unlink_anon_vmas(new);
	vma_close(new);
	vm_area_free(new);
}

/*
 * Pages and tree to the new place; @vms has gathered the old one. Nodes for clearing that are got
 * before anything moves, so that the store of @new is the last that can fail.
 */
static int commit_move(const struct mremap *r, struct vma_munmap *vms, struct vm_area_struct *new)
{
	VMA_ITERATOR(vmi, r->mm, new->vm_start);
	unsigned long moved = 0;
	int err = mas_preallocate_any(&vms->mas, GFP_KERNEL_ACCOUNT);

	if (!err) {
		vma_start_write(new);
		moved = move_page_tables(r->vma, r->addr, new, new->vm_start, r->old_len);
		err = moved < r->old_len ? -ENOMEM : vma_link(&vmi, new);
	}
	if (err) {
		mas_destroy(&vms->mas);
		undo_move(r, new, moved);
		return err;
	}

	/* ---- nothing below this line can fail ---- */
	munmap_store_prealloc(vms);
	return 0;
}

/*
 * The VMA at the new place joins its neighbours, if they are alike. Without the memory for it they
 * stay several, as after a split.
 */
static void merge_moved(struct vm_area_struct *new)
{
	VMA_ITERATOR(vmi, new->vm_mm, new->vm_start);
	struct vm_area_struct *merged;
	struct vma_merge m = {
		.mm = new->vm_mm,
		.middle = new,
		.next = vma_lookup(new->vm_mm, new->vm_end),
		.start = new->vm_start,
		.end = new->vm_end,
		.pgoff = new->vm_pgoff,
		.flags = new->vm_flags,
		.file = new->vm_file,
		.policy = new->vm_policy,
		.userfault = new->vm_userfaultfd_ctx,
		.anon_vma = new->anon_vma,
	};

	m.prev = vma_lookup(m.mm, m.start - PAGE_SIZE);
	if (vma_merge_range(&vmi, &m, &merged))
		ASSERT(!merged);
}

static unsigned long move_vma(const struct mremap *r, unsigned long to)
{
	struct vm_area_struct *new = NULL;
	struct vma_munmap vms;
	int err;

	if (r->mm->map_count >= (long)sysctl_max_map_count)
		return -ENOMEM;
	err = munmap_gather(&vms, r->mm, r->addr, r->addr + r->old_len);
	if (err)
		return err;
	err = charge_growth(r);
	if (err)
		goto undo_gather;
	err = munmap_make_upper(&vms);
	if (!err)
		new = copy_vma(r, to);
	err = new ? commit_move(r, &vms, new) : -ENOMEM;
	if (err)
		goto undo_charge;

	/* ---- nothing below this line can fail, but for joining neighbours ---- */
	vms.nr_accounted = 0;
	munmap_find_limits(&vms); /* the new place may be in between */
	munmap_complete(&vms);
	merge_moved(new);
	return to;

undo_charge:
	uncharge_growth(r);
undo_gather:
	munmap_abort(&vms);
	return err;
}

/* ---- what was asked for ---- */

static bool fixed_target_ok(const struct mremap *r)
{
	return range_ok(r->new_addr, r->new_len) && r->new_addr >= USER_MIN &&
	       (r->new_addr + r->new_len <= r->addr || r->new_addr >= r->addr + r->old_len);
}

static unsigned long do_mremap(struct mremap *r)
{
	unsigned long to;
	int err = 0;

	r->vma = vma_lookup(r->mm, r->addr);
	if (!r->vma || r->old_len > r->vma->vm_end - r->addr)
		return -EFAULT;
	if (r->flags & MREMAP_FIXED)
		err = do_munmap(r->mm, r->new_addr, r->new_len);
	if (!err && r->new_len < r->old_len) {
		err = do_munmap(r->mm, r->addr + r->new_len, r->old_len - r->new_len);
		r->old_len = r->new_len;
	}
	if (err)
		return err;
	/* Either may have cut the VMA. */
	r->vma = vma_lookup(r->mm, r->addr);
	if (r->flags & MREMAP_FIXED)
		return move_vma(r, r->new_addr);
	if (r->new_len == r->old_len || !grow_in_place(r))
		return r->addr;
	if (!(r->flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	to = get_unmapped_area(r->mm, 0, r->new_len);
	return mm_is_err(to) ? to : move_vma(r, to);
}

unsigned long vm_mremap(struct mm_struct *mm, unsigned long addr, size_t old_len, size_t new_len,
			unsigned long flags, unsigned long new_addr)
{
	struct mremap r = {
		.mm = mm,
		.addr = addr,
		.flags = flags,
		.new_addr = new_addr,
	};
	unsigned long result;
	int err;

	if (!old_len || !new_len || old_len > USER_MAX || new_len > USER_MAX ||
	    (flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED)) ||
	    ((flags & MREMAP_FIXED) && !(flags & MREMAP_MAYMOVE)))
		return -EINVAL;
	r.old_len = page_len(old_len);
	r.new_len = page_len(new_len);
	if (!range_ok(addr, r.old_len) || ((flags & MREMAP_FIXED) && !fixed_target_ok(&r)))
		return -EINVAL;
	err = mmap_write_lock_killable(mm);
	if (err)
		return err;
	result = do_mremap(&r);
	mm_check_mutation(mm, addr, addr + page_len(old_len));
	if (!mm_is_err(result))
		mm_check_mutation(mm, result, result + r.new_len);
	mmap_write_unlock(mm);
	return result;
}
