/*
 * async_teardown.c - failed fork: the head moves to a worker, an empty mm is unlocked at once.
 *
 * The worker zaps it later, like a munmap that has detached its VMAs: they are in no tree that
 * anybody can find, so it needs no mmap_lock before it frees tables and VMAs. Until then its
 * entries are counted and reverse mapping finds its VMAs. Without memory for the work item it is
 * torn down here.
 */
#include "kernel/core/fault.h"
#include "kernel/sched/work.h"
#include "mm/exit_mmap.h"
#include "mm/mmap_lock.h"
#include "mm/semantics.h"
#include "mm/slab.h"
#include "mm/swap.h"
#include "mm/zap.h"

FAULT_SITE(R02, "fork recovery: the work item (async_teardown)");

/* Owned by its work; holds mm_count. */
struct detached_head {
	struct work work;
	struct mm_struct *mm;
	struct maple_tree mt; /* the head, and the tail that is not read */
	unsigned long end;
};

KMEM_CACHE(head_cache, "detached_head", sizeof(struct detached_head), 8, NULL, 0);

static void free_head(struct work *work)
{
	struct detached_head *head = container_of(work, struct detached_head, work);
	struct mm_struct *mm = head->mm;
	MA_STATE(mas, &head->mt, 0, 0);
	struct unmap_desc desc = {
		.mas = &mas,
		.vma_end = head->end,
		.tree_end = head->end,
		.mm_wr_locked = true,
	};
	struct mmu_gather tlb;

	desc.first = mas_find(&mas, head->end - 1);
	desc.tree_reset = desc.first->vm_end;
	tlb_gather_mmu(&tlb, &mm->tables, false);
	unmap_vmas(&tlb, &desc);
	mmap_write_lock(mm);
	mas_set(&mas, desc.tree_reset);
	free_pgtables(&tlb, &desc);
	tlb_finish_mmu(&tlb);
	tear_down_vmas(mm, &desc);
	mmap_write_unlock(mm);
	/* Its last user may have gone before, and reclaim come by rmap since. */
	mmlist_del(mm);
	__mt_destroy(&head->mt);
	kmem_cache_free(&head_cache, head);
	mmdrop(mm);
}

static void hand_over(struct fork_copy *fc, struct detached_head *head)
{
	struct maple_tree *tree = &fc->mm->mm_mt;

	head->mm = fc->mm;
	head->end = fc->end;
	head->mt = *tree;
	mt_init_flags(tree, tree->ma_flags & ~MT_FLAGS_HEIGHT_MASK);
	mmgrab(fc->mm);
	init_work(&head->work, free_head);
	queue_work(&system_wq, &head->work);
}

static void on_fail(struct fork_copy *fc)
{
	struct detached_head *head = NULL;

	set_bit(MMF_OOM_SKIP, &fc->mm->flags);
	set_bit(MMF_UNSTABLE, &fc->mm->flags);
	if (fc->end)
		head = FAULT_SITE_CALL(R02, kmem_cache_alloc(&head_cache, GFP_KERNEL));
	if (head)
		hand_over(fc, head);
	else
		dup_teardown_head(fc);
}

static const struct semantics async_teardown = {
	.name = "async_teardown",
	.what = "failed fork: the head is given to a worker, an empty mm is unlocked at once",
	.axis = SEM_FORK,
	.hooks = {.on_fail = on_fail},
};
SEMANTICS(async_teardown);
