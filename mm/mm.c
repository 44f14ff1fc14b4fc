/*
 * mm.c - how an address space begins and ends.
 *
 * Owns: mm_alloc, the last mmput and the last mmdrop, now and later, the list of all mms.
 * Not here: references (mm.h), what the last user does (exit_mmap.c), copying (dup_mmap.c).
 */
#include "mm/mm.h"

#include "kernel/core/bug.h"
#include "kernel/core/setting.h"
#include "kernel/sched/thread.h"
#include "mm/exit_mmap.h"
#include "mm/lazy_tlb.h"
#include "mm/mm_check.h"
#include "mm/mm_marks.h"
#include "mm/mman_internal.h"
#include "mm/semantics.h"
#include "mm/slab.h"
#include "mm/swap.h"

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

struct mm_struct *mm_alloc_struct(void)
{
	return kmem_cache_zalloc(&mm_cache, GFP_KERNEL);
}

int mm_init(struct mm_struct *mm)
{
	if (tables_init(&mm->tables)) {
		kmem_cache_free(&mm_cache, mm);
		return -ENOMEM;
	}
	mm->tables.tlb.counted = lazy_tlb_refcount;
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
	mm->sem = sem_current();

	spin_lock(&mm_list_lock);
	mm->id = ++mm_last_id;
	list_add_tail(&mm->mm_node, &mm_list);
	spin_unlock(&mm_list_lock);
	return 0;
}

struct mm_struct *mm_alloc(void)
{
	struct mm_struct *mm = mm_alloc_struct();

	return mm && !mm_init(mm) ? mm : NULL;
}

void __mmput(struct mm_struct *mm)
{
	ASSERT_EQ(atomic_read_nopoint(&mm->mm_users), 0);
	mm_check_end(mm);
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
	WARN(mm->accounted_vm, "mm %lu: %lu pages charged at its end", (unsigned long)mm->id,
	     mm->accounted_vm);
	WARN(!mtree_empty(&mm->mm_mt), "mm %lu: a tree at its end", (unsigned long)mm->id);

	mm_mark(mm, MARK_END);
	spin_lock(&mm_list_lock);
	BUG_ON(!mm->id); /* its generation has ended already */
	mm->id = 0;
	list_del(&mm->mm_node);
	spin_unlock(&mm_list_lock);
	tables_destroy(&mm->tables);
	kmem_cache_free(&mm_cache, mm);
}

/* ---- by somebody else, later ---- */

static void mmput_work(struct work *work)
{
	__mmput(container_of(work, struct mm_struct, async_work));
}

void mmput_async(struct mm_struct *mm)
{
	if (!atomic_dec_and_test(&mm->mm_users))
		return;
	init_work(&mm->async_work, mmput_work);
	queue_work(&system_wq, &mm->async_work);
}

static void mmdrop_work(struct work *work)
{
	__mmdrop(container_of(work, struct mm_struct, async_work));
}

void mmdrop_async(struct mm_struct *mm)
{
	if (!atomic_dec_and_test(&mm->mm_count))
		return;
	init_work(&mm->async_work, mmdrop_work);
	queue_work(&system_wq, &mm->async_work);
}

static void mmdrop_rcu(struct rcu_head *head)
{
	__mmdrop(container_of(head, struct mm_struct, delayed_drop));
}

void mmdrop_delayed(struct mm_struct *mm)
{
	if (atomic_dec_and_test(&mm->mm_count))
		call_rcu(&mm->delayed_drop, mmdrop_rcu);
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
