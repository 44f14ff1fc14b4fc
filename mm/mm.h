/*
 * mm.h - struct mm_struct: one address space, and how long it lives.
 *
 * Owns: the struct, its two reference counts, its counters, taking it on by a thread.
 * Not here: VMAs (vma.h), the locks' operations (mmap_lock.h, vma_lock.h), what users may do to an
 *           address space (mman.h), faults (fault.h), checking all of it (mm_check.h).
 * Idea: mm_users counts those who may use VMAs and tables, mm_count those who may look at the
 *       struct; all mm_users together hold one mm_count.
 * Invariant: at the last mmdrop() every counter is zero. Each address space has a generation id of
 *            its own, and one id is freed once.
 */
#ifndef MM_MM_H
#define MM_MM_H

#include "kernel/base/annotations.h"
#include "kernel/base/list.h"
#include "kernel/core/atomic.h"
#include "kernel/sched/rwsem.h"
#include "kernel/sched/wait.h"
#include "kernel/sched/work.h"
#include "mm/maple_tree.h"
#include "mm/tables.h"

struct sem_set;

#define MM_MT_FLAGS (MT_FLAGS_ALLOC_RANGE | MT_FLAGS_LOCK_EXTERN | MT_FLAGS_USE_RCU)

/* What mm->rss_stat counts, in pages. */
enum mm_counter { MM_ANONPAGES, MM_FILEPAGES, MM_SWAPENTS, NR_MM_COUNTERS };

/* Bits of mm->flags. */
enum mm_flag {
	MMF_UNSTABLE, /* contents may be gone: a fault fails instead of showing zeros */
	MMF_ON_MMLIST, /* it may hold swap entries (swap.h); changes under mmlist_lock */
	MMF_OOM_SKIP, /* nothing is left that could be freed early */
	MMF_UNPUBLISHED, /* a copy that walkers of all mms pass by (walkers/walker.h); and a failed
			  * one whose VMAs neither rmap nor their files find */
	MMF_OOM_VICTIM, /* its process was chosen to end for want of memory */
	MMF_OOM_REAP_QUEUED, /* the reaper knows of it */
	MMF_HAS_PINNED, /* a page of it was pinned once (gup.h); a child does not inherit it */
};

/*
 * Field key: [I] set at creation  [M] mmap_lock, to write; either mode to read  [A] atomic
 *            [L] mm_list_lock
 */
struct mm_struct {
	struct maple_tree mm_mt;      /* [M] the VMAs; readers may use RCU and the VMA's lock */
	struct rw_semaphore mmap_lock; /*     readers fault and walk, writers change VMAs */
	unsigned long mm_lock_seq;    /* [M] a VMA whose vm_lock_seq equals it is write-locked */
	struct wait_queue_head vma_writer_wait; /* a writer that waits for readers of one VMA */
	struct mm_tables tables;      /* [I] its parts have their own locks */
	atomic_t mm_users;	      /* [A] users of the address space */
	atomic_t mm_count;	      /* [A] users of this struct */
	atomic_t nr_unflushed;	      /* [A] entries taken out, to be flushed (unmap_flush.h) */
	unsigned long flags;	      /* [A] MMF_ bits */
	atomic_long_t rss_stat[NR_MM_COUNTERS]; /* [A] */
	unsigned long total_vm;	      /* [M] pages of all VMAs; of them: */
	unsigned long data_vm;	      /* [M] private and writable, */
	unsigned long exec_vm;	      /* [M] executable and not writable, */
	unsigned long stack_vm;	      /* [M] stacks; */
	unsigned long accounted_vm;   /* [M] and, of any kind, charged to the commit limit */
	unsigned long rlimit_as;      /* [M] most that total_vm may become, in pages */
	unsigned long rlimit_data;    /* [M] and data_vm */
	atomic_long_t nr_reaped;      /* [A] entries that others dropped (oom_reap.h) */
	int map_count;		      /* [M] VMAs */
	unsigned long start_brk;      /* [I] the heap is [start_brk, brk) */
	unsigned long brk;	      /* [M] */
	unsigned long numa_scan_offset; /* [A] where NUMA balancing's scan goes on */
	unsigned int nr_changes;      /* [M] in checked runs: when to check everything */
	u64 id;			      /* [I] generation: never given twice within a world */
	const struct sem_set *sem;    /* [I] the rules it lives under (semantics.h) */
	u8 mark;		      /* [A] the last moment it passed (mm_marks.h) */
	union {
		struct work async_work;	   /* of mmput_async(), then of mmdrop_async() */
		struct rcu_head delayed_drop; /* of mmdrop_delayed() */
	};
	struct list_head mm_node;     /* [L] every mm there is */
	struct list_head mmlist;      /* mmlist_lock, if MMF_ON_MMLIST: may hold swap entries */
};

/*
 * mm_alloc - an empty address space.
 *
 * Context:  may sleep
 * Returns:  it, with one mm_users and one mm_count; NULL: no memory
 */
struct mm_struct *__must_check mm_alloc(void);

/* The two steps of mm_alloc(), for those who count failures of each. */
struct mm_struct *__must_check mm_alloc_struct(void);
/* 0, or -ENOMEM with @mm freed. */
int __must_check mm_init(struct mm_struct *mm);

/* A copy of @oldmm, or ERR_PTR: -ENOMEM, -EINTR. May sleep. No lock of @oldmm held (dup_mmap.c) */
struct mm_struct *__must_check dup_mm(struct mm_struct *oldmm);

/* Second halves of mmput() and mmdrop(), for the one who dropped the last reference. */
void __mmput(struct mm_struct *mm);
void __mmdrop(struct mm_struct *mm);

/* The caller holds a reference of this kind, or for mmgrab() of either, already. */
static inline void mmgrab(struct mm_struct *mm)
{
	atomic_inc(&mm->mm_count);
}

static inline void mmget(struct mm_struct *mm)
{
	atomic_inc(&mm->mm_users);
}

/* For one who holds only mm_count: false once nobody uses the address space any more. */
static inline bool __must_check mmget_not_zero(struct mm_struct *mm)
{
	return atomic_inc_not_zero(&mm->mm_users);
}

/* For one who found @mm on a list that it leaves before it is freed: false if it is being freed. */
static inline bool __must_check mmgrab_not_zero(struct mm_struct *mm)
{
	return atomic_inc_not_zero(&mm->mm_count);
}

/* Context: may sleep, since the last user runs exit_mmap(). No lock of @mm held. */
static inline void mmput(struct mm_struct *mm)
{
	if (atomic_dec_and_test(&mm->mm_users))
		__mmput(mm);
}

static inline void mmdrop(struct mm_struct *mm)
{
	if (atomic_dec_and_test(&mm->mm_count))
		__mmdrop(mm);
}

/*
 * The same for callers that may not sleep, or had better not be the one who tears down: a work does
 * it. mmdrop_delayed() waits for a grace period first.
 */
void mmput_async(struct mm_struct *mm);
void mmdrop_async(struct mm_struct *mm);
void mmdrop_delayed(struct mm_struct *mm);

/*
 * mm_use, mm_unuse - the calling thread's user addresses are @mm's until mm_unuse().
 *
 * The caller holds mm_users all the while. Does not nest.
 */
void mm_use(struct mm_struct *mm);
void mm_unuse(struct mm_struct *mm);

/* ---- counters ---- */

static inline void add_mm_counter(struct mm_struct *mm, enum mm_counter member, long value)
{
	atomic_long_add(value, &mm->rss_stat[member]);
}

static inline void inc_mm_counter(struct mm_struct *mm, enum mm_counter member)
{
	add_mm_counter(mm, member, 1);
}

static inline long get_mm_counter(struct mm_struct *mm, enum mm_counter member)
{
	return atomic_long_read(&mm->rss_stat[member]);
}

/* VMAs one address space may have (`set max_map_count N`). */
extern unsigned long sysctl_max_map_count;
/* Limits that a new mm gets, in pages (`set rlimit_as N`, `set rlimit_data N`). */
extern unsigned long sysctl_rlimit_as, sysctl_rlimit_data;

/*
 * mm_for_each - call @fn for every mm there is, oldest first, until it returns false.
 *
 * Context: under a spinlock: @fn does not sleep; mmget_not_zero() lets it keep what it found
 */
void mm_for_each(bool (*fn)(struct mm_struct *mm, void *arg), void *arg);

#endif
