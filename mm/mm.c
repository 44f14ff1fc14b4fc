/*
 * mm.c - how an address space begins and ends.
 *
 * Owns: mm_alloc, the last mmput and the last mmdrop, exit_mmap, the list of all mms.
 * Not here: references (mm.h), unmapping pages and tables (zap.h).
 * Idea: exit_mmap() unmaps pages with mmap_lock held for read, so that others may read and free
 *       meanwhile, and takes it for write only to free tables and VMAs.
 */
#include "mm/mm.h"

#include "kernel/core/bug.h"
#include "kernel/core/setting.h"
#include "kernel/sched/thread.h"
#include "mm/commit.h"
#include "mm/mman_internal.h"
#include "mm/mmap_lock.h"
#include "mm/slab.h"
#include "mm/swap.h"
#include "mm/vma_lock.h"
#include "mm/zap.h"

KMEM_CACHE(mm_cache, "mm_struct", sizeof(struct mm_struct), 64, NULL, SLAB_OWN_PAGE);

static DEFINE_SPINLOCK(mm_list_lock, LC_LEAF);
static struct list_head mm_list = {&mm_list, &mm_list};
static u64 mm_last_id; /* mm_list_lock */

unsigned long sysctl_max_map_count = 65530;
unsigned long sysctl_rlimit_as = RLIM_PAGES_MAX, sysctl_rlimit_data = RLIM_PAGES_MAX;

static u64 max_map_count_get(void)
{
	return sysctl_max_map_count;
}

static int max_map_count_set(u64 value)
{
	sysctl_max_map_count = value;
	return 0;
}
SETTING_U64(max_map_count, "VMAs one address space may have", 1, 1 << 24, max_map_count_get,
	    max_map_count_set);

static u64 rlimit_as_get(void)
{
	return sysctl_rlimit_as;
}

static int rlimit_as_set(u64 value)
{
	sysctl_rlimit_as = value;
	return 0;
}
SETTING_U64(rlimit_as, "pages that a new address space may map", 0, RLIM_PAGES_MAX, rlimit_as_get,
	    rlimit_as_set);

static u64 rlimit_data_get(void)
{
	return sysctl_rlimit_data;
}

static int rlimit_data_set(u64 value)
{
	sysctl_rlimit_data = value;
	return 0;
}
SETTING_U64(rlimit_data, "of those, private writable ones", 0, RLIM_PAGES_MAX, rlimit_data_get,
	    rlimit_data_set);

struct mm_struct *mm_alloc(void)
{
	struct mm_struct *mm = kmem_cache_zalloc(&mm_cache, GFP_KERNEL);

	if (!mm)
		return NULL;
	if (tables_init(&mm->tables)) {
		kmem_cache_free(&mm_cache, mm);
		return NULL;
	}
	mt_init_flags(&mm->mm_mt, MM_MT_FLAGS);
	init_rwsem(&mm->mmap_lock, LC_MMAP);
	init_waitqueue_head(&mm->vma_writer_wait);
	mm->mm_lock_seq = 1; /* a new VMA has 0: not locked */
	atomic_set(&mm->mm_users, 1);
	atomic_set(&mm->mm_count, 1);
	mm->start_brk = MM_BRK_BASE;
	mm->brk = mm->start_brk;
	mm->rlimit_as = sysctl_rlimit_as;
	mm->rlimit_data = sysctl_rlimit_data;

	spin_lock(&mm_list_lock);
	mm->id = ++mm_last_id;
	list_add_tail(&mm->mm_node, &mm_list);
	spin_unlock(&mm_list_lock);
	return mm;
}

/* Every VMA leaves the tree and is freed; what they mapped is gone. mmap_lock held for write. */
static void free_vmas(struct mm_struct *mm)
{
	VMA_ITERATOR(vmi, mm, 0);
	struct vm_area_struct *vma, *list = NULL;
	long charged = (long)mm->accounted_vm;
	int nr = 0;

	for_each_vma(vmi, vma) {
		vma_start_write(vma);
		vma_mark_detached(vma);
		vma_account(vma, -1);
		vma->next = list;
		list = vma;
		nr++;
	}
	ASSERT_EQ(nr, mm->map_count);
	mm->map_count = 0;
	vm_unacct_memory(charged);
	__mt_destroy(&mm->mm_mt);
	vm_area_free_list(list);
}

void exit_mmap(struct mm_struct *mm)
{
	VMA_ITERATOR(vmi, mm, 0);
	struct unmap_desc unmap = {
		.mas = &vmi.mas,
		.pg_start = 0,
		.pg_end = 0,
		.vma_start = 0,
		.vma_end = ~0ul,
		.tree_end = ~0ul,
		.mm_wr_locked = false,
	};
	struct mmu_gather tlb;

	mmap_read_lock(mm);
	unmap.first = vma_next(&vmi);
	if (!unmap.first) {
		mmap_read_unlock(mm);
		return;
	}
	tlb_gather_mmu(&tlb, &mm->tables, true);
	unmap_vmas(&tlb, &unmap);
	mmap_read_unlock(mm);

	mmap_write_lock(mm);
	mas_set(&vmi.mas, 0);
	unmap.first = vma_next(&vmi);
	unmap.tree_reset = unmap.first->vm_end;
	unmap.mm_wr_locked = true;
	free_pgtables(&tlb, &unmap);
	tlb_finish_mmu(&tlb);
	free_vmas(mm);
	mmap_write_unlock(mm);
}

void __mmput(struct mm_struct *mm)
{
	ASSERT_EQ(atomic_read_nopoint(&mm->mm_users), 0);
	exit_mmap(mm);
	mmlist_del(mm);
	mmdrop(mm);
}

void __mmdrop(struct mm_struct *mm)
{
	long tables = atomic_long_read_nopoint(&mm->tables.pgtables_bytes);

	ASSERT_EQ(atomic_read_nopoint(&mm->mm_users), 0);
	for (unsigned i = 0; i < NR_MM_COUNTERS; i++) {
		long left = get_mm_counter(mm, i);

		WARN(left, "mm %lu: counter %u is %ld at its end", (unsigned long)mm->id, i, left);
	}
	WARN(tables, "mm %lu: %ld bytes of page tables at its end", (unsigned long)mm->id, tables);
	WARN(mm->map_count || mm->total_vm || mm->data_vm || mm->exec_vm || mm->stack_vm ||
		     mm->accounted_vm,
	     "mm %lu: %d VMAs, %lu pages at its end", (unsigned long)mm->id, mm->map_count,
	     mm->total_vm);

	spin_lock(&mm_list_lock);
	list_del(&mm->mm_node);
	spin_unlock(&mm_list_lock);
	tables_destroy(&mm->tables);
	kmem_cache_free(&mm_cache, mm);
}

void mm_use(struct mm_struct *mm)
{
	ASSERT(!current->mm);
	current->mm = mm;
	tables_use(&mm->tables);
}

void mm_unuse(struct mm_struct *mm)
{
	ASSERT_EQ(current->mm, mm);
	tables_unuse(&mm->tables);
	current->mm = NULL;
}

void mm_for_each(bool (*fn)(struct mm_struct *mm, void *arg), void *arg)
{
	struct mm_struct *mm;

	spin_lock(&mm_list_lock);
	list_for_each_entry(mm, &mm_list, mm_node) {
		if (!fn(mm, arg))
			break;
	}
	spin_unlock(&mm_list_lock);
}
